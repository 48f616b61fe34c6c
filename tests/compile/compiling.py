# SPDX-License-Identifier: MIT
"""What the tests of the compile path ask a server."""
import subprocess

import harness


def counts(server):
    """hits, compile errors known, misses"""
    names = ("hits_total", "negative_hits_total", "misses_total")
    return tuple(int(server.metric(f"codecrusher_compile_cache_{name}")) for name in names)


def cached(result):
    return result["compile"]["cached"]


def entries(server):
    return sorted(p for p in (server.settings.data_dir / "cache").iterdir())


def kept(server, n):
    """Waits until so many entries are on disk: they are written after the answer."""
    harness.wait_until(lambda: len([p for p in entries(server) if not p.name.startswith("new-")]) == n, 20,
                       f"{n} entries on disk")
    return entries(server)


def make_key(name):
    done = subprocess.run([harness.PROGRAM, "key", name], capture_output=True, text=True, timeout=60, check=True)
    key, line = done.stdout.splitlines()
    return key.split()[1], line.split(" ", 1)[1]
