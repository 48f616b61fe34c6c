# SPDX-License-Identifier: MIT
"""Every system call there is, and many there are not, with six zeros: what a program sees is what the golden file says.

A change of the filter, of a slot's ids, limits or mounts that a call can see turns up as a difference. The file is
golden/syscalls-<machine>.txt, a line for each number:

    number name result [# why the result may be another]

where a result is a number, an errno or a signal by name, "exit <status>", "waits" (for ever), or several of these with
"|" between them. "some" stands for any number that is no error. A number in no line does not exist: ENOSYS. Numbers of
x32 (bit 30 set) kill.
"""
import errno
import pathlib
import platform
import signal

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / f"golden/syscalls-{platform.machine()}.txt"
X32_BIT = 0x40000000


def in_words(words):
    """As the golden file says it: "-14" is EFAULT."""
    if words[0] == "signal":
        return signal.Signals(int(words[1])).name
    if len(words) == 1 and words[0].startswith("-"):
        return errno.errorcode[-int(words[0])]
    return " ".join(words)


def read_golden():
    assert GOLDEN.exists(), f"nobody has written down yet what a slot on {platform.machine()} answers: {GOLDEN}"
    expected = {}
    for line in GOLDEN.read_text().splitlines():
        what, _, why = line.partition("#")
        if not what.strip():
            continue
        number, name, result = what.split(None, 2)
        options = result.strip().split("|")
        assert int(number) not in expected, line
        assert (len(options) == 1 and options != ["some"]) or why.strip(), f"a result that varies needs a reason: {line}"
        expected[int(number)] = (name, options)
    return expected


def fits(seen, options):
    return seen in options or ("some" in options and seen.isdigit())


def test_every_system_call_with_zeros_answers_as_written_down(server):
    code = (HERE / "programs/vector.c").read_text()
    r = server.run("c", code, limits={"wallMs": 120000, "cpuMs": 60000})
    assert r["verdict"] == "ok", r
    seen = {int(n): in_words(rest) for n, *rest in (line.split() for line in r["stdout"].splitlines())}
    assert set(range(600)) | {65535, -1} <= set(seen)

    expected = read_golden()
    wrong = []
    for number, result in seen.items():
        if number & X32_BIT and number > 0:
            name, options = "x32", ["SIGSYS"]
        else:
            name, options = expected.get(number, ("-", ["ENOSYS"]))
        if not fits(result, options):
            wrong.append(f"{number} {name}: {result}, not {'|'.join(options)}")
    assert not wrong, "\n".join(wrong)
