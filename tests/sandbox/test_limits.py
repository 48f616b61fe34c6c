# SPDX-License-Identifier: MIT
"""Each limit, the verdict it gives, and programs that would rather not be stopped."""
import time

import pytest

import harness

MIB = 1 << 20


def killed(r, verdict):
    assert (r["status"], r["verdict"], r["exitCode"]) == ("failed", verdict, None), r
    assert r["signal"] in (None, "SIGKILL")
    assert " " in r["response"], "a sentence"


# ---- CPU time

CPU = {
    "one thread": "while True: pass",
    "a child while the parent sleeps": "import os, time\nif os.fork() == 0:\n while True: pass\ntime.sleep(60)",
    "an orphan": "import os, time\nif os.fork() == 0:\n if os.fork() == 0:\n  while True: pass\n os._exit(0)\ntime.sleep(60)",
    "SIGXCPU ignored": "import signal\nfor s in range(1, 65):\n try: signal.signal(s, signal.SIG_IGN)\n except (OSError, ValueError): pass\nwhile True: pass",
    "system time": "import os\nwhile True: os.stat('/')",
}


@pytest.mark.parametrize("case", CPU)
def test_cpu_time(server, case):
    r = server.run("python", CPU[case], limits={"cpuMs": 500, "wallMs": 15000})
    killed(r, "cpu_time_limit")
    assert 500 <= r["cpuMs"] < 500 + 400 * harness.SLOW


def test_cpu_time_of_all_threads_counts_together(server):
    code = r"""
#include <pthread.h>
static void *spin(void *x) { for (;;) __asm__ volatile(""); return x; }
int main(void) { pthread_t t[4]; for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, spin, 0); pthread_join(t[0], 0); }
"""
    killed(server.run("c", code, limits={"cpuMs": 600}, compilerFlags=["-pthread"]), "cpu_time_limit")


def test_cpu_time_just_below_the_limit_is_fine(server):
    code = "import time\nwhile time.process_time() < 0.5: pass"
    assert server.run("python", code, limits={"cpuMs": 1000 * harness.SLOW})["verdict"] == "ok"


# ---- wall time

WALL = {
    "sleeps": "sleep 60",
    "ignores every signal": "trap '' $(seq 1 64); while :; do sleep 1; done",
    "stops itself": "kill -STOP $$; sleep 60",
    "stops its group": "kill -STOP 0; sleep 60",
    "closes its output and goes on": "exec >&- 2>&-; sleep 60",
    "closes everything": "exec 0<&- >&- 2>&-; sleep 60",
    "waits for a child that never ends": "sleep 60 & wait",
    "waits in uninterruptible vfork": "python3 -c 'import subprocess; subprocess.run([\"sleep\", \"60\"])'",
    "opens a FIFO nobody writes": "mkfifo f; cat f",
}


@pytest.mark.parametrize("case", WALL)
def test_wall_time(server, case):
    begin = time.monotonic()
    r = server.run("bash", "echo begun\n" + WALL[case], limits={"wallMs": 600})
    killed(r, "wall_time_limit")
    assert r["stdout"] == "begun\n"
    assert 600 <= r["wallMs"] < 600 + 400 * harness.SLOW
    assert time.monotonic() - begin < 3 * harness.SLOW


def test_stopping_the_whole_group_does_not_stop_the_clock(server):
    code = "import os, signal\nfor _ in range(3): os.fork()\nos.kill(-1, signal.SIGSTOP)\nos.kill(0, signal.SIGSTOP)"
    killed(server.run("python", code, limits={"wallMs": 600}), "wall_time_limit")


# ---- memory

