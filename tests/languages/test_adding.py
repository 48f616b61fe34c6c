# SPDX-License-Identifier: MIT
"""Adding a language is adding a file."""
import json
import shutil
import subprocess

import pytest

import harness


@pytest.fixture
def directory(tmp_path):
    """A copy of the shipped files, to add to."""
    path = tmp_path / "languages"
    shutil.copytree(harness.ROOT / "languages", path)
    return path


def write(directory, name, **fields):
    (directory / f"{name}.json").write_text(json.dumps({"name": name, **fields}))


def test_one_file_is_a_language(directory, start_server):
    write(
        directory, "awk",
        aliases=["mawk"], extensions=[".awk"], source="main.awk",
        run=["awk", "-f", "{source}", "{args}"], version=["bash", "--version"], package="mawk",
    )  # fmt: skip
    server = start_server(CODECRUSHER_LANGUAGES_DIR=directory)
    listed = {e["name"]: e for e in server.get("/api/v1/languages").json()["languages"]}
    assert listed["awk"]["available"] is True
    r = server.run("mawk", "{ n += $1 } END { print n }", stdin="1\n2\n3\n")
    assert (r["language"], r["verdict"], r["stdout"]) == ("awk", "ok", "6\n"), r


def test_a_language_with_a_compile_step(directory, start_server):
    write(
        directory, "asm",
        extensions=[".s"], source="main.s",
        compile={"argv": ["gcc", "-o", "{artifact}", "{source}"], "artifacts": ["main"]},
        run=["./{artifact}"], version=["gcc", "-dumpfullversion"], package="gcc",
    )  # fmt: skip
    server = start_server(CODECRUSHER_LANGUAGES_DIR=directory)
    r = server.run("asm", ".globl main\nmain: mov $7, %eax\nret\n.section .note.GNU-stack\n")
    assert r["exitCode"] == 7, r


def test_a_toolchain_that_is_not_there_is_listed_with_what_to_install(directory, start_server):
    write(
        directory, "klingon",
        extensions=[".kl"], source="main.kl", run=["kl", "{source}"], version=["kl", "--version"], package="klingon-tools",
    )  # fmt: skip
    server = start_server(CODECRUSHER_LANGUAGES_DIR=directory)
    listed = {e["name"]: e for e in server.get("/api/v1/languages").json()["languages"]}
    assert listed["klingon"]["available"] is False
    assert "klingon-tools" in json.dumps(listed["klingon"])
    answer = server.post({"language": "klingon", "code": "Qapla'"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "klingon" in answer.json()["error"]
    assert server.run("bash", "echo others work")["stdout"] == "others work\n"


BAD = {
    "no JSON": "{",
    "no name": '{"extensions": [".x"], "source": "main.x", "run": ["x"], "version": ["x"]}',
    "no run": '{"name": "x", "extensions": [".x"], "source": "main.x", "version": ["x"]}',
    "a shell string": '{"name": "x", "extensions": [".x"], "source": "main.x", "run": "x {source}", "version": ["x"]}',
    "an unknown field": '{"name": "x", "extensions": [".x"], "source": "main.x", "run": ["x"], "version": ["x"], "rum": 1}',
    "an unknown placeholder": '{"name": "x", "extensions": [".x"], "source": "main.x", "run": ["x", "{sauce}"], "version": ["x"]}',
    "a name that is taken": '{"name": "python", "extensions": [".x"], "source": "main.x", "run": ["x"], "version": ["x"]}',
    "an alias that is taken": '{"name": "x", "aliases": ["py"], "extensions": [".x"], "source": "main.x", "run": ["x"], "version": ["x"]}',
    "a source elsewhere": '{"name": "x", "extensions": [".x"], "source": "../main.x", "run": ["x"], "version": ["x"]}',
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_stops_the_start_and_is_named(directory, case):
    (directory / "zzz.json").write_text(BAD[case])
    settings = harness.Settings()
    try:
        done = subprocess.run(
            [harness.PROGRAM, "serve"], capture_output=True, text=True, timeout=30 * harness.SLOW,
            env=harness.clean_env(**settings.env(), CODECRUSHER_LANGUAGES_DIR=directory),
        )  # fmt: skip
    finally:
        settings.remove()
    assert done.returncode == 78, done
    assert "zzz.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_shipped_file_obeys_the_documented_schema():
    """docs/languages.md names every field that the files use."""
    text = (harness.ROOT / "docs/languages.md").read_text()
    for path in (harness.ROOT / "languages").glob("*.json"):
        entry = json.loads(path.read_text())
        assert entry["name"] == path.stem
        for field in list(entry) + list(entry.get("compile", {})):
            assert f"`{field}`" in text or f"`compile.{field}`" in text, f"{field} of {path.name}"
