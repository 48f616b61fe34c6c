# SPDX-License-Identifier: MIT
"""Ruby, PHP and Lua programs cannot tell a started interpreter from a fresh one."""
import pytest

PROC = "/proc/self/cmdline", "/proc/self/environ", "/proc/self/limits", "/proc/self/oom_score_adj"

SAME = {
    "ruby": {
        "names": "p __FILE__, $0, $PROGRAM_NAME, __dir__, __method__, ARGV, Dir.pwd, Dir.children('.'), $LOADED_FEATURES.size\n"
        "p __FILE__ == $0, self.inspect, __LINE__, __ENCODING__, RUBY_VERSION, $LOAD_PATH, Process.pid, Process.ppid\n",
        "environment": f"p ENV.to_h\n{list(PROC)}.each {{ |f| p File.binread(f) }}\n",
        "processes": "p Dir.children('/proc').grep(/^\\d+$/), Dir.children('/proc/self/task').size, `echo $$; umask`\n"
        "p fork { exit! 3 }, Process.wait2[1].exitstatus\n",
        "descriptors": "Dir.children('/proc/self/fd').map(&:to_i).sort.first(3).each { |f| p f, File.readlink(\"/proc/self/fd/#{f}\").gsub(/\\d+/, 'N') }\n",
        "main file": "s = File.stat(__FILE__)\np s.mode, s.size, s.nlink, s.uid == Process.uid, s.file?, File.read(__FILE__)\n"
        "p SCRIPT_LINES__ rescue p $!.class\n",
        "requires itself": "$n = ($n || 0) + 1\np $n\nrequire_relative 'main' if $n == 1\nload __FILE__ if $n == 2\np $LOADED_FEATURES.last\n",
        "changes its file": "File.write(__FILE__, 'p 2')\np File.read(__FILE__)\nload __FILE__\nFile.unlink(__FILE__)\np Dir.children('.')\n1/0\n",
        "backtrace": "def f(n) = n > 0 ? f(n - 1) : raise('ü')\nbegin\n  f(2)\nrescue => e\n  p e.backtrace, caller_locations(0).map(&:to_s)\n  raise KeyError, 'k'\nend\n",
        "syntax error": "puts 'never'\ndef (\n",
        "BEGIN and END": "puts 2\nBEGIN { puts 1, File.read(__FILE__).size }\nEND { puts 4 }\nat_exit { puts 3 }\n",
        "magic comments": "# frozen_string_literal: true\n# warn_indent: true\ns = 'a'\nbegin; s << 'b'; rescue => e; p e.class; end\n",
        "hashbang": "#!/usr/bin/env ruby -w\nx = 1\np $VERBOSE\n",
        "byte order mark": "\ufeffputs 'ä', __ENCODING__\n",
        "empty": "",
        "no newline": "p 1",
        "DATA without an end": "p defined?(DATA)\n",
        "exit": "at_exit { puts 'bye' }\nexit 7\n",
        "exit!": "puts 'lost?'\n$stdout.flush\nexit!(5)\n",
        "abort": "abort 'over'\n",
        "SIGTERM": "Process.kill(:TERM, $$)\nsleep 5\n",
        "SIGKILL": "Process.kill(:KILL, $$)\nsleep 5\n",
        "threads": "3.times { |i| Thread.new { puts i }.join }\n",
        "standard input": "p $stdin.gets, $stdin.stat.size, $stdin.pos, $stdin.seek(0), $stdin.read, $stdin.eof?, $stdin.tty?\n",
        "ARGF": "p gets, ARGF.filename, readlines\n",
    },
    "php": {
        "names": "<?php\nvar_dump(__FILE__, __DIR__, __LINE__, $argv, $argc, getcwd(), scandir('.'), get_included_files(), PHP_SAPI,"
        " $_SERVER['SCRIPT_NAME'], $_SERVER['PHP_SELF'], $_SERVER['SCRIPT_FILENAME'], $_SERVER['PATH_TRANSLATED'], getmypid(), getmyuid() === fileowner(__FILE__),"
        " getmyinode() === fileinode(__FILE__), get_defined_vars() === $GLOBALS, ini_get_all(null, false) == [], PHP_VERSION);\n",
        "environment": "<?php\n$e = getenv(); ksort($e); var_dump($e);\nforeach (" + repr(list(PROC)) + " as $f) var_dump(file_get_contents($f));\n",
        "processes": "<?php\nvar_dump(array_filter(scandir('/proc'), 'is_numeric'), shell_exec('echo $$; umask'), count(scandir('/proc/self/task')));\n",
        "descriptors": "<?php\nforeach ([0, 1, 2] as $f) echo preg_replace('/\\d+/', 'N', readlink(\"/proc/self/fd/$f\")), \"\\n\";\n",
        "main file": "<?php\n$s = stat(__FILE__);\nvar_dump($s['mode'], $s['size'], $s['nlink'], file_get_contents(__FILE__), show_source(__FILE__, true), php_strip_whitespace(__FILE__));\n",
        "includes itself": "<?php\n$GLOBALS['n'] = ($GLOBALS['n'] ?? 0) + 1;\necho $n, \"\\n\";\nif ($n == 1) { include __FILE__; var_dump(include_once __FILE__, require_once 'main.php'); }\n",
        "changes its file": "<?php\nfile_put_contents(__FILE__, '<?php echo 2;');\necho file_get_contents(__FILE__);\ninclude __FILE__;\nunlink(__FILE__);\nvar_dump(scandir('.'));\n",
        "uncaught": "<?php\nfunction f($n) { if ($n) return f($n - 1); throw new LogicException('ü'); }\nf(2);\n",
        "warning": "<?php\necho $nothing;\necho [1][5];\ntrigger_error('mine');\n",
        "syntax error": "<?php\necho 'never';\nfunction (\n",
        "halt": "<?php\n$f = fopen(__FILE__, 'r'); fseek($f, __COMPILER_HALT_OFFSET__);\nvar_dump(stream_get_contents($f));\n__halt_compiler();data\nmore\n",
        "no tag": "just text\n",
        "text around": "a\n<?php echo 1 ?>\nb <?= __LINE__ ?>\n",
        "hashbang": "#!/usr/bin/env php\n<?php\necho __LINE__, \"\\n\";\n",
        "byte order mark": "\ufeff<?php echo 'ä';\n",
        "declare": "<?php\ndeclare(strict_types=1);\ntry { strlen(1); } catch (TypeError $e) { echo $e->getMessage(), $e->getLine(); }\n",
        "empty": "",
        "no newline": "<?php echo 1",
        "exit": "<?php\nregister_shutdown_function(function () { echo 'bye'; });\nexit(7);\n",
        "exit with words": "<?php exit('words');\n",
        "standard input": "<?php\nvar_dump(fgets(STDIN), ftell(STDIN), fstat(STDIN)['size'], rewind(STDIN), stream_get_contents(STDIN), feof(STDIN), file_get_contents('php://stdin'));\n",
        "memory": "<?php\nini_set('memory_limit', '2M');\nstr_repeat('x', 100000000);\n",
        "random": "<?php\nmt_srand(3); var_dump(mt_rand(), PHP_INT_SIZE, gc_enabled());\n",
    },
    "lua": {
        "names": "print(arg[0], arg[-1], #arg, ..., debug.getinfo(1).source, debug.getinfo(1).short_src, _VERSION, package.path)\n"
        "local n = {}\nfor k in pairs(_G) do n[#n + 1] = k end\ntable.sort(n)\nprint(table.concat(n, ' '))\n",
        "environment": "for _, f in ipairs{'" + "', '".join(PROC) + "'} do print(io.open(f):read('a')) end\nprint(os.getenv('HOME'), os.getenv('PATH'))\n",
        "processes": "for l in io.popen('echo $$; umask; all=$(ls /proc); echo \"$all\" | grep ^[0-9]'):lines() do print(l) end\nprint(os.execute('exit 3'))\n",
        "main file": "print(io.open(arg[0]):read('a'), io.popen('stat -c \"%a %s %h %F\" main.lua'):read('a'))\n",
        "loads itself": "n = (n or 0) + 1\nprint(n, ...)\nif n == 1 then dofile('main.lua') require('main') print(package.searchpath('main', package.path)) end\n",
        "changes its file": "local f = io.open(arg[0], 'w')\nf:write('print(2)')\nf:close()\ndofile(arg[0])\nos.remove(arg[0])\nprint(io.open(arg[0]))\nerror('x')\n",
        "traceback": "local function f(n) if n > 0 then return 1 + f(n - 1) end error('ü') end\nprint(pcall(f, 2))\nprint(debug.traceback())\nf(2)\n",
        "syntax error": "print('never')\nfunction (\n",
        "hashbang": "#!/usr/bin/env lua\nprint(debug.getinfo(1).currentline)\n",
        "byte order mark": "\ufeffprint('ä')\n",
        "empty": "",
        "no newline": "print(1)",
        "exit": "print(1)\nos.exit(7)\n",
        "exit and close": "setmetatable({}, {__gc = function() print('gc') end})\nos.exit(5, true)\n",
        "signal": "os.execute('kill -TERM $PPID')\nwhile true do end\n",
        "standard input": "print(io.read('l'), io.stdin:seek('cur'), io.stdin:seek('set', 1), io.read('a'), io.read('l'))\n",
    },
}
ROWS = [(language, name) for language, rows in SAME.items() for name in rows]


