# SPDX-License-Identifier: MIT
# title: children that stay
# tries: leave daemons behind that hold the output, ignore everything and are stopped
# stdout: "done\n"
# bound: wallMs <= 2000
(trap '' HUP INT TERM PIPE; sleep 60) &
setsid sleep 60 &
sleep 60 &
kill -STOP $!
python3 -c 'import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(60)'
echo done
