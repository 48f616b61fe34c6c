# SPDX-License-Identifier: MIT
# title: ports of the host
# tries: reach a database, Docker or this server on 127.0.0.1 and ::1
# result: connected 0
# result: errors ECONNREFUSED
# result[docker]: errors *ECONNREFUSED*
# include "attack_py.py"
import socket
errors, connected = set(), 0
for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0"):
    for port in (22, 80, 443, 2375, 3000, 3306, 5432, 6379, 8080, 27017):
        try:
            socket.create_connection((host, port), 2).close()
            connected += 1
        except OSError as problem:
            errors.add(errno.errorcode.get(problem.errno, "no-such-name"))
say("connected", connected)
say("errors", ",".join(sorted(errors)))
