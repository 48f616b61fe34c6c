# SPDX-License-Identifier: MIT
"""CodeCrusher as an ordinary user: what works, what is weaker, and that it says so."""
import re
import subprocess

import pytest

import harness
import ordinary_user

NO_GROUPS = "memory,pids,cpu,cpuacct"


def weaknesses(r):
    return r.get("weakIsolation")


# ---- doctor, and the start


def test_doctor_names_what_is_weaker(as_user, user):
    done = as_user("ids", "doctor")
    text = done.stdout.decode()
    assert done.returncode == 0, text
    assert re.search(rf"^user\s+ok\s.*uid {user('ids').uid}", text, re.M)
    assert re.search(r"^rootless\s+weak\s.*engine and spawner are one user", text, re.M)
    assert re.search(r"^uids\s+ok\s", text, re.M)
    for controller in NO_GROUPS.split(","):
        assert re.search(rf"^cgroup-{controller}\s+ok\s", text, re.M), text


def test_without_ids_of_its_own_it_refuses_until_that_is_accepted(as_user, user, program):
    text = as_user("no ids", "doctor").stdout.decode()
    assert re.search(r"^uids\s+missing\s.*/etc/subuid.*allow-weak=uids", text, re.M), text
    path = program("import os; print(os.getuid(), os.getgroups())")
    done = as_user("no ids", "run", path)
    assert (done.returncode, done.stdout) == (125, b""), done
    assert b"allow-weak=uids" in done.stderr
    done = as_user("no ids", "run", path, CODECRUSHER_ALLOW_WEAK="uids")
    assert (done.returncode, done.stdout.decode()) == (0, f"{user('no ids').uid} []\n"), done.stderr


def test_without_control_groups_it_refuses_until_that_is_accepted(as_user, program):
    path = program("print('ran')")
    done = as_user("no groups", "run", path)
    assert (done.returncode, done.stdout) == (125, b""), done
    assert b"cgroup-memory" in done.stderr and b"Delegate=yes" in done.stderr
    done = as_user("no groups", "serve")
    assert done.returncode == 78 and b"cgroup-memory" in done.stderr
    text = as_user("no groups", "doctor").stdout.decode()
    for controller in NO_GROUPS.split(","):
        assert re.search(rf"^cgroup-{controller}\s+missing\s.*allow-weak={controller}", text, re.M), text
    done = as_user("no groups", "run", path, CODECRUSHER_ALLOW_WEAK="memory,pids,cpu")
    assert done.returncode == 125 and b"cgroup-cpuacct" in done.stderr, "each has to be named"
    done = as_user("no groups", "run", path, CODECRUSHER_ALLOW_WEAK=NO_GROUPS)
    assert (done.returncode, done.stdout) == (0, b"ran\n"), done.stderr


def test_where_no_user_namespace_can_be_made_it_says_what_to_look_at(user, as_user, program):
    """The host's doing, or that of a user namespace around everything, in which the number of more of them is 0."""
    done = as_user("ids", "run", program("print(1)"))
    if ordinary_user.forbidden():
        assert done.returncode == 125 and b"apparmor_restrict_unprivileged_userns" in done.stderr, done
        return
    assert done.returncode == 0
    limit = "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all \"$@\""
    one = user("ids")
    done = subprocess.run(
        [*one.inside, "unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-ec", limit, "sh",
         harness.PROGRAM, "run", program("print(1)")],
        capture_output=True, stdin=subprocess.DEVNULL, env=harness.clean_env(**one.env()), cwd="/",
    )  # fmt: skip
    assert done.returncode == 125, done
    assert b"user.max_user_namespaces" in done.stderr


def test_places_are_the_users_own(user, user_server):
    one = user("ids")
    assert (one.home / ".local/state/codecrusher").stat().st_uid == one.uid
    assert (one.home / "run/codecrusher/0/lock").stat().st_uid == one.uid


# ---- who is who


