# SPDX-License-Identifier: MIT
# title: the network
# tries: reach the internet, the cloud's metadata service, private networks and multicast, by TCP, UDP and DNS
# result: tcp-* udp-* ENETUNREACH|EADDRNOTAVAIL|ENETDOWN|EINVAL
# result: dns refused
# include "attack_py.py"
import socket
for host in ("8.8.8.8", "169.254.169.254", "10.0.0.1", "172.17.0.1", "192.168.1.1", "224.0.0.251", "100.100.100.200"):
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(2)
        attempt(f"{name}-{host}", lambda: (s.connect((host, 53)), s.send(b"x")))
for host in ("2001:4860:4860::8888", "fe80::1%lo", "ff02::1%lo", "fd00:ec2::254"):
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        s = socket.socket(socket.AF_INET6, kind)
        s.settimeout(2)
        try:
            s.connect(socket.getaddrinfo(host, 53, type=kind)[0][4])
            s.send(b"x")
            say(f"{name}-{host}", 0)
        except OSError as problem:
            say(f"{name}-{host}", errno.errorcode[problem.errno])
try:
    socket.getaddrinfo("example.com", 80)
    say("dns", "answered")
except socket.gaierror:
    say("dns", "refused")
