# SPDX-License-Identifier: MIT
"""codecrusher run: one program in a container, from the shell."""
import hashlib
import os
import signal
import subprocess

import pytest

import harness


def test_output_errors_and_status_pass_through(codecrusher, program):
    path = program("x.py", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    done = codecrusher("run", path)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


def test_bytes_pass_through_exactly(codecrusher, program):
    path = program("x.py", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    data = bytes(range(256)) * 1000
    assert codecrusher("run", path, stdin=data).stdout == data


def test_arguments(codecrusher, program):
    path = program("x.py", "import sys; print(sys.argv[1:])")
    done = codecrusher("run", path, "--", "a b", "--port", "", "-x")
    assert done.stdout == b"['a b', '--port', '', '-x']\n"


def test_stdin_from_a_file(codecrusher, program):
    path = program("x.sh", "wc -c")
    done = codecrusher("run", path, "--stdin", program("in", "12345"))
    assert done.stdout.strip() == b"5"


def test_a_hundred_megabytes_of_stdin(codecrusher, program):
    path = program("x.py", "import hashlib, sys\nh = hashlib.sha256()\nwhile d := sys.stdin.buffer.read(1 << 20): h.update(d)\nprint(h.hexdigest())")
    data = os.urandom(1 << 20) * 100
    done = codecrusher("run", path, stdin=data)
    assert done.stdout.decode().strip() == hashlib.sha256(data).hexdigest(), done.stderr


def test_output_comes_as_it_is_written(places, program):
    path = program("x.py", "import sys\nprint('ready', flush=True)\nimport time\ntime.sleep(30)")
    process = subprocess.Popen(
        [harness.PROGRAM, "run", path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=harness.clean_env(**places.env()),
    )  # fmt: skip
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10 * harness.SLOW)
    assert process.returncode in (130, -signal.SIGINT)


def test_a_reader_that_leaves_ends_the_program(places, program):
    path = program("x.sh", "yes")
    command = f"{harness.PROGRAM} run {path} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=30 * harness.SLOW, env=harness.clean_env(**places.env()))
    assert done.stdout == b"y\n"


@pytest.mark.parametrize(
    "name, text, limits, status",
    [
        ("x.py", "while True: pass", ["cpuMs=300"], 124),
        ("x.sh", "sleep 60", ["wallMs=300"], 124),
        ("x.py", "x = bytearray(200 << 20)", ["memoryBytes=64M"], 137),
        ("x.sh", "yes", ["outputBytes=1K"], 123),
        ("x.py", "import os; os.kill(os.getpid(), 11)", [], 139),
        ("x.c", "int main(void) { return x; }", [], 126),
        ("x.c", "int main(void) { return 5; }", [], 5),
    ],
)
def test_exit_status(codecrusher, program, name, text, limits, status):
    words = [word for limit in limits for word in ("--limit", limit)]
    done = codecrusher("run", program(name, text), *words)
    assert done.returncode == status, done.stderr


def test_the_compilers_words_go_to_stderr(codecrusher, program):
    done = codecrusher("run", program("x.c", "int main(void) { return nothing; }"))
    assert b"nothing" in done.stderr and done.stdout == b""


def test_output_at_its_cap_is_cut_exactly(codecrusher, program):
    done = codecrusher("run", program("x.sh", "yes"), "--limit", "outputBytes=1000")
    assert len(done.stdout) == 1000


def test_summary_is_one_line(codecrusher, program):
    done = codecrusher("run", program("x.sh", "echo hi"), "--summary")
    assert done.stdout == b"hi\n"
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and "ok" in lines[0]


def test_language_and_flags_by_hand(codecrusher, program):
    done = codecrusher("run", program("noext", "print(1)"), "--lang", "python")
    assert done.stdout == b"1\n"
    done = codecrusher("run", program("x.c", "int main(void) { return N; }"), "--flag", "-DN=9")
    assert done.returncode == 9


def one_line(done, status, *words):
    assert done.returncode == status, done
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("codecrusher: ")
    for word in words:
        assert word in lines[0], lines[0]
    assert done.stdout == b""


def test_what_is_wrong_is_said_in_one_line(codecrusher, program):
    good = program("x.sh", "true")
    one_line(codecrusher("run"), 125)
    one_line(codecrusher("run", "/nowhere/x.py"), 125, "/nowhere/x.py")
    one_line(codecrusher("run", program("x.unknown", "")), 125, "unknown")
    one_line(codecrusher("run", good, "--lang", "klingon"), 125, "klingon")
    one_line(codecrusher("run", good, "--limit", "cpuMs=0"), 125, "cpuMs")
    one_line(codecrusher("run", good, "--limit", "cpu=1"), 125, "cpu")
    one_line(codecrusher("run", good, "--limit", "cpuMs=999999999999"), 125, "cpuMs")
    one_line(codecrusher("run", good, "--stdin", "/nowhere/in"), 125, "/nowhere/in")
    one_line(codecrusher("run", good, "--nonsense"), 125, "--nonsense")
    one_line(codecrusher("run", program("x.c", ""), "--flag", "-fplugin=x"), 125, "-fplugin=x")
