# SPDX-License-Identifier: MIT
# title: output that is hard to encode
# tries: make the server spend time and memory on quoting: control characters and broken UTF-8, up to the cap
# limits: outputBytes=1M
# verdict: output_limit
import os
block = (b"\x00\x01\x1b\"\\\xff\xfe\xed\xa0\x80\xf8" * 6000)[:65536]
while True:
    os.write(1, block)
