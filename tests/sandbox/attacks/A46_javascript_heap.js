// SPDX-License-Identifier: MIT
// title: buffers outside of the heap
// tries: take memory that the interpreter's own limit does not count
// limits: memoryBytes=160M
// verdict: memory_limit
const kept = [];
for (;;) kept.push(Buffer.alloc(8 << 20, 1));