@pytest.mark.parametrize("language, name", ROWS)
def test_the_same_bytes(pair, language, name):
    pair.same(language, SAME[language][name], stdin="one\ntwo\n")


@pytest.mark.parametrize("language, code", [
    ("ruby", "puts DATA.read, DATA.pos\nDATA.rewind\nputs DATA.read\n__END__\nbehind\n"),
    ("lua", "--[[\n__END__\n]] print(1)\n"),
])
def test_sources_that_start_cold(pair, language, code):
    pair.same(language, code, warm=False)


LONG = {
    "ruby": ("x = 'somewhat longer than nothing'\n", "p File.size(__FILE__)\nraise x\n"),
    "php": ("echo '';//somewhat longer than nothing\n", "echo filesize(__FILE__); throw new Exception('x');\n"),
    "lua": ("x = 'somewhat longer than nothing'\n", "print(io.open(arg[0]):seek('end'))\nerror(x)\n"),
}


@pytest.mark.parametrize("language", LONG)
@pytest.mark.parametrize("size", [65_536, 200_000])
def test_a_long_source(pair, language, size):
    line, end = LONG[language]
    pair.same(language, ("<?php\n" if language == "php" else "") + line * (size // len(line)) + end)


ADDRESSES = {
    "ruby": "p rand, 'a'.hash, *%w[heap stack vdso].map { |n| File.read('/proc/self/maps')[/^(\\S+) .*#{n}/, 1] }\n",
    "php": "<?php echo mt_rand(), ' ', bin2hex(random_bytes(8));\n"
    "foreach (['heap', 'stack', 'vdso'] as $n) { preg_match(\"/^(\\\\S+) .*$n/m\", file_get_contents('/proc/self/maps'), $m); echo ' ', $m[1]; }\n",
    "lua": "io.write(math.random(), ' ', tostring({}))\n"
    "for _, n in ipairs{'heap', 'stack', 'vdso'} do io.write(' ', ('\\n' .. io.open('/proc/self/maps'):read('a')):match('\\n(%S+) [^\\n]*' .. n)) end\n",
}


@pytest.mark.parametrize("language", ADDRESSES)
def test_no_two_runs_share_seed_or_addresses(pair, language):
    seen = [pair.run_warm(language, ADDRESSES[language])["stdout"].replace("table: ", "").split() for _ in range(4)]
    for column in zip(*seen):
        assert len(set(column)) == len(seen), seen


@pytest.mark.parametrize("language, code", [
    ("ruby", "loop {}\n"), ("php", "<?php while (true);\n"), ("lua", "while true do end\n"),
])
def test_limits(pair, language, code):
    assert pair.same(language, code, limits={"cpuMs": 300})["verdict"] == "cpu_time_limit"
