# SPDX-License-Identifier: MIT
# title: memory, one block
# tries: take four times the limit at once
# limits: memoryBytes=64M
# verdict: memory_limit
x = bytearray(256 << 20)
