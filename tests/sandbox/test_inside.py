# SPDX-License-Identifier: MIT
"""What a program finds around itself."""
import os
import pathlib
import re
import socket

import pytest

import harness


def python(server, code, **fields):
    r = server.run("python", code, **fields)
    assert r["verdict"] == "ok", r
    return r["stdout"]


def test_who_it_is(server):
    out = python(server, "import os\nprint(os.getresuid(), os.getresgid(), os.getgroups())")
    uids, gids, groups = re.findall(r"[(\[].*?[)\]]", out)
    uid = int(re.findall(r"\d+", uids)[0])
    assert uids == gids == f"({uid}, {uid}, {uid})"
    assert uid >= server.settings.uid_base or uid == 1000
    assert groups in ("[]", f"[{uid}]")


def status(server, **fields):
    text = python(server, "print(open('/proc/self/status').read())", **fields)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_has_no_power(server):
    s = status(server)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(s[name], 16) == 0, name
    assert s["NoNewPrivs"] == "1"
    assert s["Seccomp"] == "2"


def test_no_signal_is_blocked_or_ignored_at_start(server):
    code = r"""
#include <stdio.h>
#include <string.h>
int main(void) { char l[256]; FILE *f = fopen("/proc/self/status", "r");
	while (fgets(l, sizeof(l), f)) if (!strncmp(l, "Sig", 3) || !strncmp(l, "ShdPnd", 6)) fputs(l, stdout); }
"""
    out = server.run("c", code)["stdout"]
    for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"):
        assert re.search(rf"{name}:\t0+\n", out), out


def test_it_has_three_descriptors(server):
    code = r"""
#include <fcntl.h>
#include <stdio.h>
int main(void) { for (int i = 0; i < 65536; i++) if (fcntl(i, F_GETFD) >= 0) printf("%d ", i); }
"""
    assert server.run("c", code)["stdout"] == "0 1 2 "


def test_it_is_not_pid_1_and_sees_only_its_own(server):
    out = python(server, "import os\nprint(os.getpid(), os.getppid(), *sorted(p for p in os.listdir('/proc') if p.isdigit()))")
    pid, _, *seen = out.split()
    assert pid != "1"
    assert set(seen) <= {"1", pid}


