# SPDX-License-Identifier: MIT
# title: network state left behind
# tries: leave connections in TIME_WAIT, bound ports and datagrams that nobody read
# job: plant x2
# result: planted 0
# job: look x4
# result: sockets 0
# result: time-wait 0
# result: port 0
# include "attack_py.py"
import socket
def plant():
    s = socket.create_server(("127.0.0.1", 4712))
    for _ in range(20):
        c = socket.create_connection(("127.0.0.1", 4712))
        s.accept()[0].close()
        c.close()
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 4713))
    u.sendto(b"secret", ("127.0.0.1", 4713))
if sys.argv[1] == "plant":
    attempt("planted", plant)
else:
    say("sockets", sum(len(open("/proc/net/" + f).readlines()) - 1 for f in ("tcp", "tcp6", "udp", "udp6")))
    say("time-wait", next(line.split("tw ")[1].split()[0] for line in open("/proc/net/sockstat") if line.startswith("TCP:")))
    attempt("port", lambda: socket.create_server(("127.0.0.1", 4712), reuse_port=False).close())
