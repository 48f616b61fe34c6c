# SPDX-License-Identifier: MIT
# title: a bomb in the build
# tries: fork without end at build time
# language: built
# compile-limits: processes=40 wallMs=1200 cpuMs=1200
# verdict: compile_error
# compile: cpu_time_limit | wall_time_limit | output_limit
:(){ :|:& };:
sleep 60
