# SPDX-License-Identifier: MIT
# title: wait for what never comes
# tries: sleep, with standard input at its end
# limits: wallMs=500
# verdict: wall_time_limit
# bound: wallMs >= 500
# bound: wallMs <= 2500
import signal, sys
assert sys.stdin.read() == ""
while True:
    signal.pause()
