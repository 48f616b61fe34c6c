# SPDX-License-Identifier: MIT
# title: the shell's fork bomb
# tries: :(){ :|:& };: and a long wait
# limits: processes=40 wallMs=1200 cpuMs=1200
# verdict: wall_time_limit | cpu_time_limit | output_limit
:(){ :|:& };:
sleep 60
