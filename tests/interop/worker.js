// SPDX-License-Identifier: MIT
// A BullMQ worker. Argument: its options as JSON. What it does with a job is in the program's text: "string", "object",
// "number", "throw", or "hang" for ever.
const { Worker } = require('bullmq');

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const worker = new Worker(
	process.env.QUEUE,
	async (job) => {
		switch (job.data.code) {
			case 'object':
				return { verdict: 'runtime_error', stdout: 'out', stderr: 'err', exitCode: 3, wallMs: 1.5 };
			case 'number':
				return { answer: 42 };
			case 'throw':
				throw new Error('no such luck');
			case 'hang':
				return new Promise(() => {});
			default:
				return `node ran ${job.data.language}`;
		}
	},
	{ connection, ...JSON.parse(process.argv[2] || '{}') },
);
worker.on('error', () => {});
worker.waitUntilReady().then(() => {
	// Such a one only looks for stalled jobs.
	if (worker.opts.autorun === false) worker.startStalledCheckTimer();
	console.log('ready');
});
