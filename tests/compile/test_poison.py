# SPDX-License-Identifier: MIT
"""Attacks on the compile cache: whatever a job does, nobody is given anything but what the compiler made."""
import harness
from compiling import cached, counts, entries, kept

SELF_CHANGING = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void overwrite(const char *path)
{
	int fd = open(path, O_RDWR);

	printf("%s: %s\n", path, fd < 0 ? strerror(errno) : "opened");
	if (fd >= 0)
		(void)!write(fd, "#!/bin/echo poisoned\n", 21);
}

int main(void)
{
	overwrite("/proc/self/exe");
	chmod("/box/main", 0777);
	overwrite("/box/main");
	if (rename("/box/main", "/box/old") == 0) {
		int fd = open("/box/main", O_WRONLY | O_CREAT | O_TRUNC, 0777);

		(void)!write(fd, "#!/bin/echo poisoned\n", 21);
		close(fd);
	}
	overwrite("/box/old");
	for (int i = 3; i < 1024; i++)
		if (write(i, "poison", 6) >= 0 || errno != EBADF)
			printf("descriptor %d\n", i);
	return 0;
}
"""


def test_a_program_that_changes_itself_changes_it_for_nobody_else(server):
    first = server.run("c", SELF_CHANGING)
    assert first["verdict"] == "ok" and "descriptor" not in first["stdout"], first
    for _ in range(3):
        r = server.run("c", SELF_CHANGING)
        assert cached(r) is True
        assert (r["verdict"], r["stdout"]) == ("ok", first["stdout"])


def test_links_fifos_and_directories_are_no_artefacts_and_not_kept(server):
    for code in ("ln -s /etc/passwd main", "ln -s main main", "mkfifo main", "mkdir main", "true",
                 "ln -s /proc/self/exe main"):
        for _ in range(2):
            r = server.run("script", code)
            assert (r["verdict"], cached(r)) == ("compile_error", False), code
            assert "root:" not in r["response"]
    assert entries(server) == []


def test_a_script_is_an_artefact_like_any_other(server):
    code = "printf '#!/bin/bash\\necho script\\n' >main; chmod +x main"
    for expected in (False, True):
        r = server.run("script", code)
        assert (r["verdict"], r["stdout"], cached(r)) == ("ok", "script\n", expected)


def test_what_a_compiler_made_of_time_and_chance_stays_as_it_was(server):
    """Documented: the cache takes a compiler for a function of its input."""
    code = "printf '#!/bin/bash\\necho %s\\n' $(date +%s%N)$RANDOM >main; chmod +x main"
    first = server.run("script", code)
    again = [server.run("script", code) for _ in range(3)]
    assert first["stdout"].strip().isdigit()
    assert {r["stdout"] for r in again} == {first["stdout"]}
    assert all(map(cached, again))


def test_a_compiler_that_fails_by_a_signal_or_a_limit_is_asked_again(server):
    for code, limits in (("kill -SEGV $$", {}), ("while :; do :; done", {"cpuMs": 300}),
                         ("sleep 60", {"wallMs": 300}), ("head -c 100000 /dev/zero", {"outputBytes": 1000})):
        for _ in range(2):
            r = server.run("script", code, compileLimits=limits)
            assert (r["verdict"], cached(r)) == ("compile_error", False), r
    assert counts(server)[:2] == (0, 0)


def test_neither_compilers_nor_programs_see_the_cache(server):
    server.run("c", "int main(void) { return 0; }")
    (path,) = kept(server, 1)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    look = f"""
        find / -xdev -name {path.name} 2>/dev/null
        find / -name {path.name} 2>/dev/null
        ls -d {path.parent} {server.settings.data_dir} 2>/dev/null
        grep -l {path.name} /proc/self/mountinfo /proc/self/maps
        ls -l /proc/self/fd | grep -c -e memfd -e {path.name}
        """
    # 1: standard input is an empty memfd.
    built = server.run("script", f"{{ {look} }} >found 2>&1; printf '#!/bin/cat\\n' >main; cat found >>main; chmod +x main")
    assert built["stdout"] in ("#!/bin/cat\n1\n", "#!/bin/cat\n0\n"), built
    assert server.run("bash", look)["stdout"] in ("1\n", "0\n")


def test_files_with_names_like_parts_of_the_key_are_only_names(server):
    """Where names and contents meet nothing can be moved from one to the other, whatever characters they have."""
    main = ('#include <stdio.h>\n#if __has_include("b")\n#define S "b"\n#else\n#define S "-"\n#endif\n'
            "int main(void) { puts(S); }\n")
    names = ["a", "a b", "a=b", "a\\n", "-o", "@a", "main.c.gch", "ä", "a/b"]
    for n, name in enumerate(names):
        r = server.run("c", main, files=[{"name": name, "content": "b"}])
        assert (r["verdict"], r["stdout"], cached(r)) == ("ok", "-\n", False), name
        again = server.run("c", main, files=[{"name": name, "content": "b"}])
        assert (again["stdout"], cached(again)) == ("-\n", True), name
    r = server.run("c", main, files=[{"name": "b", "content": "a"}])
    assert (r["stdout"], cached(r)) == ("b\n", False)
    assert counts(server) == (len(names), 0, len(names) + 1)


def test_a_full_disk_or_a_directory_that_is_gone_costs_a_compile_and_no_answer(server):
    code = '#include <stdio.h>\nint main(void) { puts("%d"); }\n'
    server.run("c", code % 1)
    kept(server, 1)
    cache = server.settings.data_dir / "cache"
    cache.rename(cache.with_name("elsewhere"))
    harness.shutil.rmtree(cache.with_name("elsewhere"))
    for n in (1, 2):
        r = server.run("c", code % n)
        assert (r["verdict"], r["stdout"]) == ("ok", f"{n}\n")
