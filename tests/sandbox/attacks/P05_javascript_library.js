// SPDX-License-Identifier: MIT
// title: the library of Node.js
// tries: worker threads with shared memory, child processes, streams, files, timers, crypto, servers on localhost, WebAssembly
// limits: cpuMs=20000 wallMs=30000 memoryBytes=512M
// stdout: "child\nx\n42\ntimer\n32\n200 body\nwasm 5\ncpus true\n"
const { Worker, isMainThread, workerData } = require("worker_threads");
const { execSync, fork } = require("child_process");
const fs = require("fs"), os = require("os"), http = require("http"), crypto = require("crypto");
(async () => {
    console.log(execSync("echo child").toString().trim());
    fs.writeFileSync("a", "x"); fs.copyFileSync("a", "b"); fs.cpSync("a", "c"); console.log(fs.readFileSync("b").toString());
    const shared = new SharedArrayBuffer(4);
    await new Promise((done) => new Worker("Atomics.store(new Int32Array(require('worker_threads').workerData), 0, 42)", { eval: true, workerData: shared }).on("exit", done));
    console.log(new Int32Array(shared)[0]);
    await new Promise((done) => setTimeout(done, 5)); console.log("timer");
    console.log(crypto.randomBytes(16).toString("hex").length);
    const s = http.createServer((q, a) => a.end("body")).listen(0);
    await new Promise((done) => http.get({ port: s.address().port, host: "localhost" }, (a) => { let t = ""; a.on("data", (d) => (t += d)); a.on("end", () => { console.log(a.statusCode, t); done(); }); }));
    s.close();
    const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
    console.log("wasm", (await WebAssembly.instantiate(wasm)).instance.exports.a(2, 3));
    console.log("cpus", os.cpus().length > 0 && os.totalmem() > 0);
})();
