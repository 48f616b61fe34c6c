# SPDX-License-Identifier: MIT
# title: a storm of execs
# tries: replace itself by itself for ever, with children that do the same
# limits: processes=40 wallMs=1200 cpuMs=1200
# verdict: cpu_time_limit | wall_time_limit
echo 'bash "$0" & exec bash "$0"' > again
bash again
sleep 60
