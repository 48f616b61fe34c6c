# SPDX-License-Identifier: MIT
"""Who gives the worker its control groups: systemd, to root and to an ordinary user, and a container."""
import pathlib
import re
import subprocess

import pytest

import harness

HELLO = "import os\nprint('hello', os.getuid())\n"


# ---- units of systemd, root's


def test_a_unit_with_delegation(unit, program):
    done = unit("run", program("x.py", HELLO))
    assert (done.returncode, done.stdout.split()[0]) == (0, "hello"), done.stderr


def test_doctor_in_a_unit_with_delegation(unit):
    done = unit("doctor")
    assert done.returncode == 0, done.stdout
    for name in ("memory", "pids", "cpu", "cpuacct"):
        assert re.search(rf"^cgroup-{name}\s+ok\s+version 2, at /sys/fs/cgroup/system.slice/run-", done.stdout, re.M), done.stdout


# ---- units of systemd, an ordinary user's


def test_a_unit_of_a_user_with_delegation(unit, program):
    done = unit("run", program("x.py", HELLO), user="ranger")
    assert done.returncode == 0, done.stderr
    uid = int(done.stdout.split()[1])
    assert uid > 1000, "an id of the user's range"


def test_a_unit_of_a_user_without_delegation_is_refused(unit, program):
    done = unit("run", program("x.py", HELLO), user="ranger", properties=())
    assert (done.returncode, done.stdout) == (125, "")
    assert "cgroup-memory" in done.stderr and "Delegate=yes" in done.stderr


def test_a_unit_of_a_user_without_ids_is_refused_until_accepted(unit, program):
    path = program("x.py", HELLO)
    done = unit("run", path, user="loner")
    assert (done.returncode, done.stdout) == (125, "") and "allow-weak=uids" in done.stderr
    done = unit("run", path, user="loner", CODECRUSHER_ALLOW_WEAK="uids")
    assert (done.returncode, done.stdout) == (0, "hello 1001\n"), done.stderr


def test_no_new_privileges_makes_ids_unusable_and_that_is_said(unit, program):
    done = unit("run", program("x.py", HELLO), user="ranger", properties=("Delegate=yes", "NoNewPrivileges=yes"))
    assert (done.returncode, done.stdout) == (125, "") and "allow-weak=uids" in done.stderr


@pytest.fixture(scope="module")
def session():
    """The service manager of the user "ranger" itself, and how to speak to it."""
    subprocess.run(["systemctl", "start", "user@1000.service"], check=True, timeout=60 * harness.SLOW)
    yield [
        "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "XDG_RUNTIME_DIR=/run/user/1000",
        "HOME=/home/ranger", "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus",
    ]  # fmt: skip
    subprocess.run(["systemctl", "stop", "user@1000.service"], check=True, timeout=60 * harness.SLOW)


def test_a_unit_of_the_users_own_manager(unit, session, program):
    done = unit("run", program("x.py", HELLO), manager=session)
    assert (done.returncode, done.stdout.split()[0]) == (0, "hello"), done.stderr
    done = unit("doctor", manager=session)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^cgroup-memory\s+ok\s+version 2, at /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/", done.stdout, re.M), done.stdout
    assert re.search(r"^rootless\s+weak\s", done.stdout, re.M)


# ---- a container with a cgroup namespace of its own

PRIVATE = """
mkdir /sys/fs/cgroup/container-$$ && echo $$ >/sys/fs/cgroup/container-$$/cgroup.procs
exec unshare --cgroup --mount --propagation private sh -ec 'umount -l /sys/fs/cgroup; mount -t cgroup2 -o "$1" cgroup2 /sys/fs/cgroup; shift; exec "$@"' sh "$@"
"""


def container(options, *words):
    done = subprocess.run(
        ["sh", "-ec", PRIVATE, "sh", options, harness.PROGRAM, *map(str, words)],
        capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=60 * harness.SLOW, cwd="/",
        env=harness.clean_env(CODECRUSHER_CGROUP_PARENT="boxed"),
    )  # fmt: skip
    return done


def test_a_private_cgroup_namespace(program):
    done = container("rw", "run", program("x.py", HELLO))
    assert (done.returncode, done.stdout.split()[0]) == (0, "hello"), done.stderr
    done = container("rw", "doctor")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^cgroup-memory\s+ok\s+version 2, at /sys/fs/cgroup$", done.stdout, re.M), done.stdout


def test_a_private_cgroup_namespace_that_is_read_only_is_refused(program):
    done = container("ro", "run", program("x.py", HELLO))
    assert (done.returncode, done.stdout) == (125, "")
    assert "cgroup-memory" in done.stderr and "not writable" in done.stderr


# ---- no service manager at all


def test_at_the_root_of_the_hierarchy(program):
    """As process 1 of a small machine would be: processes and children share the root group."""
    done = subprocess.run(
        ["sh", "-ec", 'echo $$ >/sys/fs/cgroup/cgroup.procs; exec "$@"', "sh", harness.PROGRAM, "run", program("x.py", HELLO)],
        capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=60 * harness.SLOW, cwd="/",
        env=harness.clean_env(CODECRUSHER_CGROUP_PARENT="rooted"),
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[0]) == (0, "hello"), done.stderr
    left = [str(path) for path in pathlib.Path("/sys/fs/cgroup/rooted").iterdir() if path.is_dir()]
    assert left == []
