# SPDX-License-Identifier: MIT
"""The other verbs, their help, and what is said about wrong words and settings."""
import contextlib
import json
import re

import pytest

import harness

VERBS = ["serve", "server", "worker", "run", "languages", "doctor", "version"]


def one_line(done, status, *words):
    assert done.returncode == status, done
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("codecrusher: ")
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_verbs(codecrusher, words):
    done = codecrusher(*words)
    assert done.returncode == 0 and done.stderr == b""
    for verb in VERBS:
        assert re.search(rf"^\s+{verb}\b", done.stdout.decode(), re.M), verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(codecrusher, verb):
    done = codecrusher(verb, "--help")
    assert done.returncode == 0 and done.stderr == b""
    assert verb in done.stdout.decode()


def test_help_of_serve_lists_every_setting(codecrusher):
    text = codecrusher("serve", "--help").stdout.decode()
    documented = (harness.ROOT / "docs/settings.md").read_text()
    names = set(re.findall(r"^\| `((?:CODECRUSHER_)?[A-Z][A-Z_]+)`", documented, re.M))
    assert {"PORT", "HOST", "CODECRUSHER_DATA_DIR", "CODECRUSHER_CONCURRENCY"} <= names
    for name in names:
        assert name in text or "--" + name.removeprefix("CODECRUSHER_").lower().replace("_", "-") in text, name


def test_version(codecrusher):
    done = codecrusher("version")
    assert done.returncode == 0
    assert re.search(r"\b\d+\.\d+\.\d+\b", done.stdout.decode())


@pytest.mark.parametrize("verb", ["server", "worker"])
def test_half_a_server_needs_the_distributed_pair(codecrusher, verb):
    one_line(codecrusher(verb), 78, "REDIS_URL", "MONGO_URL", "codecrusher serve")


@pytest.mark.parametrize("verb", ["serve", "server", "worker"])
def test_no_other_pair_of_queue_and_store(codecrusher, verb):
    one_line(codecrusher(verb, REDIS_URL="redis://127.0.0.1:1"), 78, "MONGO_URL")
    one_line(codecrusher(verb, MONGO_URL="mongodb://127.0.0.1:1"), 78, "REDIS_URL")
    secure = {"REDIS_URL": "rediss://127.0.0.1:1", "MONGO_URL": "mongodb://127.0.0.1:1"}
    one_line(codecrusher(verb, **secure), 78, "TLS")


def test_no_verb_and_unknown_verbs(codecrusher):
    for words in ([], ["nonsense"], ["--nonsense"]):
        done = codecrusher(*words)
        assert done.returncode == 2, words
        assert done.stdout == b"" and b"--help" in done.stderr


def test_languages(codecrusher):
    listed = json.loads(codecrusher("languages", "--json").stdout)
    assert {"bash", "c", "cpp", "javascript", "python"} <= {entry["name"] for entry in listed}
    assert all(entry["available"] is True and entry["version"] for entry in listed)
    text = codecrusher("languages").stdout.decode()
    for entry in listed:
        assert re.search(rf"^{entry['name']}\s.*{re.escape(entry['version'])}", text, re.M)


def test_doctor_has_a_line_for_every_ability(codecrusher):
    done = codecrusher("doctor")
    assert done.returncode == 0, done.stdout.decode()
    lines = done.stdout.decode().splitlines()
    assert all(re.search(r"\s(ok|weak|missing)\s", line) for line in lines), lines
    text = done.stdout.decode().lower()
    for ability in ("memory", "pids", "cpu", "namespace", "seccomp", "uid", "core", "swap", "rootfs", "language python"):
        assert ability in text, f"{ability} is not in:\n{text}"
    assert re.search(r"^rootfs\s+weak\b", text, re.M), "host as rootfs is called weak"


