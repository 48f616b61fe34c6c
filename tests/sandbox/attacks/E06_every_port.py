# SPDX-License-Identifier: MIT
# title: every port
# tries: hold all ports and connections that a host's table has room for, as another job would need them
# executors: native
# together: yes
# limits: memoryBytes=256M
# job: hog
# verdict: ok | memory_limit
# result: hog 0|EMFILE|EADDRINUSE|EAGAIN
# job: neighbour
# result: neighbour 0
# include "attack_py.py"
import socket, time
if sys.argv[1] == "hog":
    held = []
    def take():
        for port in range(1024, 65536):
            if port % 900 == 0 and os.fork() == 0:
                time.sleep(1)
                os._exit(0)
            s = socket.socket()
            s.bind(("127.0.0.1", port))
            s.listen(1)
            held.append(s)
            if len(held) >= 900:
                held.clear()
    attempt("hog", take)
else:
    time.sleep(0.2)
    attempt("neighbour", lambda: socket.create_server(("127.0.0.1", 5000)).close())
