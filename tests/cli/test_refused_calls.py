# SPDX-License-Identifier: MIT
"""A kernel, or a container's filter, that lacks one system call: the start is refused with a sentence that names it.
Nothing is ever run with less protection instead."""
import subprocess

import pytest

import harness

REFUSE = harness.ROOT / "tests/sandbox/refuse.py"

# What slots are made, watched and ended with.
NEEDED = """
capset clone3 close_range dup3 epoll_pwait2 eventfd2 fchmodat fchownat flock fsconfig fsmount fsopen memfd_create mknodat
mount mount_setattr move_mount open_tree openat2 pidfd_send_signal pivot_root prlimit64 seccomp setdomainname setfsgid
setfsuid setgroups sethostname setresgid setresuid setsid signalfd4 symlinkat umount2 unshare waitid
""".split()  # fmt: skip
if harness.SANITIZED:
    NEEDED.remove("prlimit64")  # the sanitizer's own start ends without it
# The sentence of the program's own user switch, which comes first, has other words.
WORDS = {
    "capset": "dropping capabilities",
    "setresgid": "becoming group",
    "setresuid": "becoming user",
    "setgroups": "dropping groups",
    "unshare": "namespace-",
}


@pytest.fixture
def without(places):
    def run(call, *words, **env):
        return subprocess.run(
            [REFUSE, call, harness.PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * harness.SLOW,
            env=harness.clean_env(**{**places.env(), **env}),
            cwd="/",
        )

    return run


def names(text, call):
    return call in text or WORDS.get(call, call) in text


def test_the_helper_takes_nothing_else_away(without, program):
    done = without("keyctl", "run", program("x.py", "print('ran')"))
    assert (done.returncode, done.stdout) == (0, "ran\n")


@pytest.mark.parametrize("call", NEEDED)
def test_doctor_says_what_is_missing(without, call):
    done = without(call, "doctor")
    assert done.returncode != 0 and names(done.stdout, call), done.stdout


@pytest.mark.parametrize("call", NEEDED)
def test_run_runs_nothing(without, program, call):
    done = without(call, "run", program("x.py", "print('r' + 'an')"))
    assert done.returncode == 125 and "ran" not in done.stdout.splitlines(), done.stdout
    assert names(done.stdout, call), done.stdout


@pytest.mark.parametrize("call", NEEDED)
def test_a_server_does_not_start(without, call):
    done = without(call, "serve")
    assert done.returncode == 78 and names(done.stdout, call), done.stdout


@pytest.mark.parametrize("call", ["openat2", "pidfd_send_signal", "setsid"])
def test_allowing_weaknesses_is_no_way_around(without, call):
    done = without(call, "serve", CODECRUSHER_ALLOW_WEAK="memory,pids,cpu,cpuacct,swap,core")
    assert done.returncode == 78 and names(done.stdout, call), done.stdout
