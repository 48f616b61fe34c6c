// SPDX-License-Identifier: MIT
// title: workers that start workers
// tries: start threads from threads
// limits: wallMs=2500 cpuMs=2500 processes=60
// verdict: wall_time_limit | cpu_time_limit | memory_limit | runtime_error
// executors: native docker
const { Worker } = require("worker_threads");
const bomb = `const { Worker } = require("worker_threads");
function again(code) { const w = new Worker(code, { eval: true, workerData: code }); w.on("error", () => {}); }
const code = require("worker_threads").workerData; again(code); again(code); setInterval(() => {}, 1000);`;
const w = new Worker(bomb, { eval: true, workerData: bomb });
w.on("error", () => {});
setInterval(() => {}, 1000);
