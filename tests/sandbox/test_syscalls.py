# SPDX-License-Identifier: MIT
"""What the kernel answers to a program that asks for too much."""
import errno
import pathlib

import pytest

PROGRAM = pathlib.Path(__file__).parent / "programs/syscalls.c"

# Harmless, and programs use them.
WORKS = {"socket-unix", "socket-inet", "socket-inet6"}
# The library has a way around each of these, and takes it when the kernel says "no such call".
ABSENT = {
    "clone3", "io_uring_setup", "keyctl", "add_key", "request_key", "splice", "tee", "vmsplice", "newer-than-any",
}  # fmt: skip
FAMILIES = {"alg", "vsock", "packet", "rxrpc", "bluetooth", "can", "tipc", "xdp"}


@pytest.fixture(scope="module")
def answers(server):
    r = server.run("c", PROGRAM.read_text())
    assert r["verdict"] == "ok", r
    rows = [line.split() for line in r["stdout"].splitlines()]
    assert len(rows) > 80
    return {name: int(number) for name, number in rows}


def test_everything_that_is_too_much_is_refused(answers):
    granted = {name for name, number in answers.items() if number == 0}
    # Lowering a limit below is no privilege, but a core limit of 0 instead of 1 would call a host's core handler.
    assert granted == WORKS


def test_calls_with_a_fallback_are_said_not_to_exist(answers):
    assert {name for name in ABSENT if answers[name] != errno.ENOSYS} == set()


def test_socket_families_are_refused_whatever_the_upper_half_says(answers):
    for family in FAMILIES:
        for name in (f"socket-{family}", f"socket-{family}-dirty"):
            if name in answers:
                assert answers[name] in (errno.EAFNOSUPPORT, errno.EPERM), name


def test_a_foreign_system_call_table_is_deadly(server):
    code = 'int main(void) { int r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); return r > 0 ? 42 : 43; }'
    r = server.run("c", code)
    assert (r["verdict"], r["signal"]) == ("runtime_error", "SIGSYS")


def test_x32_calls_are_refused(server):
    code = "#include <unistd.h>\n#include <sys/syscall.h>\nint main(void) { return syscall(0x40000000 + SYS_getpid) > 0; }"
    r = server.run("c", code)
    assert r["exitCode"] == 0 or r["signal"] == "SIGSYS"


def test_every_system_call_with_zeros_does_no_harm(server):
    """Each in a child of its own; those that would wait are left alone. The canaries after it are the point."""
    code = r"""
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	int ended = 0, status;
	for (long n = 0; n < 600; n++) {
		pid_t pid = fork();
		if (pid == 0) {
			alarm(1);
			if (n != SYS_pause && n != SYS_rt_sigsuspend && n != SYS_fork && n != SYS_vfork && n != SYS_clone)
				syscall(n, 0, 0, 0, 0, 0, 0);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) == pid) ended++;
	}
	printf("%d\n", ended);
}
"""
    r = server.run("c", code, limits={"wallMs": 60000})
    assert r["stdout"] == "600\n", r


def test_filters_of_its_own_may_be_added_until_memory_ends(server):
    code = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
int main(void)
{
	struct sock_filter f[] = { BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW) };
	struct sock_fprog p = { 1, f };
	int n = 0;
	while (n < 100000 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0) n++;
	puts(n > 0 && n < 100000 ? "bounded" : "not bounded");
}
"""
    assert server.run("c", code)["verdict"] in ("ok", "cpu_time_limit", "memory_limit")
