# SPDX-License-Identifier: MIT
"""Hosts on one machine: a network namespace each, on one bridge, with addresses that nobody outside can reach.

A connection between two hosts is cut without either of them noticing, as by a broken switch: what they send goes to a
hardware address that nobody has.
"""
import contextlib
import ctypes
import itertools
import os
import subprocess

NOBODY = "02:00:00:00:00:01"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_networks = itertools.count(1)


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class Network:
    def __init__(self):
        self.name = f"cc{os.getpid()}-{next(_networks)}"
        self.hosts = {}
        self.bridge = f"{self.name}-bridge"
        ip("netns", "add", self.bridge)
        ip("-n", self.bridge, "link", "add", "br0", "type", "bridge")
        ip("-n", self.bridge, "link", "set", "br0", "up")

    def add(self, name):
        host = Host(self, name, len(self.hosts) + 1)
        self.hosts[name] = host
        return host

    def remove(self):
        for namespace in [*(h.namespace for h in self.hosts.values()), self.bridge]:
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("netns", "del", namespace)

    def cut(self, a, b):
        """Nothing gets from one host to the other any more, in either direction."""
        for here, there in ((a, b), (b, a)):
            here.ip("neigh", "replace", there.address, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def mend(self, a, b):
        for here, there in ((a, b), (b, a)):
            here.ip("neigh", "del", there.address, "dev", "eth0")


class Host:
    def __init__(self, network, name, number):
        self.name = name
        self.namespace = f"{network.name}-{name}"
        self.address = f"10.77.0.{number}"
        ip("netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")
        port = f"port{number}"
        ip("-n", network.bridge, "link", "add", port, "type", "veth", "peer", "eth0", "netns", self.namespace)
        ip("-n", network.bridge, "link", "set", port, "master", "br0", "up")
        self.ip("address", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")

    def ip(self, *words):
        ip("-n", self.namespace, *words)

    @property
    def inside(self):
        """Words in front of a command that is to run here. Only the network is another: `ip netns exec` would take
        the control groups away."""
        return ("nsenter", f"--net=/run/netns/{self.namespace}", "--")

    def enter(self):
        """Moves the calling thread here, for the sockets that it will open."""
        fd = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            if _libc.setns(fd, CLONE_NEWNET) < 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(fd)
