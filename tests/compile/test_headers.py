# SPDX-License-Identifier: MIT
"""Precompiled headers: the same program, sooner. One server, since compiling the headers takes seconds."""
import json
import os
import pathlib
import signal

import pytest

import harness
from compiling import cached

ALL = "#include <bits/stdc++.h>\n"
# What the compiler made, byte for byte.
SELF = r"""
int main()
{
	std::ifstream self("/proc/self/exe", std::ios::binary);
	unsigned long long h = 14695981039346656037ULL, n = 0;

	for (std::istreambuf_iterator<char> at(self), end; at != end; ++at, ++n)
		h = (h ^ (unsigned char)*at) * 1099511628211ULL;
	std::cout << n << ' ' << h << std::endl;
}
"""


def ready(server):
    return server.metric("codecrusher_precompiled_headers", state="ready")


def wait_ready(server):
    harness.wait_until(lambda: ready(server) == 2, 120, "the headers to be precompiled")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """(with, without): g++ says which headers it reads (-H: precompiled ones with a '!')."""
    directory = tmp_path_factory.mktemp("languages")
    language = json.loads((harness.ROOT / "languages/cpp.json").read_text())
    language["compile"]["argv"].insert(1, "-H")
    (directory / "cpp.json").write_text(json.dumps(language))
    (directory / "bash.json").write_text((harness.ROOT / "languages/bash.json").read_text())
    env = {"CODECRUSHER_LANGUAGES_DIR": directory}
    fast = harness.Server(**{**env, "CODECRUSHER_PRECOMPILE": 1}).start()
    plain = harness.Server(**env).start()
    wait_ready(fast)
    yield fast, plain
    fast.stop()
    plain.stop()


def uses(result, header):
    """Whether the compiler read this header precompiled."""
    return any(line.startswith("! /run/headers/") and line.endswith(f"/{header}.gch")
               for line in result["compile"]["stderr"].splitlines())


@pytest.mark.parametrize("header", ["bits/stdc++.h", "iostream"])
def test_the_compiler_reads_it_and_makes_the_same_program(pair, header):
    code = f"#include <{header}>\n#include <fstream>\n#include <iterator>\n" + SELF
    ours, plain = (s.run("cpp", code) for s in pair)
    assert uses(ours, header) and not uses(plain, header)
    assert ours["verdict"] == "ok" and ours["stdout"] == plain["stdout"], (ours, plain)


def test_several_files_each_with_it(pair):
    files = [{"name": "a.cpp", "content": ALL + 'void a() { std::cout << "a"; }\n'}]
    for server in pair:
        r = server.run("cpp", ALL + "void a();\nint main() { a(); }\n", files=files)
        assert r["stdout"] == "a", r


# In each the header must not be, or need not be, the precompiled one; the answer is the plain compiler's.
PLAIN = {
    "a macro the header asks for": "#define _GLIBCXX_DEBUG\n" + ALL,
    "a macro that changes a keyword": "#define inline\n" + ALL,
    "another header first": "#include <cstdio>\n" + ALL,
}


@pytest.mark.parametrize("case", PLAIN)
def test_where_it_does_not_fit_the_header_itself_is_read(pair, case):
    code = PLAIN[case] + "#include <fstream>\n" + SELF
    ours, plain = (s.run("cpp", code) for s in pair)
    assert not uses(ours, "bits/stdc++.h")
    assert (ours["verdict"], ours["stdout"]) == (plain["verdict"], plain["stdout"]), (ours, plain)


SAME = {
    "twice": ALL + ALL + "#include <vector>\nint main() { std::cout << sizeof(std::vector<int>); }\n",
    "quotes": '#include "bits/stdc++.h"\nint main() { std::cout << 1; }\n',
    "asked for": "#if !__has_include(<bits/stdc++.h>)\n#error none\n#endif\n" + ALL + "int main() { std::cout << 2; }\n",
    "both": ALL + "#include <iostream>\nint main() { std::cout << 3; }\n",
    "the other way round": "#include <iostream>\n" + ALL + "int main() { std::cout << 4; }\n",
    "a macro of its own": "#define N 5\n" + ALL + "int main() { std::cout << N; }\n",
    "its name and line": ALL + "int main() { std::cout << __FILE__ << __LINE__ << __INCLUDE_LEVEL__; }\n",
    "a thrown exception": ALL + 'int main() { try { throw std::runtime_error("x"); } catch (std::exception &e) { std::cout << e.what(); } }\n',
    "an error": ALL + "int main() { return nosuch; }\n",
    "no header at all": "int main() { return 6; }\n",
    "a header of that name of its own": '#include "iostream"\nint main() { return X; }\n',
}


@pytest.mark.parametrize("case", SAME)
def test_a_program_cannot_tell(pair, case):
    files = [{"name": "iostream", "content": "#define X 7\n"}] if "of its own" in case and "header" in case else []
    ours, plain = (s.run("cpp", SAME[case], files=files) for s in pair)

    def seen(r):
        errors = [line for line in r["compile"]["stderr"].splitlines() if "error:" in line]
        return r["verdict"], r["exitCode"], r["stdout"], errors

    assert seen(ours) == seen(plain)


