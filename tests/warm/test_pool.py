# SPDX-License-Identifier: MIT
"""Started interpreters come on top: what becomes of them is no job's trouble."""
import contextlib
import json
import os
import pathlib
import shutil
import signal

import harness


def interpreters(server, name="python3"):
    """Processes of the slots that have become the interpreter."""
    alive = harness.processes()
    return [pid for pid in server.settings.processes() if pid in alive and alive[pid][1] == name]


def hits(server, language="python"):
    return server.metric("codecrusher_warm_hits_total", language=language)


def run_until_warm(server):
    def warm():
        before = hits(server)
        assert server.run("python", "print(1)")["stdout"] == "1\n"
        return hits(server) > before

    harness.wait_until(warm, 30, "a warm Python")


def test_as_many_wait_as_were_asked_for(start_server):
    server = start_server(CODECRUSHER_WARM_SLOTS=3)
    harness.wait_until(lambda: len(interpreters(server)) == 3 and len(interpreters(server, "node")) == 3)
    run_until_warm(server)
    harness.wait_until(lambda: len(interpreters(server)) == 3)


def test_none_wait_when_turned_off(start_server):
    server = start_server(CODECRUSHER_WARM_SLOTS=0)
    assert server.run("python", "print(1)")["stdout"] == "1\n"
    assert interpreters(server) == []
    assert not any(name.startswith("codecrusher_warm") and labels for name, labels in server.metrics())


def test_one_that_dies_while_it_waits_is_replaced(start_server):
    server = start_server(CODECRUSHER_WARM_SLOTS=2)
    harness.wait_until(lambda: len(interpreters(server)) == 2)
    killed = interpreters(server)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    for _ in range(5):
        assert server.run("python", "print(1)")["stdout"] == "1\n"
    harness.wait_until(lambda: len(set(interpreters(server)) - set(killed)) == 2)
    run_until_warm(server)


def waits(pid):
    """For its program: a process that reads from a FIFO is in pipe_read, or anon_pipe_read in newer kernels."""
    with contextlib.suppress(FileNotFoundError):
        return "pipe_read" in pathlib.Path(f"/proc/{pid}/wchan").read_text()


def test_one_that_dies_as_a_program_is_handed_to_it_costs_no_answer(start_server):
    server = start_server(CODECRUSHER_WARM_SLOTS=1)
    run_until_warm(server)  # how long a start takes is known then, and a run waits for one that is not quite ready
    (pid,) = harness.wait_until(lambda: [p for p in interpreters(server) if waits(p)])
    os.kill(pid, signal.SIGSTOP)
    harness.wait_until(lambda: harness.processes()[pid][2] == "T")
    before = hits(server)
    job = server.submit("python", "print(1)")
    harness.wait_until(lambda: hits(server) == before + 1)
    os.kill(pid, signal.SIGKILL)
    result = server.result(job)
    assert (result["verdict"], result["stdout"], result["attempts"]) == ("ok", "1\n", 1)


def test_many_at_once_start_cold_and_come_out_right(start_server):
    server = start_server()
    jobs = [server.submit("python", f"print({i})") for i in range(40)]
    for i, job in enumerate(jobs):
        assert server.result(job)["stdout"] == f"{i}\n"
    run_until_warm(server)


def test_an_interpreter_that_is_not_installed_is_let_be(start_server, tmp_path):
    tmp_path.chmod(0o755)
    directory = tmp_path / "languages"
    shutil.copytree(harness.ROOT / "languages", directory)
    missing = {"name": "missing", "extensions": [".mi"], "source": "main.mi", "run": ["no-such-program", "{source}"],
               "warm": True, "version": ["no-such-program", "-v"]}
    pathlib.Path(directory, "missing.json").write_text(json.dumps(missing))
    server = start_server(CODECRUSHER_LANGUAGES_DIR=directory)
    server.log.wait_for("no-such-program is not kept warm: it cannot be started")
    run_until_warm(server)
    assert server.log.text().count("no-such-program is not kept warm") == 1
