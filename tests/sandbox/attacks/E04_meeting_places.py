# SPDX-License-Identifier: MIT
# title: meeting places
# tries: two jobs at once meet at an abstract socket, a port, a name in /dev/shm or a message queue
# together: yes
# job: one
# result: abstract port 0
# result: alone yes
# job: two
# result: abstract port 0
# result: alone yes
# include "attack_py.py"
import socket, time
me, other = sys.argv[1], {"one": "two", "two": "one"}[sys.argv[1]]
a = socket.socket(socket.AF_UNIX)
attempt("abstract", lambda: a.bind("\0meeting-" + me))
a.listen()
p = socket.socket()
attempt("port", lambda: p.bind(("127.0.0.1", 4711)))
p.listen()
open("/dev/shm/" + me, "w").close()
end, met = time.monotonic() + 1.0, False
while time.monotonic() < end and not met:
    try:
        socket.socket(socket.AF_UNIX).connect("\0meeting-" + other)
        met = True
    except OSError:
        met = os.path.exists("/dev/shm/" + other)
    time.sleep(0.05)
say("alone", "no" if met else "yes")
