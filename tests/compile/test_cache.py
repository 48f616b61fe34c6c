# SPDX-License-Identifier: MIT
"""The compile cache as whoever submits sees it: the same answer, sooner."""
import concurrent.futures

import pytest

from compiling import cached, counts, entries, kept, make_key

C = '#include <stdio.h>\nint main(void) { puts("one"); }\n'
SEEN = ("verdict", "exitCode", "signal", "stdout", "stderr", "response", "truncated")


def test_the_second_submit_is_not_compiled_and_says_so(server):
    first, second = server.run("c", C), server.run("c", C)
    assert (cached(first), cached(second)) == (False, True)
    assert {k: first[k] for k in SEEN} == {k: second[k] for k in SEEN}
    assert first["compile"]["cpuMs"] == second["compile"]["cpuMs"]  # what it cost then
    assert first["jobId"] != second["jobId"]
    assert counts(server) == (1, 0, 1)
    assert server.metric("codecrusher_compile_cache_bytes") > 0


def test_warnings_come_with_it(server):
    code = "int main(void) { int x; return 0; }\n"
    for expected in (False, True):
        r = server.run("c", code, compilerFlags=["-Wall"])
        assert cached(r) is expected and "unused variable" in r["compile"]["stderr"]


def test_a_compile_error_is_known_again(server):
    first, second = server.run("c", "int main(void) { return x; }"), server.run("c", "int main(void) { return x; }")
    assert (cached(first), cached(second)) == (False, True)
    assert first["verdict"] == second["verdict"] == "compile_error"
    assert first["response"] == second["response"] and "undeclared" in second["response"]
    assert counts(server) == (0, 1, 1)


def test_a_limit_is_no_compile_error_to_be_known_again(server):
    for _ in range(2):
        r = server.run("c", C, compileLimits={"cpuMs": 1})
        assert (r["verdict"], r["compile"]["verdict"], cached(r)) == ("compile_error", "cpu_time_limit", False), r
    assert counts(server) == (0, 0, 2)


def test_input_and_arguments_are_the_run_s_alone(server):
    code = "#include <stdio.h>\nint main(int n, char **v) { printf(\"%s %c\", n > 1 ? v[1] : \"-\", getchar()); }\n"
    assert server.run("c", code, stdin="a")["stdout"] == "- a"
    r = server.run("c", code, stdin="b", args=["arg"], env={"X": "1"}, limits={"cpuMs": 5000})
    assert (r["stdout"], cached(r)) == ("arg b", True)


VARIANTS = {
    "another flag": {"compilerFlags": ["-DA=2"]},
    "the same flags in another order": {"compilerFlags": ["-UA", "-DA=1"]},
    "another limit": {"compilerFlags": ["-DA=1", "-UA"], "compileLimits": {"memoryBytes": 500 << 20}},
    "one more file": {"compilerFlags": ["-DA=1", "-UA"], "files": [{"name": "x.h", "content": ""}]},
}


@pytest.mark.parametrize("case", VARIANTS)
def test_whatever_decides_the_program_makes_another_one(server, case):
    code = ("#include <stdio.h>\n#ifdef A\n#define S \"a\"\n#else\n#define S \"none\"\n#endif\n"
            "int main(void) { puts(S); }\n")
    flags = {"compilerFlags": ["-DA=1", "-UA"]}
    assert server.run("c", code, **flags)["stdout"] == "none\n"
    r = server.run("c", code, **VARIANTS[case])
    assert cached(r) is False
    assert r["stdout"] == ("none\n" if VARIANTS[case]["compilerFlags"][-1] == "-UA" else "a\n")
    assert cached(server.run("c", code, **flags)) is True


