// SPDX-License-Identifier: MIT
// The API that CodeCrusher's submit is compared with: Express takes the program, BullMQ puts it on Redis, the answer
// is the job's id. Durability is Redis' own: bench/run starts one that syncs every write before it answers.
//   node server.js REDIS_PORT
// Prints the port it listens on.
'use strict';
const crypto = require('crypto');
const express = require('express');
const { Queue } = require('bullmq');

const queue = new Queue('code_submission', { connection: { host: '127.0.0.1', port: Number(process.argv[2]) } });
const languages = new Set(['python', 'javascript', 'c', 'cpp', 'bash']);
const app = express();

app.disable('x-powered-by');
app.disable('etag');
app.use(express.json({ limit: '40mb' }));
app.post('/api/v1/submit', async (request, answer) => {
  const { code, language } = request.body;
  if (typeof code !== 'string' || !languages.has(language)) {
    answer.status(400).json({ success: false, error: 'code and a known language are needed' });
    return;
  }
  const jobId = `j${crypto.randomBytes(16).toString('hex')}`;
  await queue.add('run', { code, language }, { jobId, attempts: 3 });
  answer.json({ success: true, jobId });
});
app.use((problem, request, answer, next) => {
  answer.status(problem.status || 500).json({ success: false, error: problem.message });
  next();
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
