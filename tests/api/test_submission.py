# SPDX-License-Identifier: MIT
"""What a submission may hold, and what is said when it may not."""
import base64
import json

import pytest

GOOD = {"language": "bash", "code": "true"}


def refused(server, body, field=None, status=400):
    depth = queued(server)
    answer = server.post(body)
    assert answer.status_code == status, (body, answer.text)
    problem = answer.json()
    assert problem["success"] is False
    assert " " in problem["error"], "a sentence"
    if field:
        assert problem.get("field", "").startswith(field) or field in problem["error"], problem
    assert queued(server) <= depth, "nothing may be queued"
    return problem


def queued(server):
    return sum(v for (n, _), v in server.metrics().items() if "accepted" in n)


def test_stdin_args_env_and_files_reach_the_program(server):
    code = (
        "import os, sys\n"
        "print(sys.argv[1:], os.environ['WORD'], sys.stdin.read(), open('data/in.txt').read(), os.getcwd())"
    )
    r = server.run(
        "python",
        code,
        stdin="typed",
        args=["a b", "", "--x=$HOME", "\u00e9"],
        env={"WORD": "from env"},
        files=[{"name": "data/in.txt", "content": "from file"}],
    )
    assert r["stdout"] == "['a b', '', '--x=$HOME', '\u00e9'] from env typed from file /box\n", r["stderr"]


def test_binary_stdin_and_files_travel_in_base64(server):
    data = bytes(range(256)) * 40
    encoded = base64.b64encode(data).decode()
    r = server.run(
        "python",
        "import sys; d = sys.stdin.buffer.read(); print(d == open('f','rb').read() == bytes(range(256))*40)",
        stdin=encoded,
        stdinEncoding="base64",
        files=[{"name": "f", "content": encoded, "encoding": "base64"}],
    )
    assert r["stdout"] == "True\n", r["stderr"]


def test_without_code_the_first_file_is_the_program(server):
    body = {
        "language": "python",
        "files": [
            {"name": "app/start.py", "content": "import sys; sys.path.insert(0, '/box'); import lib; print(lib.x)"},
            {"name": "lib.py", "content": "x = 5"},
        ],
    }
    assert server.post(body, "?wait=true").json()["response"] == "5\n"


def test_the_main_file_given_twice_is_refused(server):
    refused(server, {**GOOD, "language": "python", "files": [{"name": "main.py", "content": ""}]}, "files")
    double = [{"name": "a", "content": ""}, {"name": "a", "content": ""}]
    refused(server, {**GOOD, "files": double}, "files")


def test_neither_code_nor_files_is_refused(server):
    refused(server, {"language": "bash"}, "code")
    refused(server, {"language": "bash", "files": []})


def test_a_file_cannot_be_a_directory_of_another(server):
    refused(server, {**GOOD, "files": [{"name": "a", "content": ""}, {"name": "a/b", "content": ""}]}, "files")


@pytest.mark.parametrize(
    "name",
    ["", "/etc/x", "../x", "a/../../b", "a//b", "./a", "a/.", "a/..", "..", ".", "a/", "a\u0000b", "a\nb", "x" * 256, "/".join("a" * 20)],
)
def test_file_names_that_lead_elsewhere_are_refused(server, name):
    refused(server, {**GOOD, "files": [{"name": name, "content": ""}]}, "files")


@pytest.mark.parametrize("name", ["a", "a.b", "..a", "a..", "-rf", "a b", "\u00e9/\u20ac", "x" * 255, "/".join("a" * 16)])
def test_file_names_that_are_odd_but_harmless_work(server, name):
    r = server.run("python", "import os,sys; print(open(sys.argv[1]).read())", args=[name], files=[{"name": name, "content": "ok"}])
    assert r["stdout"] == "ok\n", r["stderr"]


@pytest.mark.parametrize("limit", ["cpuMs", "wallMs", "memoryBytes", "processes", "outputBytes", "fileBytes", "diskBytes"])
@pytest.mark.parametrize("where", ["limits", "compileLimits"])
@pytest.mark.parametrize("value", [0, -1, 1.5, 1.0, "100", None, True, 1 << 62, [1]])
def test_limits_outside_what_is_allowed_are_refused(server, limit, where, value):
    refused(server, {**GOOD, where: {limit: value}}, limit)


def test_a_limit_at_its_maximum_is_accepted_and_one_more_is_not(server):
    listed = server.get("/api/v1/languages").json()["languages"]
    most = next(entry for entry in listed if entry["name"] == "bash")["limits"]["max"]["cpuMs"]
    assert server.run("bash", "echo fine", limits={"cpuMs": most})["response"] == "fine\n"
    problem = refused(server, {**GOOD, "limits": {"cpuMs": most + 1}}, "limits")
    assert str(most) in problem["error"], "the sentence names the maximum"