def test_nothing_of_it_is_root_and_programs_are_nobody_of_this_host(user, user_server):
    one = user("ids")
    for role in ("monitor", "engine", "spawner", "builder"):
        text = open(f"/proc/{user_server.find(role)}/status").read()
        assert re.search(rf"^Uid:(\s+{one.uid}){{4}}$", text, re.M), role
    job = user_server.submit("bash", "sleep 30")

    def seen():
        return [harness.uid_of(pid) for pid, (_, comm, _) in harness.processes().items() if comm == "sleep"]

    harness.wait_until(lambda: any(uid in one.ids for uid in seen()), 10, "a program with one of the user's ids")
    assert user_server.request("DELETE", f"/api/v1/jobs/{job}").status_code in (200, 202, 204)
    assert user_server.result(job)["verdict"] == "cancelled"


def test_the_result_says_in_what_it_was_weaker(user_server, start_server, user):
    r = user_server.run("python", "print(1)")
    assert (r["verdict"], weaknesses(r)) == ("ok", ["rootless"])
    one = user("no ids")
    server = start_server(settings=one, CODECRUSHER_ALLOW_WEAK="uids")
    r = server.run("c", "int main(void) { return 3; }")
    assert (r["exitCode"], weaknesses(r)) == (3, ["rootless", "uids"])
    fetched = server.get(f"/api/v1/result?jobId={r['jobId']}").json()
    assert weaknesses(fetched) == ["rootless", "uids"], "it is stored"


def test_without_control_groups_the_result_says_so(start_server, user):
    one = user("no groups")
    server = start_server(settings=one, CODECRUSHER_ALLOW_WEAK=NO_GROUPS)
    r = server.run("python", "print(1)")
    assert (r["verdict"], weaknesses(r)) == ("ok", ["rootless", "memory", "pids", "cpu", "cpuacct"])


def test_a_server_of_root_has_no_such_field(server):
    assert "weakIsolation" not in server.run("python", "print(1)")


# ---- what a program finds


INSIDE = r"""
import ctypes, errno, os
status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
print("ids", os.getresuid() == (os.getuid(),) * 3, os.getuid() == 0, os.getgroups())
print("caps", {status[n].strip() for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, status["NoNewPrivs"].strip())
libc = ctypes.CDLL(None, use_errno=True)
print("userns", libc.unshare(0x10000000), errno.errorcode[ctypes.get_errno()], open("/proc/sys/user/max_user_namespaces").read().strip())
mounts = [line.split() for line in open("/proc/self/mountinfo")]
print("proc", [m[4] for m in mounts if m[m.index("-") + 1] == "proc" and m[3] == "/"])
print("pids", sorted(int(p) for p in os.listdir("/proc") if p.isdigit()) == [os.getpid()])
def attempt(f):
    try:
        return f()
    except OSError as e:
        return errno.errorcode[e.errno]
print("writes", {attempt(lambda p=p: open(p, "w").close()) for p in ("/x", "/usr/x", "/etc/x", "/proc/sys/kernel/hostname")})
print("kill", attempt(lambda: os.kill(1, 9)))
print("hides", attempt(lambda: open("/proc/1/environ").read()), open("/proc/kallsyms").read(), os.listdir("/proc/scsi") if os.path.exists("/proc/scsi") else [])
"""


@pytest.mark.parametrize("kind", ["ids", "no ids"])
def test_a_program_has_no_power_and_cannot_get_any(as_user, program, kind):
    done = as_user(kind, "run", program(INSIDE), CODECRUSHER_ALLOW_WEAK="uids")
    found = dict(line.split(" ", 1) for line in done.stdout.decode().splitlines())
    assert found["ids"] == "True False []", done.stderr
    assert found["caps"] == "{'0000000000000000'} 1"
    assert found["userns"] == "-1 EPERM 0"
    assert found["proc"] == "['/proc']", "the proc of outside is gone"
    assert found["pids"] == "True"
    assert found["writes"] == "{'EROFS'}" or set(re.findall(r"E\w+", found["writes"])) <= {"EROFS", "EACCES"}
    assert found["kill"] in ("None", "EPERM"), "pid 1 takes no signal from inside"
    assert found["hides"] == "ENOENT  []"