def test_bytes_that_move_between_files_and_names_make_another_program(server):
    main = '#include <stdio.h>\n#include "a.h"\n#include "b.h"\nint main(void) { puts(A B); }\n'

    def run(a, b):
        files = [{"name": "a.h", "content": a}, {"name": "b.h", "content": b}]
        return server.run("c", main, files=files)

    assert run('#define A "1"\n', '#define B "2"\n')["stdout"] == "12\n"
    r = run('#define B "2"\n', '#define A "1"\n')
    assert (r["stdout"], cached(r)) == ("12\n", False)
    r = run('#define A "1"\n#define B "2"\n', "")
    assert (r["stdout"], cached(r)) == ("12\n", False)


def test_a_restart_forgets_nothing(start_server, languages):
    server = start_server(CODECRUSHER_LANGUAGES_DIR=languages)
    server.run("c", C)
    kept(server, 1)
    server.signal()
    assert server.wait_exit() == 0
    server.start()
    assert cached(server.run("c", C)) is True


def test_a_program_whose_file_was_cut_or_changed_is_compiled_again(server):
    server.run("c", C)
    for damage in (lambda b: b[:-1], lambda b: b[:200], lambda b: b[:-100] + bytes([b[-100] ^ 1]) + b[-99:],
                   lambda b: b"", lambda b: b + b"x"):
        (path,) = kept(server, 1)
        path.write_bytes(damage(path.read_bytes()))
        r = server.run("c", C)
        assert (r["verdict"], r["stdout"], cached(r)) == ("ok", "one\n", False)
    kept(server, 1)
    assert cached(server.run("c", C)) is True
    assert "lost an entry" in server.log.text()


def test_many_at_once_are_compiled_once(start_server, languages):
    server = start_server(CODECRUSHER_LANGUAGES_DIR=languages, CODECRUSHER_CONCURRENCY=4)
    code = "#include <bits/stdc++.h>\nint main() { std::cout << 7; }\n"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: server.result(server.submit("cpp", code)), range(8)))
    assert [r["stdout"] for r in results] == ["7"] * 8
    assert counts(server) == (7, 0, 1)
    assert sorted(map(cached, results)) == [False] + [True] * 7


def test_a_key_does_not_meet_what_another_key_compiled(start_server, tmp_path):
    keys = tmp_path / "keys"
    (alice, first), (bob, second), (ops, third) = make_key("alice"), make_key("bob"), make_key("ops")
    keys.write_text(f"{first}\n{second}\n{third} all\n")
    keys.chmod(0o600)

    def run(server, key):
        headers = {"Authorization": f"Bearer {key}"}
        answer = server.post({"language": "c", "code": C}, "?wait=60", headers=headers).json()
        assert answer["stdout"] == "one\n", answer
        return cached(answer)

    server = start_server(CODECRUSHER_API_KEYS_FILE=keys)
    assert [run(server, k) for k in (alice, bob, alice, bob)] == [False, False, True, True]
    shared = start_server(CODECRUSHER_API_KEYS_FILE=keys, CODECRUSHER_COMPILE_CACHE_SHARED=1)
    assert [run(shared, k) for k in (alice, bob, alice)] == [False, True, True]


def test_it_can_be_switched_off(start_server):
    server = start_server(CODECRUSHER_COMPILE_CACHE=0)
    assert [cached(server.run("c", C)) for _ in range(2)] == [False, False]
    assert not (server.settings.data_dir / "cache").exists()
    assert "codecrusher_compile_cache" not in server.get("/metrics").text


def test_it_stays_within_its_bound(start_server):
    server = start_server(CODECRUSHER_COMPILE_CACHE=160 << 10)
    codes = [f'#include <stdio.h>\nint main(void) {{ puts("{n}"); }}\n' for n in range(12)]
    for n, code in enumerate(codes):
        assert server.run("c", code)["stdout"] == f"{n}\n"
    assert server.metric("codecrusher_compile_cache_bytes") <= 160 << 10
    assert sum(p.stat().st_size for p in entries(server)) <= 160 << 10
    assert cached(server.run("c", codes[0])) is False
    assert cached(server.run("c", codes[0])) is True