MEMORY = {
    "one large block": "x = bytearray(200 << 20)",
    "piece by piece": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "a child": "import os\nif os.fork() == 0:\n x = bytearray(200 << 20)\n os._exit(0)\nos.wait()\nprint('survived')",
    "a child while the parent sleeps": "import os, time\nif os.fork() == 0: x = bytearray(200 << 20)\ntime.sleep(30)",
    "many children together": "import os, time\nfor i in range(8):\n if os.fork() == 0:\n  x = bytearray(20 << 20)\n  time.sleep(20)\ntime.sleep(20)",
    "/dev/shm": "open('/dev/shm/x', 'wb').write(bytearray(60 << 20)); x = bytearray(50 << 20)",
    "a file in memory": "import os\nfor _ in range(10):\n f = os.memfd_create('x')\n for _ in range(30): os.write(f, bytes(1 << 20))",
    "a shared mapping": "import mmap\nm = mmap.mmap(-1, 200 << 20)\nfor i in range(0, 200 << 20, 4096): m[i] = 1",
    "SIGTERM handled": "import signal\nsignal.signal(15, lambda *a: None)\nx = bytearray(200 << 20)",
}


@pytest.mark.parametrize("case", MEMORY)
def test_memory(server, case):
    r = server.run("python", MEMORY[case], limits={"memoryBytes": 100 * MIB, "diskBytes": 64 * MIB, "wallMs": 15000})
    killed(r, "memory_limit")
    assert r["memoryBytes"] <= 100 * MIB


def test_memory_that_was_not_touched_does_not_count(server):
    code = "import mmap\nm = mmap.mmap(-1, 2 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)\nm[0] = 1\nprint('ok')"
    assert server.run("python", code)["stdout"] == "ok\n"


def test_memory_refused_by_the_program_itself_is_its_own_error(server):
    r = server.run("python", "raise MemoryError")
    assert (r["verdict"], r["exitCode"]) == ("runtime_error", 1)


# ---- output


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("cap", [1, 1000, 65536, 1 << 20])
def test_output_exactly_at_the_cap_is_fine_and_one_byte_more_is_not(server, stream, cap):
    code = f"import os\ndata = b'x' * {{n}}\nwhile data: data = data[os.write({1 if stream == 'stdout' else 2}, data):]"
    other = "stderr" if stream == "stdout" else "stdout"
    r = server.run("python", code.format(n=cap), limits={"outputBytes": cap})
    assert r["verdict"] == "ok"
    assert r[stream] == "x" * cap
    assert r["truncated"] == {"stdout": False, "stderr": False}

    r = server.run("python", code.format(n=cap + 1), limits={"outputBytes": cap})
    assert (r["status"], r["verdict"]) == ("failed", "output_limit")
    assert r[stream] == "x" * cap
    assert r["truncated"] == {stream: True, other: False}


FLOODS = {
    "yes": "yes",
    "to stderr": "yes >&2",
    "small writes": "while :; do echo -n a; done",
    "a child's": "yes & sleep 60",
    "while ignoring SIGPIPE": "trap '' PIPE; while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaa 2>/dev/null; done",
    "from many": "for i in 1 2 3 4 5 6 7 8; do yes & done; wait",
}


@pytest.mark.parametrize("case", FLOODS)
def test_a_flood_of_output_is_stopped(server, case):
    r = server.run("bash", FLOODS[case], limits={"outputBytes": 100000})
    killed(r, "output_limit")
    assert max(len(r["stdout"]), len(r["stderr"])) == 100000


def test_both_streams_have_their_own_cap(server):
    r = server.run("bash", "head -c 1000 /dev/zero; head -c 1000 /dev/zero >&2", limits={"outputBytes": 1000})
    assert (r["verdict"], len(r["stdout"]), len(r["stderr"])) == ("ok", 1000, 1000)


# ---- what has no verdict: the program sees an error of its own


def test_processes_are_capped_and_the_program_sees_eagain(server):
    code = (
        "import os, time\nn = 0\n"
        "try:\n while True:\n  if os.fork() == 0: time.sleep(30)\n  n += 1\n"
        "except BlockingIOError as e: print(n, e.errno)"
    )
    r = server.run("python", code, limits={"processes": 20})
    assert r["verdict"] == "ok", r
    n, errno = map(int, r["stdout"].split())
    assert errno == 11
    assert 17 <= n <= 20, "init and the main process may count"


def test_a_file_over_its_size_gives_sigxfsz(server):
    r = server.run("c", '#include <stdio.h>\nint main(void) { FILE *f = fopen("x", "w"); for (;;) { fputc(0, f); } }', limits={"fileBytes": 65536})
    assert (r["verdict"], r["signal"]) == ("runtime_error", "SIGXFSZ")