def test_environment_and_places(server):
    out = python(server, "import os\nprint(sorted(os.environ.items()))\nprint(os.getcwd(), os.listdir('.'))", env={"MINE": "1"})
    env = dict(eval(out.splitlines()[0]))
    assert env.pop("MINE") == "1"
    assert (env["HOME"], env["TMPDIR"], env["LANG"]) == ("/box", "/tmp", "C.UTF-8")
    assert env["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    assert env["ASAN_OPTIONS"] == "detect_leaks=0"
    assert not [name for name in env if name.startswith(("CODECRUSHER", "PORT", "HOST", "REDIS", "MONGO"))]
    assert out.splitlines()[1] == "/box ['main.py']"


def test_the_requests_env_may_replace_ours(server):
    assert python(server, "import os; print(os.environ['LANG'])", env={"LANG": "C"}) == "C\n"


def test_namespaces_are_its_own(server):
    names = ("pid", "mnt", "net", "ipc", "uts", "cgroup")
    out = python(server, f"import os\nfor n in {names}: print(os.readlink('/proc/self/ns/' + n))")
    for name, line in zip(names, out.splitlines()):
        assert line.startswith(name + ":") and line != os.readlink(f"/proc/self/ns/{name}")


def test_the_hostname_is_not_the_hosts(server):
    assert python(server, "import socket; print(socket.gethostname())").strip() != socket.gethostname()


READ_ONLY = ["/", "/usr", "/usr/bin", "/bin", "/lib", "/etc", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/dev"]


@pytest.mark.parametrize("path", READ_ONLY)
def test_the_file_system_is_read_only(server, path):
    code = f"""
import os
p = {path!r}
for how in (lambda: open(p + '/x' if os.path.isdir(p) else p, 'w').write('x'), lambda: os.chmod(p, 0o777), lambda: os.rename(p, p + '.x')):
    try:
        how()
        print('it worked')
    except OSError:
        pass
"""
    assert python(server, code) == ""


def test_mounts(server):
    """Nothing is writable but the box and the devices, nothing honours set-uid bits, devices only in /dev."""
    out = python(server, "print(open('/proc/self/mountinfo').read())")
    writable = set()
    for line in filter(None, out.splitlines()):
        fields = line.split()
        place, options = fields[4], fields[5].split(",")
        kind = fields[fields.index("-") + 1]
        assert "nosuid" in options, line
        assert kind in ("tmpfs", "proc", "ext4", "xfs", "btrfs", "overlay", "erofs", "squashfs", "devtmpfs", "zfs", "f2fs", "virtiofs", "9p"), line
        # A mask over a file of /proc is /dev/null itself, which has to stay a device.
        if place == "/dev/shm" or not place.startswith("/dev/") and fields[3] != "/null":
            assert "nodev" in options, line
        if "rw" in options:
            writable.add(place)
    devices = {p for p in writable if p.startswith("/dev/") and p != "/dev/shm"}
    assert devices <= {f"/dev/{d}" for d in ("null", "zero", "full", "random", "urandom", "tty")}
    assert {"/box", "/tmp", "/dev/shm"} <= writable
    assert writable - devices <= {"/box", "/tmp", "/dev/shm", "/proc"}


def test_there_is_no_sys_and_little_dev(server):
    assert python(server, "import os\nprint(os.path.exists('/sys') and os.listdir('/sys'))") in ("False\n", "[]\n")
    found = set(python(server, "import os\nprint(*os.listdir('/dev'))").split())
    assert {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm"} <= found
    assert found <= {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm", "ptmx", "pts"}


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/gshadow", "/root", "/home", "/var/lib", "/run/systemd", "/var/run/docker.sock", "/boot", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/1/environ", "/proc/1/maps", "/proc/1/root", "/proc/1/cwd", "/proc/1/fd", "/proc/1/mem", "/sys/fs/cgroup", "/dev/mem", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/tty"],
)  # fmt: skip
def test_what_it_must_not_read(server, path):
    code = f"""
import os
p = {path!r}
try:
    print('found', os.listdir(p) if os.path.isdir(p) else open(p, 'rb').read(100))
except OSError:
    pass
"""
    assert python(server, code) in ("", "found []\n", "found b''\n")


def test_the_hosts_data_is_out_of_reach(server):
    secret = server.settings.base / "secret"
    secret.write_text("secret")
    for path in (secret, harness.ROOT / "README.md", server.settings.data_dir):
        assert python(server, f"import os; print(os.path.exists({str(path)!r}))") == "False\n"


def test_etc_is_made_up(server):
    out = python(server, "import os, pwd\nprint(pwd.getpwuid(os.getuid()).pw_dir)\nprint(open('/etc/passwd').read())")
    assert out.splitlines()[0] == "/box"
    assert out.count(":/") < 20
    assert python(server, "import socket; print(socket.gethostbyname('localhost'))") == "127.0.0.1\n"


def test_proc_still_serves_runtimes(server):
    """node's os.cpus(), `nproc` and `free` read it."""
    r = server.run("javascript", "const os = require('os'); console.log(os.cpus().length > 0, os.totalmem() > 0)")
    assert r["stdout"] == "true true\n"
    assert int(server.run("bash", "nproc")["stdout"]) >= 1


def test_cgroups_show_nothing_of_the_host(server):
    out = python(server, "print(open('/proc/self/cgroup').read())")
    for line in filter(None, out.splitlines()):
        assert line.endswith(":/"), line


# ---- network


def test_loopback_works(server):
    code = """
import socket, threading
s = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=lambda: s.accept()[0].sendall(b'hello')).start()
print(socket.create_connection(s.getsockname()).recv(10).decode())
"""
    assert python(server, code) == "hello\n"


@pytest.mark.parametrize("address", ["8.8.8.8", "169.254.169.254", "10.0.0.1", "192.168.0.1", "224.0.0.1"])
def test_everything_else_is_unreachable(server, address):
    code = f"""
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(2)
    try:
        s.connect(('{address}', 53))
        s.send(b'x')
        print('reached')
    except OSError as e:
        print(e.errno)
"""
    assert set(python(server, code).split()) == {"101"}


def test_the_hosts_ports_are_out_of_reach(server):
    code = f"""
import socket
try:
    socket.create_connection(('127.0.0.1', {server.port}), 2)
    print('reached')
except OSError as e:
    print(e.errno)
"""
    assert python(server, code) == "111\n"


def test_only_lo_is_there(server):
    assert python(server, "print([line.split(':')[0].strip() for line in open('/proc/net/dev')][2:])") == "['lo']\n"


def test_abstract_sockets_of_the_host_are_out_of_reach(server):
    name = f"\0codecrusher-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(name)
        s.listen()
        code = f"import socket\ns = socket.socket(socket.AF_UNIX)\ntry:\n s.connect({name!r}); print('reached')\nexcept OSError as e: print(e.errno)"
        assert python(server, code) == "111\n"


# ---- stdio


def test_stdin_is_read_only_and_sealed(server):
    code = r"""
import fcntl, os
for how in (lambda: os.write(0, b'x'), lambda: os.write(os.open('/proc/self/fd/0', os.O_RDWR), b'x'), lambda: os.ftruncate(0, 0), lambda: os.pwrite(0, b'x', 0)):
    try:
        how(); print('it worked')
    except OSError: pass
print(open('/dev/stdin').read())
"""
    assert python(server, code, stdin="typed") == "typed\n"


def test_stdin_is_empty_when_none_was_sent(server):
    assert server.run("bash", "cat; echo $?")["stdout"] == "0\n"


def test_output_pipes_can_be_reopened_for_writing_but_not_for_reading(server):
    r = server.run("bash", "echo one > /dev/stdout; echo two > /dev/stderr; timeout 1 head -c 1 < /proc/self/fd/1 && echo read")
    assert "one\n" in r["stdout"] and "read" not in r["stdout"]
    assert r["stderr"].startswith("two\n")


def test_ordinary_programs_work(server):
    """What restrictions must not break."""
    code = """
import concurrent.futures, fcntl, locale, multiprocessing, os, pathlib, select, shutil, sqlite3, subprocess, tempfile, threading, time
from multiprocessing import shared_memory
def square(x): return x * x
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool: print(sum(pool.map(square, range(10))))
    m = shared_memory.SharedMemory(create=True, size=10); m.close(); m.unlink()
    db = sqlite3.connect('x.db'); db.execute('create table t(a)'); db.commit(); print(db.execute('select count(*) from t').fetchone())
    pathlib.Path('a').write_text('x' * 100000); shutil.copyfile('a', 'b'); print(os.path.getsize('b'))
    print(subprocess.run('cat a | wc -c', shell=True, capture_output=True, text=True).stdout.strip())
    with tempfile.NamedTemporaryFile() as f: fcntl.flock(f, fcntl.LOCK_EX)
    time.sleep(0.01); print(time.localtime().tm_year > 2000, locale.getpreferredencoding())
"""
    assert python(server, code) == "285\n(0,)\n100000\n100000\nTrue UTF-8\n"


def test_a_program_with_a_sanitizer_works(server):
    flags = ["-fsanitize=address,undefined", "-g"]
    assert server.run("c", "int main(void) { return 0; }", compilerFlags=flags)["verdict"] == "ok"
    code = "#include <stdlib.h>\nint main(void) { char *p = malloc(1); p[1] = 1; return p[1]; }"
    r = server.run("c", code, compilerFlags=flags)
    assert r["verdict"] == "runtime_error" and "heap-buffer-overflow" in r["stderr"]


def test_javascript_workers_and_children(server):
    code = """
const { Worker } = require('worker_threads'); const { execSync } = require('child_process'); const fs = require('fs');
console.log(execSync('echo child').toString().trim());
fs.writeFileSync('a', 'x'); fs.copyFileSync('a', 'b'); console.log(fs.readFileSync('b').toString());
new Worker("require('worker_threads').parentPort.postMessage('worker')", { eval: true }).on('message', m => console.log(m));
"""
    time = {"cpuMs": min(10000 * harness.SLOW, 60000), "wallMs": min(20000 * harness.SLOW, 120000)}
    r = server.run("javascript", code, limits=time)
    assert (r["verdict"], r["stdout"]) == ("ok", "child\nx\nworker\n"), r


def test_the_clocks_go_on_and_random_is_random(server):
    outs = {python(server, "import os, random; print(os.urandom(16).hex(), random.random(), id(object()))") for _ in range(3)}
    assert len(outs) == 3


def test_core_dumps_are_off(server):
    out = python(server, "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))")
    assert max(map(int, re.findall(r"-?\d+", out))) <= 1 and "-1" not in out


def test_the_source_is_not_changed_on_its_way(server):
    text = pathlib.Path(__file__).read_text()
    out = python(server, "import sys; sys.stdout.write(open('me').read())", files=[{"name": "me", "content": text}])
    assert out == text
