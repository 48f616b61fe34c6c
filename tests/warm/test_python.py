# SPDX-License-Identifier: MIT
"""A Python program cannot tell a started interpreter from a fresh one."""
import pytest

SAME = {
    "names": "import sys, os\nprint(__file__, __name__, __spec__, __doc__, sys.argv, sys.path, sys.flags)\n"
    "print(os.getcwd(), os.listdir('.'), os.listdir('/tmp'), os.listdir('/dev/shm'), sorted(globals()))\n",
    "environment": "import os\nprint(sorted(os.environ.items()))\nprint(open('/proc/self/environ','rb').read())\n"
    "print(open('/proc/self/cmdline','rb').read())\n",
    "process": "import os, subprocess\nprint(os.getpid(), os.getppid(), os.getsid(0), os.getpgrp(), os.nice(0))\n"
    "print(sorted(p for p in os.listdir('/proc') if p.isdigit()))\n"
    "print(subprocess.run(['sh', '-c', 'echo $$; umask'], capture_output=True, text=True).stdout)\n"
    "print(open('/proc/self/oom_score_adj').read(), open('/proc/self/limits').read())\n",
    "status": "import re\nfor line in open('/proc/self/status'):\n"
    "    if re.match('(Name|State|Tgid|Pid|PPid|TracerPid|FDSize|Groups|NS.*|Threads|Sig.*|Shd.*|Cap.*|NoNew.*|"
    "Secc.*|Umask|Core.*):', line):\n        print(line, end='')\n",
    "descriptors": "import os, re\nfor fd in sorted(map(int, os.listdir('/proc/self/fd'))):\n"
    "    try: print(fd, re.sub(r'\\d+', 'N', os.readlink(f'/proc/self/fd/{fd}')))\n"
    "    except OSError as e: print(fd, e.errno)\n"
    "import fcntl\nprint([fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (0, 1, 2)], fcntl.fcntl(0, 1034))\n",
    "signal dispositions": "import signal\nprint([(s, signal.getsignal(s)) for s in signal.valid_signals() "
    "if s != signal.SIGINT], signal.pthread_sigmask(signal.SIG_BLOCK, []))\n",
    "main file": "import os, stat\ns = os.stat(__file__)\n"
    "print(oct(s.st_mode), s.st_size, s.st_nlink, s.st_uid == os.getuid(), s.st_gid == os.getgid(), s.st_blocks)\n"
    "print(open(__file__).read())\nimport inspect, sys\nprint(inspect.getsource(sys.modules['__main__']))\n",
    "imports itself": "import sys\nif __name__ == '__main__':\n    import main\n    print(main.__name__, main.__file__)\n"
    "    import os\n    print(sorted(os.listdir('.')))\n",
    "changes its file": "import os\nopen(__file__, 'w').write('print(2)\\n')\nprint(open(__file__).read())\n"
    "os.unlink(__file__)\nprint(os.path.exists('main.py'))\n1/0\n",
    "traceback": "def f(n):\n    if n: return f(n - 1)\n    raise ValueError('ü')\n\ntry:\n    f(2)\n"
    "except ValueError as e:\n    raise KeyError('k') from e\n",
    "syntax error": "print('never')\n\ndef f(:\n    pass\n",
    "unterminated": "x = '''abc\nprint(1)",
    "unclosed": "print(1\n",
    "bad indent": "if 1:\n        x = 1\n    y = 2\n",
    "bad utf-8": b"print('\xff')\n",
    "bad token": "a = 1\nb = $\n",
    "syntax warning": "x = 1\nprint(x is 1)\nassert (1, 'x')\n",
    "empty": "",
    "only a comment": "# nothing",
    "no newline": "print(1)\nprint(2)",
    "carriage returns": "print(1)\r\nif True:\r\n    print(2)\r\n",
    "form feed": "\x0cprint(1)\n",
    "byte order mark": "\ufeffprint('ä')\nraise OSError('ö')\n",
    "exit 7": "import sys\nsys.exit(7)\n",
    "exit with text": "raise SystemExit('goodbye')\n",
    "os._exit": "import os\nprint('lost', end='')\nos._exit(3)\n",
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('hi')\n",
    "SIGTERM": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "SIGKILL": "import os, signal\nprint('x', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "SIGSEGV": "import ctypes\nctypes.string_at(0)\n",
    "abort": "import os\nos.abort()\n",
    "order": "import sys\nfor i in range(50):\n    print(i, flush=True)\n    print(i, file=sys.stderr)\n",
    "spawn": "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with m.get_context('spawn').Pool(2) as p: print(p.map(f, range(5)))\n",
    "fork": "import os\np = os.fork()\nif p == 0:\n    print('child', flush=True)\n    os._exit(4)\n"
    "print(p, os.waitpid(-1, 0))\ntry: os.waitpid(-1, 0)\nexcept ChildProcessError as e: print(e)\n",
    "threads": "import threading\nt = [threading.Thread(target=print, args=(i,)) for i in range(3)]\n"
    "for x in t: x.start(); x.join()\nprint(threading.get_native_id())\n",
    "file size limit": "import resource, signal\nprint(resource.getrlimit(resource.RLIMIT_FSIZE), "
    "resource.getrlimit(resource.RLIMIT_CPU))\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "f = open('big', 'wb')\ntry:\n    for i in range(100): f.write(b'x' * 65536); f.flush()\n"
    "except OSError as e: print(i, e)\n",
    "console": "import code\ncode.interact(banner='b', exitmsg='e', local={})\n",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_bytes(pair, name):
    pair.same("python", SAME[name], stdin="1+1\n")


def test_another_limit_of_files_than_the_servers_starts_cold(pair):
    """It is the interpreter's own, and in force when it has started."""
    pair.same("python", SAME["file size limit"], warm=False, limits={"fileBytes": 2 << 20})
    pair.same("python", SAME["file size limit"], limits={"fileBytes": 1 << 20})


STDIN = {
    "read": "import sys\nprint(sys.stdin.read())\n",
    "lines": "for line in iter(input, 'end'): print(line.upper())\n",
    "before output": "import sys\nx = sys.stdin.readline()\nprint(repr(x))\nprint(repr(sys.stdin.readline()))\n",
    "seek": "import os, stat\ns = os.fstat(0)\nprint(oct(s.st_mode), s.st_size, stat.S_ISREG(s.st_mode), s.st_nlink)\n"
    "print(os.read(0, 3), os.lseek(0, 0, 1), os.lseek(0, -2, 2), os.read(0, 9), os.lseek(0, 0, 0), os.read(0, 99))\n"
    "print(os.pread(0, 4, 1))\n",
    "map": "import mmap\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nprint(m[:])\n",
    "write": "import os\nfor f in (lambda: os.write(0, b'x'), lambda: os.ftruncate(0, 0), "
    "lambda: os.open('/proc/self/fd/0', os.O_RDWR) and 1):\n    try: print(f() and 'open')\n"
    "    except OSError as e: print(e)\n"
    "try: os.write(os.open('/proc/self/fd/0', os.O_RDWR), b'x')\nexcept OSError as e: print(e)\n",
    "child": "import subprocess\nprint(subprocess.run(['cat'], capture_output=True).stdout)\n",
}


@pytest.mark.parametrize("name", STDIN)
@pytest.mark.parametrize("text", ["one\ntwo\nend\n", "x" * 200 + "\nend\n"])
def test_standard_input(pair, name, text):
    pair.same("python", STDIN[name], stdin=text)


def test_no_standard_input(pair):
    pair.same("python", "import sys, os\nprint(repr(sys.stdin.read()), os.fstat(0).st_size)\ninput()\n")


def test_much_standard_input(pair):
    code = "import sys, hashlib\nb = sys.stdin.buffer.read()\nprint(len(b), hashlib.md5(b).hexdigest())\n"
    pair.same("python", code, stdin="0123456789abcdef" * 65536)
    pair.same("python", code, stdin="0123456789abcdef" * 65536 + "x", warm=False)


@pytest.mark.parametrize("size", [60_000, 65_535, 65_536, 65_537, 200_000])
def test_a_long_source(pair, size):
    line = "x = 'somewhat longer than nothing'\n"
    code = line * (size // len(line)) + "print(len(open(__file__).read()))\nraise ValueError(x)\n"
    pair.same("python", code)


def test_sources_that_start_cold(pair):
    pair.same("python", "# -*- coding: latin-1 -*-\nprint('ä')\n", warm=False)
    pair.same("python", "#!/usr/bin/python3\n# vim: set fileencoding=utf-8 :\nprint('ä')\n", warm=False)
    pair.same("python", "print(1)\n\0\n", warm=False)
    pair.same("python", "# " + "x" * (256 << 10) + "\nprint(1)\n", warm=False)


def test_jobs_that_start_cold(pair):
    code = "import sys, os\nprint(sys.argv, os.environ.get('A'), sorted(os.listdir('.')))\n"
    pair.same("python", code, warm=False, args=["a", "b"])
    pair.same("python", code, warm=False, env={"A": "b"})
    pair.same("python", code, warm=False, files=[{"name": "x.py", "content": ""}])
    pair.same("python", code, warm=False, limits={"processes": 8})
    pair.same("python", code, warm=False, limits={"memoryBytes": 32 << 20})


def test_limits(pair):
    r = pair.same("python", "while True: pass\n", limits={"cpuMs": 300})
    assert r["verdict"] == "cpu_time_limit" and 250 <= r["cpuMs"] <= 600
    r = pair.same("python", "import time\ntime.sleep(60)\n", limits={"wallMs": 300})
    assert r["verdict"] == "wall_time_limit" and 300 <= r["wallMs"] < 1500
    r = pair.same("python", "x = bytearray(100 << 20)\n", limits={"memoryBytes": 64 << 20})
    assert r["verdict"] == "memory_limit"
    r = pair.same("python", "while True: print('x' * 1000)\n", limits={"outputBytes": 5000})
    assert r["verdict"] == "output_limit" and len(r["stdout"]) == 5000


def test_processes(pair):
    """As many as in a plain slot, and a fork bomb meets the same wall."""
    code = """
import os, time
n = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        n += 1
except OSError as e:
    print(n, e)
"""
    r = pair.same("python", code, limits={"processes": 40})
    assert r["stdout"].startswith("39 ")


def test_disk(pair):
    code = "try:\n    for i in range(8): open(str(i), 'wb').write(b'x' * (1 << 20))\nexcept OSError as e: print(i, e)\n"
    assert "No space" in pair.same("python", code, limits={"diskBytes": 4 << 20})["stdout"]


def test_a_source_that_the_disk_does_not_hold(pair):
    code = "print(1)\n" + "#" * 100_000
    pair.same("python", code, limits={"diskBytes": 65536})


def test_no_two_runs_share_seed_or_addresses(pair):
    code = (
        "import re\nprint(hash('a'), id(object()), "
        "*[re.search(r'(\\S+) .*' + n, open('/proc/self/maps').read())[1] for n in ('heap', 'stack', 'vdso')])\n"
    )
    seen = [pair.run_warm("python", code)["stdout"].split() for _ in range(4)]
    for column in zip(*seen):
        assert len(set(column)) == len(seen)


def test_time_begins_at_the_release(pair):
    code = "print(sum(range(10000)))\n"
    ours = [pair.run_warm("python", code) for _ in range(5)]
    plain = [pair.cold.run("python", code) for _ in range(5)]
    assert min(r["cpuMs"] for r in ours) < min(r["cpuMs"] for r in plain)
    assert min(r["memoryBytes"] for r in ours) > min(r["memoryBytes"] for r in plain) / 2