@pytest.mark.parametrize("place", ["/box", "/tmp", "/dev/shm"])
def test_a_full_disk_gives_enospc(server, place):
    code = f"""
import os
n = 0
try:
    with open('{place}/x', 'wb', buffering=0) as f:
        while True: n += f.write(bytes(65536))
except OSError as e: print(n, e.errno)
"""
    r = server.run("python", code, limits={"diskBytes": 8 * MIB, "fileBytes": 32 * MIB})
    n, errno = map(int, r["stdout"].split())
    assert errno == 28 and 7 * MIB <= n <= 8 * MIB


def test_the_disk_is_one_for_all_places(server):
    code = """
import os
n = 0
try:
    for place in ('/box', '/tmp', '/dev/shm'):
        with open(place + '/x', 'wb', buffering=0) as f:
            for _ in range(64): n += f.write(bytes(65536))
except OSError as e: print(n, e.errno)
"""
    r = server.run("python", code, limits={"diskBytes": 8 * MIB})
    assert r["stdout"] and int(r["stdout"].split()[0]) <= 8 * MIB


SMALLEST = ["cpuMs", "wallMs", "memoryBytes", "processes", "outputBytes", "fileBytes", "diskBytes"]


@pytest.mark.parametrize("limit", SMALLEST)
@pytest.mark.parametrize("group", ["limits", "compileLimits"])
def test_the_smallest_limit_is_the_programs_trouble_and_nobody_elses(server, limit, group):
    r = server.run("c", "int main(void) { return 0; }", **{group: {limit: 1}})
    assert (r["verdict"] != "internal_error", r["attempts"]) == (True, 1), r
    assert server.run("bash", "exit 7")["exitCode"] == 7


@pytest.mark.parametrize("how", ["open('%d' % n, 'w').close()", "os.mkdir('%d' % n)", "os.symlink('x', '%d' % n)"])
def test_inodes_run_out(server, how):
    code = f"import os\nn = 0\ntry:\n while n < 2000000:\n  {how}; n += 1\nexcept OSError as e: print(n, e.errno)"
    r = server.run("python", code, limits={"cpuMs": 20000})
    assert r["verdict"] == "ok", r
    assert int(r["stdout"].split()[1]) == 28


# ---- the end of the main process is the end of the job

ENDS = {
    "a background child": "sleep 60 & echo done",
    "a daemon": "setsid sleep 60 >/dev/null 2>&1 </dev/null & disown; echo done",
    "a daemon that holds the pipes": "(setsid sleep 60 &); echo done",
    "a stopped child": "sleep 60 & kill -STOP $!; echo done",
    "a child that ignores all": "(trap '' $(seq 1 64); sleep 60) & echo done",
    "a double-forked daemon": "python3 -c 'import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(60)'; echo done",
    "zombies": "python3 -c 'import os,time\nfor _ in range(30):\n  if os.fork() == 0: os._exit(0)'; echo done",
    "a flood that goes on": "(trap '' PIPE; exec yes > /dev/null) & echo done",
}


@pytest.mark.parametrize("case", ENDS)
def test_the_job_ends_with_its_main_process(server, case):
    begin = time.monotonic()
    r = server.run("bash", ENDS[case])
    assert (r["verdict"], r["stdout"]) == ("ok", "done\n")
    assert time.monotonic() - begin < 3 * harness.SLOW


def test_output_written_before_the_end_is_never_lost(server):
    for _ in range(20):
        r = server.run("python", "import os; os.write(1, b'x' * 60000); os.write(2, b'y' * 60000); os._exit(0)")
        assert (len(r["stdout"]), len(r["stderr"])) == (60000, 60000)


def test_the_first_limit_names_the_verdict(server):
    """Output stops it; the memory it would have taken later does not count."""
    r = server.run("python", "import os\nos.write(1, b'x' * 2000)\nimport time\ntime.sleep(5)\nx = bytearray(500 << 20)", limits={"outputBytes": 1000})
    assert r["verdict"] == "output_limit"