@pytest.mark.parametrize(
    "extra, field",
    [
        ({"unknown": 1}, "unknown"),
        ({"limits": {"cpu": 1}}, "cpu"),
        ({"files": [{"name": "a", "content": "", "mode": 7}]}, "mode"),
        ({"Code": "x"}, "Code"),
    ],
)
def test_unknown_fields_are_named(server, extra, field):
    assert field in json.dumps(refused(server, {**GOOD, **extra}))


@pytest.mark.parametrize(
    "change",
    [
        {"language": 1}, {"language": None}, {"code": 1}, {"code": None}, {"code": ["x"]}, {"stdin": 5},
        {"stdinEncoding": "hex"}, {"stdin": "!!!", "stdinEncoding": "base64"}, {"args": "x"}, {"args": [1]},
        {"args": ["a\u0000b"]}, {"env": []}, {"env": {"A": 1}}, {"env": {"": "x"}}, {"env": {"A=B": "x"}},
        {"env": {"A": "x\u0000"}}, {"files": {}}, {"files": [1]}, {"files": [{"content": ""}]},
        {"files": [{"name": "a"}]}, {"files": [{"name": "a", "content": "?", "encoding": "base64"}]},
        {"compilerFlags": "x"}, {"limits": []}, {"limits": 5}, {"version": 3},
    ],
)  # fmt: skip
def test_wrong_types_are_refused(server, change):
    refused(server, {**GOOD, **change}, next(iter(change)).removesuffix("Encoding"))


def test_an_unknown_language_is_named(server):
    assert "klingon" in refused(server, {"language": "klingon", "code": ""}, "language")["error"]


def test_a_compiler_flag_outside_the_list_is_named(server):
    for flag in ("-fplugin=/tmp/x.so", "-o/etc/passwd", "@file", "-B/tmp", "-wrapper"):
        body = {"language": "c", "code": "int main(void){}", "compilerFlags": ["-O2", flag]}
        assert flag in refused(server, body, "compilerFlags")["error"]


def test_allowed_compiler_flags_reach_the_compiler(server):
    r = server.run("c", "int main(void) { return __OPTIMIZE__ + 4; }", compilerFlags=["-O2"])
    assert r["exitCode"] == 5, r


def test_versions_exact_and_prefix(server):
    version = server.run("python", "pass")["version"]
    for asked in (version, version.rsplit(".", 1)[0], "3"):
        r = server.post({"language": "python", "code": "print(1)", "version": asked}, "?wait=true").json()
        assert r["version"] == version
    for asked in ("2", "3.", version + "1", ""):
        refused(server, {"language": "python", "code": "print(1)", "version": asked}, "version")


BAD_JSON = [
    b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"language":"bash","code":"true"}x', b'{"language":"bash","code":"true",}',
    b'{"language":"bash","language":"bash","code":"true"}', b'{"language":"bash","code":"\xff"}',
    b'{"language":"bash","code":"\\ud800"}', b"{'language':'bash'}", b'{"language":"bash","code":"a\nb"}',
    b"[" * 5000 + b"]" * 5000, b'{"language":"bash","code":"true","limits":' + b"[" * 100 + b"]" * 100 + b"}",
    b'{"language":"bash","code":"true"}{"language":"bash","code":"true"}', b'{"language":"bash","code":NaN}',
    b'{"language":"bash","code":"true","limits":{"cpuMs":1' + b"0" * 30 + b"}}",
    b"\xef\xbb\xbf" + b'{"language":"bash","code":"true"}',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
def test_what_is_not_strictly_json_is_refused(server, body):
    refused(server, body)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"])
def test_another_content_type_is_415(server, kind):
    answer = server.post(GOOD, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_another_spelling_is_json(server, kind):
    assert server.post(GOOD, headers={"Content-Type": kind}).status_code == 200


def test_sizes_over_the_cap_are_413_and_name_the_part(server):
    big = "#" * (1 << 20)
    assert server.post({"language": "bash", "code": big}).status_code == 200
    assert "code" in json.dumps(refused(server, {"language": "bash", "code": big + "#"}, status=413))
    half = "#" * (1 << 19)
    files = [{"name": "a", "content": half + "#"}]
    refused(server, {"language": "bash", "code": half, "files": files}, status=413)
    assert "stdin" in json.dumps(refused(server, {**GOOD, "stdin": "x" * ((16 << 20) + 1)}, status=413))
    refused(server, b" " * ((40 << 20) + 1), status=413)


def test_a_stdin_at_the_cap_arrives_whole(server):
    r = server.run("bash", "wc -c", stdin="x" * (16 << 20))
    assert r["stdout"].strip() == str(16 << 20)


def test_too_many_parts_are_refused(server):
    answer = server.post({**GOOD, "files": [{"name": str(i), "content": ""} for i in range(1001)]})
    assert answer.status_code in (400, 413)
    answer = server.post({**GOOD, "args": ["x" * 1000] * 200})
    assert answer.status_code in (400, 413)
    assert "args" in json.dumps(answer.json())
