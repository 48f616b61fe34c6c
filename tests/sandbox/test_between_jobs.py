# SPDX-License-Identifier: MIT
"""Nothing of one run is visible to another, before, beside or after it; nor to another server's."""
import threading

import pytest

import harness


def everywhere(server, code, times=8):
    """The code's output from enough runs to have met every slot."""
    jobs = [server.submit("python", code) for _ in range(times)]
    return [server.result(job) for job in jobs]


# The kernel never gives two network namespaces of one boot the same cookie.
NETWORK = """
import socket, struct
def cookie():
    with socket.socket(socket.AF_UNIX) as s:
        return struct.unpack('Q', s.getsockopt(socket.SOL_SOCKET, 71, 8))[0]
"""

TRACES = {
    "datagram": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', 9))\n",
    "datagram6": "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.sendto(b'x', ('::1', 9))\n",
    "connection": "l = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\n"
    "a, _ = l.accept()\na.close()\nc.close()\n",
    "refused": "try: socket.create_connection(('127.0.0.1', 9))\nexcept ConnectionRefusedError: pass\n",
    "flow label": "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
    "label = struct.pack('!16s I BB', socket.inet_pton(socket.AF_INET6, '::1'), 0x12345, 0, 1) + "
    "struct.pack('HHHI', 1, 6, 6, 0)\ns.setsockopt(socket.IPPROTO_IPV6, 32, label)\n",
}


@pytest.mark.parametrize("trace", TRACES)
def test_a_network_that_was_used_is_gone(server, trace):
    left = everywhere(server, NETWORK + TRACES[trace] + "print(cookie())")
    assert all(r["verdict"] == "ok" for r in left), left[0]["stderr"]
    counters = "print(*(open('/proc/net/' + n).read() for n in ('dev', 'snmp', 'netstat', 'tcp', 'ip6_flowlabel')))\n"
    later = [r["stdout"].split("\n", 1) for r in everywhere(server, NETWORK + "print(cookie())\n" + counters, 16)]
    assert not {r["stdout"].strip() for r in left} & {seen for seen, _ in later}
    assert len({text for _, text in later}) == 1


def test_a_network_that_nobody_used_serves_again(server):
    seen = [r["stdout"] for r in everywhere(server, NETWORK + "print(cookie())", 24)]
    assert len(set(seen)) < len(seen)


def test_nobody_joins_a_multicast_group(server):
    """Leaving it would be told in the network namespace when somebody else has it."""
    code = """
import socket, struct
lo = socket.if_nametoindex('lo')
for family, level, option, value in (
    (socket.AF_INET, socket.IPPROTO_IP, 35, struct.pack('4s4si', bytes([224, 0, 0, 251]), bytes(4), lo)),
    (socket.AF_INET6, socket.IPPROTO_IPV6, 20, struct.pack('16si', bytes([255, 2] + [0] * 13 + [251]), lo)),
    (socket.AF_INET6, socket.IPPROTO_IPV6, 27, struct.pack('16si', bytes([255, 2] + [0] * 13 + [251]), lo)),
    (socket.AF_INET, socket.IPPROTO_IP, 42, struct.pack('Q128s', lo, struct.pack('HH4s', 2, 0, bytes([224, 0, 0, 251])))),
):
    try: print(socket.socket(family, socket.SOCK_DGRAM).setsockopt(level, option, value))
    except OSError as e: print(e.errno)
"""
    assert server.run("python", code)["stdout"].split() == ["19"] * 4


def test_users_are_gone(server):
    """Two runs at once never share a uid."""
    code = "import os, time; print(os.stat('/proc/self').st_uid, os.getuid()); time.sleep(1)"
    jobs = [server.submit("python", code) for _ in range(2)]
    uids = [server.result(j)["stdout"] for j in jobs]
    r = [server.result(j) for j in jobs]
    overlap = r[0]["startedAt"] < r[1]["finishedAt"] and r[1]["startedAt"] < r[0]["finishedAt"]
    assert overlap, "a server of one core runs one at a time"
    assert uids[0] != uids[1]


# ---- compile and run are two containers


