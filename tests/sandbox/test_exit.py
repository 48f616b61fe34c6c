# SPDX-License-Identifier: MIT
"""Exit status and signal are the main process's own, exactly, and no program can make up a verdict."""
import signal

import pytest


@pytest.mark.parametrize("status", [1, 2, 42, 126, 127, 128, 137, 139, 254, 255])
def test_exit_status(server, status):
    r = server.run("bash", f"exit {status}")
    assert (r["verdict"], r["exitCode"], r["signal"]) == ("runtime_error", status, None)


DEADLY = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "XCPU", "XFSZ", "VTALRM", "PROF", "SYS"]  # fmt: skip


@pytest.mark.parametrize("name", DEADLY)
def test_a_signal_is_reported_by_name_and_never_as_a_limit(server, name):
    number = getattr(signal, "SIG" + name)
    code = f"import os, signal\nif {number} not in (9,): signal.signal({number}, signal.SIG_DFL)\nos.kill(os.getpid(), {number})"
    r = server.run("python", code)
    assert (r["verdict"], r["exitCode"], r["signal"]) == ("runtime_error", None, "SIG" + name)
    assert "SIG" + name in r["response"]


def test_a_realtime_signal_has_a_name(server):
    r = server.run("python", "import os; os.kill(os.getpid(), 40)")
    assert (r["verdict"], r["signal"]) == ("runtime_error", "SIG40")


CRASHES = {
    "SIGSEGV": "int main(void) { *(volatile int *)8 = 1; }",
    "SIGFPE": "int main(void) { volatile int n = 0; return 7 / n; }",
    "SIGABRT": "#include <stdlib.h>\nint main(void) { abort(); }",
    "SIGILL": "int main(void) { __builtin_trap(); }",
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash(server, name):
    r = server.run("c", CRASHES[name])
    assert (r["verdict"], r["signal"], r["exitCode"]) == ("runtime_error", name, None)


def test_endless_recursion_is_a_crash(server):
    r = server.run("c", "int f(volatile int n) { return f(n + 1) + n; }\nint main(void) { return f(0); }")
    assert r["verdict"] in ("runtime_error", "memory_limit")
    assert r["signal"] == "SIGSEGV" or r["verdict"] == "memory_limit"


def test_a_childs_end_is_not_the_programs(server):
    r = server.run("bash", "bash -c 'kill -9 $$'; exit 5")
    assert (r["exitCode"], r["signal"]) == (5, None)
    r = server.run("bash", "(sleep 0.2; exit 9) & exit 4")
    assert r["exitCode"] == 4


def test_an_exec_in_place_is_still_the_program(server):
    r = server.run("bash", "exec python3 -c 'import sys; sys.exit(6)'")
    assert r["exitCode"] == 6


def test_the_main_thread_may_leave_before_the_others(server):
    code = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *late(void *x) { usleep(300000); puts("late"); exit(8); return x; }
int main(void) { pthread_t t; pthread_create(&t, 0, late, 0); pthread_exit(0); }
"""
    r = server.run("c", code, compilerFlags=["-pthread"])
    assert (r["stdout"], r["exitCode"]) == ("late\n", 8)


FAKES = {
    "signals to pid 1": "import os\nfor s in range(1, 65):\n try: os.kill(1, s)\n except OSError: pass\nos._exit(3)",
    "signals to everyone": "import os, signal\nsignal.signal(15, signal.SIG_IGN)\ntry: os.kill(-1, 15)\nexcept OSError: pass\nos._exit(3)",
    "writes to every descriptor": "import os\nfor fd in range(3, 4096):\n try: os.write(fd, b'\\x04' * 128)\n except OSError: pass\nos._exit(3)",
    "another name": "import ctypes, os\nctypes.CDLL(None).prctl(15, b'codecrusher-ini')\nos._exit(3)",
    "no parent": "import ctypes, os\nctypes.CDLL(None).prctl(1, 9)\nos._exit(3)",
}


@pytest.mark.parametrize("case", FAKES)
def test_a_program_cannot_make_up_a_verdict(server, case):
    r = server.run("python", FAKES[case])
    assert (r["verdict"], r["exitCode"]) == ("runtime_error", 3), r


def test_kill_minus_one_with_sigkill_spares_init_and_self(server):
    """Linux leaves out process 1 and the caller; a child is not spared."""
    code = "import os, time\nif os.fork() == 0: time.sleep(60)\nos.kill(-1, 9)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))"
    r = server.run("python", code)
    assert (r["verdict"], r["stdout"]) == ("ok", "-9\n"), r
