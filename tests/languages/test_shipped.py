# SPDX-License-Identifier: MIT
"""Each language that comes with CodeCrusher: a greeting, its input, its arguments, its errors, its version."""
import re

import pytest

HELLO = {
    "python": "print('hello')",
    "javascript": "console.log('hello')",
    "c": '#include <stdio.h>\nint main(void) { puts("hello"); }',
    "cpp": '#include <iostream>\nint main() { std::cout << "hello" << std::endl; }',
    "bash": "echo hello",
    "perl": 'print "hello\\n";',
    "ruby": "puts 'hello'",
    "php": '<?php echo "hello\\n";',
    "lua": "print('hello')",
}
ECHO = {
    "python": "import sys\nprint(sys.argv[1], sys.stdin.read(), end='')",
    "javascript": "process.stdout.write(process.argv[2] + ' ' + require('fs').readFileSync(0))",
    "c": "#include <stdio.h>\nint main(int n, char **v) { (void)n; printf(\"%s \", v[1]); for (int c; (c = getchar()) != EOF;) putchar(c); }",
    "cpp": "#include <iostream>\nint main(int, char **v) { std::cout << v[1] << ' ' << std::cin.rdbuf(); }",
    "bash": 'printf "%s " "$1"; cat',
    "perl": 'local $/; print "$ARGV[0] ", <STDIN>;',
    "ruby": "print ARGV[0], ' ', STDIN.read",
    "php": "<?php echo $argv[1], ' ', stream_get_contents(STDIN);",
    "lua": "io.write(arg[1], ' ', io.read('a'))",
}
WRONG = {
    "python": ("def", "runtime_error", "SyntaxError"),
    "javascript": ("let x = ;", "runtime_error", "SyntaxError"),
    "c": ("int main(void) { return x; }", "compile_error", "undeclared"),
    "cpp": ("int main() { return x; }", "compile_error", "not declared"),
    "bash": ("if", "runtime_error", "syntax error"),
    "perl": ("my = ;", "runtime_error", "syntax error"),
    "ruby": ("def", "runtime_error", "syntax error"),
    "php": ("<?php echo ;", "runtime_error", "syntax error"),
    "lua": ("x = = 1", "runtime_error", "unexpected symbol"),
}
RAISES = {
    "python": ("raise ValueError('oops')", "main.py", "oops"),
    "javascript": ("throw new Error('oops')", "main.js", "oops"),
    "cpp": ("#include <stdexcept>\nint main() { throw std::runtime_error(\"oops\"); }", "", "oops"),
    "bash": ("echo oops >&2; exit 1", "", "oops"),
    "c": ('#include <stdio.h>\nint main(void) { fputs("oops", stderr); return 1; }', "", "oops"),
    "perl": ("die 'oops'", "main.pl line 1", "oops"),
    "ruby": ("raise 'oops'", "main.rb:1", "oops"),
    "php": ("<?php fwrite(STDERR, __FILE__); throw new Exception('oops');", "main.php", "oops"),
    "lua": ("error('oops')", "main.lua:1", "oops"),
}


def test_the_tables_here_are_complete(server):
    names = {entry["name"] for entry in server.get("/api/v1/languages").json()["languages"]}
    assert names == set(HELLO)


@pytest.mark.parametrize("language", HELLO)
def test_hello(server, language):
    r = server.run(language, HELLO[language])
    assert (r["verdict"], r["stdout"], r["stderr"], r["exitCode"]) == ("ok", "hello\n", "", 0), r
    assert re.match(r"\d+", r["version"])


@pytest.mark.parametrize("language", HELLO)
def test_input_and_arguments(server, language):
    r = server.run(language, ECHO[language], stdin="typed \u00e9\n", args=["word"])
    assert r["stdout"] == "word typed \u00e9\n", r


@pytest.mark.parametrize("language", HELLO)
def test_a_syntax_error(server, language):
    code, verdict, word = WRONG[language]
    r = server.run(language, code)
    assert (r["status"], r["verdict"]) == ("failed", verdict)
    assert word in r["response"]


@pytest.mark.parametrize("language", HELLO)
def test_an_error_at_run_time(server, language):
    code, place, word = RAISES[language]
    r = server.run(language, code)
    assert r["verdict"] == "runtime_error"
    assert word in r["response"] and place in r["response"]


def test_standard_headers_of_cpp_compile_within_the_default_limits(server):
    assert server.run("cpp", "#include <bits/stdc++.h>\nint main() { std::vector<int> v{3}; return v[0] - 3; }")["verdict"] == "ok"


def test_several_source_files(server):
    files = [
        {"name": "main.c", "content": '#include "add.h"\nint main(void) { return add(2, 3); }'},
        {"name": "add.c", "content": '#include "add.h"\nint add(int a, int b) { return a + b; }'},
        {"name": "add.h", "content": "int add(int, int);"},
    ]
    r = server.post({"language": "c", "files": files}, "?wait=true").json()
    assert r["exitCode"] == 5, r


def test_empty_programs(server):
    for language in ("python", "javascript", "bash", "perl", "ruby", "php", "lua"):
        r = server.run(language, "")
        assert (r["verdict"], r["stdout"]) == ("ok", "")
    assert server.run("c", "")["verdict"] == "compile_error"