def test_own_flags_go_without(pair):
    fast, _ = pair
    r = fast.run("cpp", ALL + "int main() { std::cout << 1; }\n", compilerFlags=["-O0"])
    assert r["stdout"] == "1" and "/run/headers" not in r["compile"]["stderr"]


def test_the_cache_does_not_depend_on_it(pair):
    fast, _ = pair
    code = ALL + "int main() { std::cout << 8; }\n"
    assert [cached(fast.run("cpp", code)) for _ in range(2)] == [False, True]


def test_programs_can_neither_find_nor_change_them(pair):
    fast, _ = pair
    (secret,) = [p for p in (fast.settings.data_dir / "headers").iterdir() if not p.name.startswith(".")]
    look = f"""
        ls /run/headers; cat /run/headers/.secret; touch /run/headers/x
        d=/run/headers/{secret.name}
        [ -r $d/iostream.gch ] && echo whoever knows the name can read it
        echo >>$d/iostream.gch; rm -f $d/iostream.gch; mv $d/bits $d/x; touch $d/y; ln $d/iostream.gch /box/l
        cp $d/iostream.gch /box/copy && echo copied; $d/iostream.gch
        grep ' /run/headers ' /proc/self/mounts
        """
    before = {p: p.stat().st_mtime_ns for p in secret.rglob("*")}
    r = fast.run("bash", look)
    out = r["stdout"].splitlines()
    assert out[:2] == ["whoever knows the name can read it", "copied"], r
    options = out[2].split()[3].split(",")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options)
    assert r["stderr"].count("Permission denied") + r["stderr"].count("Read-only file system") >= 7, r["stderr"]
    assert {p: p.stat().st_mtime_ns for p in secret.rglob("*")} == before


def test_they_survive_a_restart_and_a_broken_one_is_made_anew(start_server, tmp_path):
    language = json.loads((harness.ROOT / "languages/cpp.json").read_text())
    language["compile"]["precompile"]["headers"] = ["iostream"]
    (tmp_path / "cpp.json").write_text(json.dumps(language))
    server = start_server(CODECRUSHER_LANGUAGES_DIR=tmp_path, CODECRUSHER_PRECOMPILE=1)

    def restart_and_wait():
        server.signal()
        assert server.wait_exit() == 0
        server.start()
        harness.wait_until(lambda: ready(server) == 1, 120, "the header")
        return "is precompiled" in server.log.text()

    def sets():
        return {p.name for p in (server.settings.data_dir / "headers").iterdir() if not p.name.startswith(".")}

    harness.wait_until(lambda: ready(server) == 1, 120, "the header")
    before = sets()
    # Unless somebody installs a package on this machine just now, which makes another set.
    assert restart_and_wait() is (sets() != before)
    (file,) = (server.settings.data_dir / "headers").rglob("iostream.gch")
    stale = pathlib.Path(server.settings.data_dir, "headers", "0" * 64)
    stale.mkdir()
    with file.open("r+b") as f:
        f.seek(file.stat().st_size // 2)
        f.write(b"tampered")
    assert restart_and_wait() is True
    harness.wait_until(lambda: not stale.exists(), 20, "what nobody uses to be removed")
    assert server.run("cpp", '#include <iostream>\nint main() { std::cout << 1; }\n')["stdout"] == "1"


def test_a_slot_less_than_needed_is_given_up_for_a_job(start_server):
    """With one slot, and from the first moment on: no job waits for a header."""
    server = start_server(CODECRUSHER_PRECOMPILE=1, CODECRUSHER_CONCURRENCY=1)
    harness.wait_until(lambda: server.metric("codecrusher_slots", state="busy") == 1, 60, "a header being compiled")
    r = server.run("bash", "echo 1")
    assert r["stdout"] == "1\n"
    assert ready(server) == 0
    harness.wait_until(lambda: ready(server) == 2, 120, "the headers after all")


def test_an_engine_gone_bad_cannot_show_slots_anything_else_of_the_host(start_server):
    """It owns the directory that holds the headers', and could put a link in its place."""
    server = start_server(CODECRUSHER_PRECOMPILE=1)
    headers = server.settings.data_dir / "headers"
    assert "headers" in server.run("bash", "ls /run")["stdout"].split()
    headers.rename(headers.with_name("aside"))
    headers.symlink_to("/")

    def look():
        r = server.run("bash", "ls /run; ls /run/headers/; grep headers /proc/self/mounts")
        assert (r["stdout"].split(), server.run("c", "int main(void) { return 0; }")["verdict"]) == (["empty", "slot"], "ok")

    os.kill(server.find("spawner"), signal.SIGKILL)
    server.log.wait_for("slots have no precompiled headers")
    look()
    server.signal()
    assert server.wait_exit() == 0
    server.start()
    assert "compiling is slower than it could be" in server.log.text()
    look()