HELLO = {
    "python": "print('hello')",
    "javascript": "console.log('hello')",
    "bash": "echo hello",
    "c": '#include <stdio.h>\nint main(void) { puts("hello"); }',
    "cpp": '#include <iostream>\nint main() { std::cout << "hello\\n"; }',
}


@pytest.mark.parametrize("language", HELLO)
def test_languages_run_warm_and_cold_and_compiled(user_server, language):
    for _ in range(2):
        r = user_server.run(language, HELLO[language])
        assert (r["verdict"], r["stdout"], r["weakIsolation"]) == ("ok", "hello\n", ["rootless"]), r


# ---- limits

LIMITS = {
    "cpu_time_limit": ("python", "while True: pass", {"cpuMs": 500}),
    "wall_time_limit": ("bash", "sleep 60", {"wallMs": 600}),
    "memory_limit": (
        "python",
        "import os, time\nif os.fork() == 0: x = bytearray(200 << 20)\ntime.sleep(60)",
        {"memoryBytes": 100 << 20},
    ),
    "output_limit": ("bash", "yes", {"outputBytes": 1000}),
}


@pytest.mark.parametrize("verdict", LIMITS)
def test_limits_hold(user_server, verdict):
    language, code, limits = LIMITS[verdict]
    r = user_server.run(language, code, limits=limits)
    assert r["verdict"] == verdict, r
    assert user_server.run("bash", "echo canary")["stdout"] == "canary\n"


def test_limits_without_a_verdict_hold(user_server):
    bomb = "import os, time\ntry:\n while True:\n  if os.fork() == 0: time.sleep(30)\nexcept OSError as e: print(e.errno)"
    assert user_server.run("python", bomb, limits={"processes": 20})["stdout"] == "11\n"
    full = "try:\n for p in ('x', '/tmp/y'):\n  f = open(p, 'wb', buffering=0)\n  for _ in range(8): f.write(bytes(1 << 20))\nexcept OSError as e: print(e.errno)"
    assert user_server.run("python", full, limits={"diskBytes": 9 << 20})["stdout"] == "28\n"
    large = '#include <stdio.h>\nint main(void) { FILE *f = fopen("x", "w"); for (;;) fputc(0, f); }'
    assert user_server.run("c", large, limits={"fileBytes": 65536})["signal"] == "SIGXFSZ"


HOG = r"""
import ctypes, errno, sys, time
libc, n = ctypes.CDLL(None, use_errno=True), 0
while libc.inotify_init1(0) >= 0: n += 1
print(n, errno.errorcode[ctypes.get_errno()], flush=True)
if sys.argv[1:]:
    open("/proc/self/comm", "w").write("full")
    time.sleep(30)
"""


def test_one_program_does_not_take_what_the_kernel_gives_to_a_user(user, user_server):
    """inotify instances are counted for the user outside too."""
    hog = user_server.submit("python", HOG, args=["stay"])
    one = user("ids")
    harness.wait_until(lambda: "full" in {harness.processes().get(pid, ("", ""))[1] for pid in one.processes()}, 10, "all it can get")
    counts = [user_server.run("python", HOG)["stdout"].split() for _ in range(2)]
    assert user_server.request("DELETE", f"/api/v1/jobs/{hog}").status_code < 300
    user_server.result(hog)
    assert all(int(n) >= 1 and error == "EMFILE" for n, error in counts), counts
    assert len({n for n, _ in counts}) == 1, counts


def test_nothing_stays(start_server, user):
    one = user("no ids")
    server = start_server(settings=one, CODECRUSHER_ALLOW_WEAK="uids")
    assert server.run("bash", "(setsid sleep 60 &) ; echo x > /tmp/x; echo ok")["stdout"] == "ok\n"
    assert server.run("bash", "ls /tmp /dev/shm")["stdout"] == "/dev/shm:\n\n/tmp:\n"
    server.stop()
    harness.wait_until(lambda: not one.processes(), 10, "all processes to be gone")
    assert not [path for path in one.cgroups() if path.name.startswith(("i", "s"))]