BAD_SETTINGS = [
    ({"PORT": "70000"}, "PORT"),
    ({"PORT": "x"}, "PORT"),
    ({"PORT": "-1"}, "PORT"),
    ({"HOST": "not an address"}, "HOST"),
    ({"CODECRUSHER_NONSENSE": "1"}, "CODECRUSHER_NONSENSE"),
    ({"CODECRUSHER_CONCURRENCY": "-1"}, "CODECRUSHER_CONCURRENCY"),
    ({"CODECRUSHER_CONCURRENCY": "1.5"}, "CODECRUSHER_CONCURRENCY"),
    ({"CODECRUSHER_LOG_LEVEL": "loud"}, "CODECRUSHER_LOG_LEVEL"),
    ({"CODECRUSHER_LOG_FORMAT": "xml"}, "CODECRUSHER_LOG_FORMAT"),
    ({"CODECRUSHER_EXECUTOR": "podman"}, "CODECRUSHER_EXECUTOR"),
    ({"CODECRUSHER_QUEUE": "redis"}, "REDIS_URL"),
    ({"CODECRUSHER_STORE": "mysql"}, "CODECRUSHER_STORE"),
    ({"REDIS_URL": "redis://127.0.0.1"}, "REDIS_URL"),
    ({"CODECRUSHER_USER": "nobody-by-this-name"}, "nobody-by-this-name"),
    ({"CODECRUSHER_LANGUAGES_DIR": "/nowhere"}, "/nowhere"),
    ({"CODECRUSHER_SPAWNER": "/nowhere"}, "/nowhere"),
    ({"CODECRUSHER_ALLOW_WEAK": "everything"}, "everything"),
    ({"CODECRUSHER_LIMIT_CPU_MS": "99999999"}, "LIMIT_CPU_MS"),
]


@pytest.mark.parametrize("env, word", BAD_SETTINGS, ids=[f"{k}={v}" for e, _ in BAD_SETTINGS for k, v in e.items()])
def test_a_bad_setting_stops_the_start_with_one_line(codecrusher, env, word):
    done = codecrusher("serve", **env)
    assert done.returncode == 78, done
    lines = done.stderr.decode().splitlines()
    assert word in lines[-1], lines
    assert len(lines) == 1, lines


def test_what_the_spawner_refuses_stops_the_start(codecrusher):
    """Found out after the start of the other processes, so it comes with their log lines."""
    done = codecrusher("serve", CODECRUSHER_ROOTFS="/nowhere/at/all")
    assert done.returncode == 78, done
    assert len([line for line in done.stderr.decode().splitlines() if "/nowhere/at/all" in line]) == 1


@pytest.mark.parametrize(
    "words, status, word",
    [
        (["--port", "x"], 78, "port"),
        (["--port"], 78, "port"),
        (["--nonsense"], 2, "--nonsense"),
        (["word"], 2, "word"),
        (["--concurrency=0x"], 78, "concurrency"),
    ],
)
def test_a_bad_flag_stops_the_start_with_one_line(codecrusher, words, status, word):
    done = codecrusher("serve", *words)
    assert done.returncode in (2, 78), done
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and word in lines[0].lower(), lines


def test_a_port_in_use_is_named(codecrusher, server):
    done = codecrusher("serve", PORT=server.port)
    assert done.returncode == 78
    assert str(server.port) in done.stderr.decode()


def test_a_data_directory_in_use_is_refused(codecrusher, server):
    """Two engines on one database would both take every job."""
    done = codecrusher("serve", CODECRUSHER_DATA_DIR=server.settings.data_dir)
    assert done.returncode not in (0, None)
    assert str(server.settings.data_dir) in done.stderr.decode()
    assert server.run("bash", "echo unharmed")["stdout"] == "unharmed\n"


def test_a_flag_wins_over_the_environment(start_server, codecrusher):
    done = codecrusher("serve", "--log-level=nonsense", CODECRUSHER_LOG_LEVEL="info")
    assert done.returncode == 78 and b"nonsense" in done.stderr


def test_what_kubernetes_injects_is_ignored(start_server):
    server = start_server(
        CODECRUSHER_PORT="tcp://10.0.0.1:80", CODECRUSHER_PORT_80_TCP="x", CODECRUSHER_SERVICE_HOST="10.0.0.1"
    )
    assert server.get("/healthz").status_code == 200


def test_the_engine_is_not_root_and_holds_no_power(start_server):
    server = start_server()
    text = open(f"/proc/{server.find('engine')}/status").read()
    assert not re.search(r"^Uid:.*\b0\b", text, re.M)
    assert not re.search(r"^Gid:.*\b0\b", text, re.M)
    assert re.search(r"^CapEff:\s+0+$", text, re.M) and re.search(r"^CapPrm:\s+0+$", text, re.M)
    assert re.search(r"^Groups:\s*(\d+ ?)?$", text, re.M)


def test_the_spawner_inherits_nothing(start_server):
    server = start_server()
    spawner = server.find("spawner")
    assert open(f"/proc/{spawner}/environ").read() == ""
    slot = "HOME=/box\0TMPDIR=/tmp\0PATH=/usr/local/bin:/usr/bin:/bin\0LANG=C.UTF-8\0ASAN_OPTIONS=detect_leaks=0\0"
    found = set()
    for pid in server.settings.processes():
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # a slot that has just been used
            found.add(open(f"/proc/{pid}/environ").read())
    assert found and found <= {"", slot}, "a slot that waits, warm or not, knows nothing of us"
