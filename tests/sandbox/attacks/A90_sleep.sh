# SPDX-License-Identifier: MIT
# title: sleep past the wall clock limit
# tries: hold a slot for much longer than it was given
# limits: wallMs=2000
# verdict: wall_time_limit
# bound: wallMs <= 6000
trap '' TERM INT HUP
sleep 60
