# What most attacks in Python need. Every line that counts is "RESULT name value"; a value is an errno's name, 0 for a
# call that worked, or a word.
import ctypes, errno, os, sys
_libc = ctypes.CDLL(None, use_errno=True)
def say(name, value):
    os.write(1, f"RESULT {name} {value}\n".encode())
def attempt(name, call):
    """Says the errno of the OSError that call() raises, or 0; returns what it returned."""
    try:
        value = call()
    except OSError as problem:
        say(name, errno.errorcode[problem.errno])
        return None
    say(name, 0)
    return value
def syscall(name, number, *args):
    """Says the errno of a system call, or 0."""
    ctypes.set_errno(0)
    got = _libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    say(name, errno.errorcode[ctypes.get_errno()] if got == -1 else 0)
    return got
