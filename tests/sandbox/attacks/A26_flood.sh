# SPDX-License-Identifier: MIT
# title: a flood of output
# tries: write for ever to both streams from many processes
# limits: outputBytes=100000
# verdict: output_limit
for i in 1 2 3 4 5 6; do yes & yes >&2 & done
wait
