# SPDX-License-Identifier: MIT
"""A JavaScript program cannot tell a started interpreter from a fresh one."""
import pytest

# What Node.js itself leaves to chance has no place here: of a timer and an immediate, only inside a callback of input
# or output is it fixed which comes first.
SAME = {
    "names": "console.log(__filename, __dirname, process.argv, process.argv0, process.execArgv, require.main === module,"
    " module.id, module.filename, module.paths, require.resolve('./main.js'), process.cwd(), process.title);\n"
    "console.log(require('fs').readdirSync('.'), Object.keys(require.cache), process.mainModule === module);\n",
    "environment": "console.log(process.env, require('fs').readFileSync('/proc/self/cmdline', 'utf8'));\n",
    "process": "const fs = require('fs');\nconsole.log(process.pid, process.ppid, fs.readdirSync('/proc')"
    ".filter(p => /^\\d+$/.test(p)));\n"
    "console.log(require('child_process').execSync('echo $$').toString());\n"
    "console.log(fs.readFileSync('/proc/self/limits', 'utf8'), fs.readdirSync('/proc/self/task'));\n",
    "descriptors": "const fs = require('fs');\nfor (const f of fs.readdirSync('/proc/self/fd').sort()) {\n"
    "  try { console.log(f, fs.readlinkSync('/proc/self/fd/' + f).replace(/\\d+/g, 'N')); }\n"
    "  catch (e) { console.log(f, e.code); }\n}\n",
    "main file": "const fs = require('fs');\nconst s = fs.statSync(__filename);\n"
    "console.log(s.mode, s.size, s.nlink, s.uid === process.getuid(), fs.readFileSync(__filename, 'utf8'));\n",
    "requires itself": "console.log(require('./main.js') === module.exports, require.main.children.length);\n",
    "changes its file": "const fs = require('fs');\nfs.writeFileSync(__filename, 'x');\n"
    "console.log(fs.readFileSync(__filename, 'utf8'));\nfs.unlinkSync(__filename);\nconsole.log(fs.readdirSync('.'));\n",
    "stack": "function f(n) {\n  if (n) return f(n - 1);\n  throw new Error('ü');\n}\nf(2);\n",
    "rejection": "Promise.reject(new Error('no'));\n",
    "syntax error": "console.log('never');\nfunction (\n",
    "import statement": "import fs from 'fs';\nconsole.log(fs.existsSync('main.js'));\n",
    "export": "export const x = 1;\nconsole.log(x);\n",
    "dynamic import": "import('fs').then(fs => console.log(fs.existsSync('main.js')));\n"
    "import('./main.js').then(m => console.log(Object.keys(m)));\n",
    "top-level await": "console.log(await 1);\n",
    "module written and imported": "require('fs').writeFileSync('m.mjs', 'export default import.meta.url;');\n"
    "import('./m.mjs').then(m => console.log(m.default));\n",
    "worker": "const w = require('worker_threads');\nif (w.isMainThread) new w.Worker(__filename).on('message', console.log);\n"
    "else w.parentPort.postMessage('from a worker');\n",
    "fork": "const c = require('child_process');\nif (process.send) process.send('from a child');\n"
    "else c.fork(__filename).on('message', m => { console.log(m); }).on('exit', x => console.log(x));\n",
    "empty": "",
    "no newline": "console.log(1)",
    "byte order mark": "\ufeffconsole.log('ä');\n",
    "hashbang": "#!/usr/bin/env node\nconsole.log(1);\n",
    "exit": "process.on('exit', c => console.log('exit', c));\nprocess.exit(7);\n",
    "exit code": "process.exitCode = 5;\n",
    "SIGTERM": "process.kill(process.pid, 'SIGTERM');\nsetTimeout(() => {}, 5000);\n",
    "SIGKILL": "process.kill(process.pid, 'SIGKILL');\nsetTimeout(() => {}, 5000);\n",
    "abort": "process.abort();\n",
    "order": "for (let i = 0; i < 50; i++) { console.log(i); console.error(i); }\n",
    "timers": "require('fs').stat('.', () => {\n"
    "  setTimeout(() => console.log('later'), 0);\n  setImmediate(() => console.log('now'));\n});\n"
    "process.nextTick(() => console.log('tick'));\nPromise.resolve().then(() => console.log('then'));\n",
    "standard streams": "console.log(process.stdin.constructor.name, process.stdout.constructor.name, "
    "process.stdin.isTTY, process.stdout.isTTY);\n",
    "features": "console.log(process.versions, process.features, process.config.variables.napi_build_version, "
    "process.execPath, Object.keys(globalThis), process.getuid() === process.geteuid());\n",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_bytes(pair, name):
    pair.same("javascript", SAME[name], stdin="abc\n")


STDIN = {
    "readFileSync": "console.log(require('fs').readFileSync(0, 'utf8'), require('fs').fstatSync(0).size);\n",
    "/dev/stdin": "console.log(require('fs').readFileSync('/dev/stdin', 'utf8'));\n",
    "stream": "process.stdin.on('data', d => console.log(d.toString())).on('end', () => console.log('end'));\n",
    "lines": "require('readline').createInterface({input: process.stdin}).on('line', l => console.log('>' + l));\n",
}


@pytest.mark.parametrize("name", STDIN)
@pytest.mark.parametrize("text", [None, "one\ntwo\n", "x" * 100_000])
def test_standard_input(pair, name, text):
    pair.same("javascript", STDIN[name], **({"stdin": text} if text else {}))


@pytest.mark.parametrize("size", [65_536, 200_000])
def test_a_long_source(pair, size):
    line = "var x = 'somewhat longer than nothing';\n"
    code = line * (size // len(line)) + "console.log(require('fs').readFileSync(__filename).length);\nx();\n"
    pair.same("javascript", code)


def test_sources_and_jobs_that_start_cold(pair):
    code = "console.log(process.argv, process.env.A, require('fs').readdirSync('.'));\n"
    pair.same("javascript", "console.log(1)\n//\0\n", warm=False)
    pair.same("javascript", code, warm=False, args=["a"])
    pair.same("javascript", code, warm=False, env={"A": "b"})
    pair.same("javascript", code, warm=False, files=[{"name": "package.json", "content": '{"type":"module"}'}])
    module = [{"name": "main.mjs", "content": "import fs from 'fs';\nconsole.log(import.meta.url, fs.existsSync('x'));\n"}]
    ours, plain = (
        s.result(s.post({"language": "javascript", "files": module}).json()["jobId"]) for s in (pair.warm, pair.cold)
    )
    assert ours["stdout"] == plain["stdout"] == "file:///box/main.mjs false\n"


def test_limits(pair):
    r = pair.same("javascript", "for (;;);\n", limits={"cpuMs": 300})
    assert r["verdict"] == "cpu_time_limit"
    r = pair.same("javascript", "const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1));\n",
                  limits={"memoryBytes": 96 << 20})
    assert r["verdict"] == "memory_limit"
    r = pair.same("javascript", "const s = 'x'.repeat(1000); for (;;) require('fs').writeSync(1, s);\n",
                  limits={"outputBytes": 5000})
    assert r["verdict"] == "output_limit"


def test_no_two_runs_share_seed_or_addresses(pair):
    code = (
        "console.log(Math.random(), require('crypto').randomBytes(8).toString('hex'), "
        "require('fs').readFileSync('/proc/self/maps', 'utf8').split(' ')[0].length > 3 && "
        "require('fs').readFileSync('/proc/self/maps', 'utf8').match(/(\\S+) [^\\n]*\\[stack\\]/)[1]);\n"
    )
    seen = [pair.run_warm("javascript", code)["stdout"].split() for _ in range(4)]
    for column in zip(*seen):
        assert len(set(column)) == len(seen)
