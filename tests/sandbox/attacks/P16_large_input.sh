# SPDX-License-Identifier: MIT
# title: 100 MB of standard input
# tries: read all of it, through the command line
# stdin-bytes: 100000000
# limits: wallMs=60000 cpuMs=30000
# stdout: "100000000\n"
# executors: native
wc -c
