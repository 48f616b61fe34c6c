#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command for which one system call does not exist:

    refuse.py openat2 codecrusher doctor

The kernel answers ENOSYS to it and to nothing else, in the command and in all that it starts, as a kernel that is too
old would, or a container's filter that is too strict. Needs root (no no_new_privs, which would be one more difference).
"""
import ctypes
import errno
import os
import struct
import sys

LD_W_ABS, JEQ, RET = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def number_of(name):
    number = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        raise SystemExit(f"{name} is no system call of this machine")
    return number


def refuse(name):
    code = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (LD_W_ABS, 0, 0, 0),
            (JEQ, 0, 1, number_of(name)),
            (RET, 0, 0, ERRNO | errno.ENOSYS),
            (RET, 0, 0, ALLOW),
        )
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


if __name__ == "__main__":
    refuse(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
