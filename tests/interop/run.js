// SPDX-License-Identifier: MIT
// Runs the body of an async function, given as the first argument, with a queue of the real BullMQ at hand, and prints
// what it returns as JSON. `args` are the words behind it.
const bullmq = require('bullmq');

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const name = process.env.QUEUE;
const queue = new bullmq.Queue(name, { connection });
// From the beginning: "from now on" begins with the first read, which a job that fails at once would be faster than.
const events = new bullmq.QueueEvents(name, { connection, lastEventId: '0' });

async function main() {
	const body = new (Object.getPrototypeOf(async () => {}).constructor)('bullmq', 'connection', 'queue', 'events', 'args', process.argv[2]);
	await events.waitUntilReady();
	const value = await body(bullmq, connection, queue, events, process.argv.slice(3));
	process.stdout.write(JSON.stringify(value === undefined ? null : value), () => process.exit(0));
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});
