# SPDX-License-Identifier: MIT
"""Nothing of one run is visible to another, before, beside or after it; nor to another server's."""
import threading

import pytest

import harness


def everywhere(server, code, times=8):
    """The code's output from enough runs to have met every slot."""
    jobs = [server.submit("python", code) for _ in range(times)]
    return [server.result(job) for job in jobs]


def test_files_are_gone(server):
    plant = "for p in ('/tmp/m', '/box/m', '/dev/shm/m'): open(p, 'w').write('secret')"
    assert all(r["verdict"] == "ok" for r in everywhere(server, plant))
    look = "import os; print([os.listdir(p) for p in ('/tmp', '/box', '/dev/shm')])"
    assert {r["stdout"] for r in everywhere(server, look)} == {"[[], ['main.py'], []]\n"}


def test_ipc_objects_are_gone(server):
    plant = """
import ctypes
libc = ctypes.CDLL(None)
print(libc.shmget(0x4711, 100000, 0o1666), libc.semget(0x4711, 1, 0o1666), libc.msgget(0x4711, 0o1666))
"""
    rows = everywhere(server, plant)
    assert all("-1" not in r["stdout"] for r in rows), rows[0]
    look = plant.replace("0o1666", "0o666")
    assert {r["stdout"] for r in everywhere(server, look)} == {"-1 -1 -1\n"}


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


def test_neighbours_cannot_be_seen_or_signalled(server):
    victim = server.submit("bash", "sleep 3; echo alive")
    server.wait_state(victim, "running")
    attack = """
import os
for pid in range(2, 70000):
    if pid != os.getpid():
        for s in (0, 9):
            try:
                os.kill(pid, s); print('signalled', pid)
            except OSError: pass
"""
    assert server.run("python", attack)["stdout"] == ""
    assert server.result(victim)["stdout"] == "alive\n"


def test_neighbours_cannot_meet_over_the_network(server):
    code = """
import socket, time
s = socket.create_server(('127.0.0.1', 4711))
a = socket.socket(socket.AF_UNIX); a.bind('\\0meeting'); a.listen()
time.sleep(1); print('alone')
"""
    jobs = [server.submit("python", code) for _ in range(2)]
    assert [server.result(j)["stdout"] for j in jobs] == ["alone\n", "alone\n"]


def test_a_neighbour_that_takes_all_it_may_does_not_starve_others(server):
    hog = """
import os, socket
fds = []
try:
    while True: fds.append(os.pipe())
except OSError: pass
import time; time.sleep(2)
"""
    job = server.submit("python", hog)
    server.wait_state(job, "running")
    r = server.run("python", "import os; print(len([os.pipe() for _ in range(100)]))")
    assert r["stdout"] == "100\n"
    assert server.result(job)["verdict"] == "ok"


def test_a_set_uid_file_gives_nothing(server):
    code = r"""
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int n, char **v)
{
	if (n > 1) { printf("%d\n", geteuid() == getuid()); return 0; }
	chmod("/proc/self/exe", 06755);
	execl("/proc/self/exe", v[0], "x", (char *)0);
}
"""
    assert server.run("c", code)["stdout"] == "1\n"


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


BOMBS = {
    "an endless source": ('#include "/dev/zero"\nint main(void) {}', {"memoryBytes": 128 << 20, "wallMs": 10000}),
    "a huge object": ("int a[1 << 29] = { 1 };\nint main(void) { return a[0]; }", {}),
    "endless includes": ('#include __FILE__\n#include __FILE__\nint main(void) {}', {"cpuMs": 2000}),
    "a flood of diagnostics": (
        "#define A x y;\n#define B A A A A A A A A A A\n#define C B B B B B B B B B B\n#define D C C C C C C C C C C\n"
        "int main(void) { D D D D D D D D D D }",
        {"outputBytes": 10000},
    ),
    "much memory": (
        "#define A(x) x+x+x+x+x+x+x+x+x+x\n#define B(x) A(A(x))\n#define C(x) B(B(x))\n"
        "int main(int n, char **v) { (void)v; return C(B(n)); }",
        {"memoryBytes": 64 << 20},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_a_source_that_attacks_its_compiler(server, case):
    code, limits = BOMBS[case]
    r = server.run("c", code, compileLimits=limits)
    assert r["verdict"] == "compile_error", r
    assert r["compile"]["verdict"] != "ok"
    assert r["exitCode"] is None
    assert r["response"]


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


def test_a_program_that_runs_is_not_the_one_in_the_next_container(server):
    """The artefact is handed over by descriptor: a program that overwrites itself changes only its own copy."""
    code = '#include <stdio.h>\nint main(int n, char **v) { (void)n; remove(v[0]); FILE *f = fopen(v[0], "w"); if (f) fputs("x", f); puts("one"); }'
    assert [server.run("c", code)["stdout"] for _ in range(3)] == ["one\n"] * 3


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