def test_what_the_compiler_wrote_elsewhere_does_not_reach_the_run(server):
    code = r"""
#include <dirent.h>
#include <stdio.h>
int main(void)
{
	const char *places[] = { "/tmp", "/dev/shm", "/box" };
	for (int i = 0; i < 3; i++) {
		DIR *d = opendir(places[i]);
		struct dirent *e;
		int n = 0;
		while ((e = readdir(d))) n += e->d_name[0] != '.';
		printf("%s %d\n", places[i], n);
	}
}
"""
    out = dict(line.split() for line in server.run("c", code)["stdout"].splitlines())
    assert out["/tmp"] == out["/dev/shm"] == "0"


def test_env_reaches_the_run_and_not_the_compiler(server):
    env = {"CPATH": "/nowhere", "GCC_EXEC_PREFIX": "/nowhere", "LD_PRELOAD": "", "WORD": "run"}
    code = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { puts(getenv("WORD")); }'
    r = server.run("c", code, env=env)
    assert r["stdout"] == "run\n", r


def test_a_compiler_cannot_read_the_hosts_files(server):
    for path in ("/etc/shadow", "/proc/1/environ", str(server.settings.data_dir)):
        r = server.run("c", f'#include "{path}"\nint main(void) {{}}')
        assert r["verdict"] == "compile_error"
        assert "root:" not in r["compile"]["stderr"]
    r = server.run("c", '__asm__(".incbin \\"/etc/shadow\\"");\nint main(void) {}')
    assert r["verdict"] == "compile_error"


def test_compile_limits_are_named_in_compile(server):
    code = '#include "/dev/zero"\nint main(void) {}'
    r = server.run("c", code, compileLimits={"memoryBytes": 100 << 20})
    assert (r["verdict"], r["compile"]["verdict"]) in (
        ("compile_error", "memory_limit"),
        ("compile_error", "runtime_error"),
        ("compile_error", "compile_error"),
    )
    code = "#define A(x) x+x+x+x+x+x+x+x+x+x\n#define B(x) A(A(x))\nint main(int n, char **v) { (void)v; return B(B(B(n))); }"
    r = server.run("c", code, compileLimits={"wallMs": 200})
    assert (r["verdict"], r["compile"]["verdict"]) == ("compile_error", "wall_time_limit")


# ---- two servers on one host


def test_two_servers_share_a_host(start_server):
    """The same run directory, cgroup name and uid range: each keeps to its own block of it."""
    settings = harness.Settings()
    try:
        first = start_server(settings=settings)
        second = start_server(settings=settings, CODECRUSHER_DATA_DIR=settings.base / "data2")
        long = first.submit("bash", "sleep 4; echo unharmed")
        first.wait_state(long, "running")
        assert second.run("bash", "echo second")["stdout"] == "second\n"

        uids = {}

        def who(name, server):
            uids[name] = {server.run("python", "import os; print(os.getuid())")["stdout"] for _ in range(10)}

        threads = [threading.Thread(target=who, args=pair) for pair in (("a", first), ("b", second))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert uids["a"] and uids["b"] and not uids["a"] & uids["b"]

        # A newcomer sweeps what the dead left, and the living keep theirs.
        second.kill()
        third = start_server(settings=settings, CODECRUSHER_DATA_DIR=settings.base / "data2")
        assert third.run("bash", "echo third")["stdout"] == "third\n"
        assert first.result(long)["stdout"] == "unharmed\n"
        third.stop()
        assert first.run("bash", "echo still")["stdout"] == "still\n"
        first.stop()
        harness.wait_until(lambda: not settings.processes(), 10, "all processes to be gone")
    finally:
        settings.remove()


def test_what_a_killed_server_left_is_swept_at_the_next_start(start_server):
    settings = harness.Settings()
    try:
        first = start_server(settings=settings)
        job = first.submit("bash", "sleep 60")
        first.wait_state(job, "running")
        first.kill()
        second = start_server(settings=settings)
        harness.wait_until(lambda: second.state(job) in ("running", "queued"), 10, "the job to be taken again")
        second.request("DELETE", f"/api/v1/jobs/{job}")
        assert second.result(job)["verdict"] == "cancelled"
        idle_cgroups = len(settings.cgroups())
        second.stop()
        assert len(settings.cgroups()) <= idle_cgroups
    finally:
        settings.remove()
