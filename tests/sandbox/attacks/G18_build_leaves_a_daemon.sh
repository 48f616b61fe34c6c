# SPDX-License-Identifier: MIT
# title: a build that leaves a daemon
# tries: outlive the build step, as build servers do, and hold its output
# language: built
# stdout: "built\n"
printf '#!/bin/sh\necho built\n' > main
chmod +x main
(trap '' TERM HUP; setsid sleep 60) &
(while :; do sleep 1; echo again; done) &
disown -a
