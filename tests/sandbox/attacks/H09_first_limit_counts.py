# SPDX-License-Identifier: MIT
# title: two limits at once
# tries: reach the output limit and then take more memory than allowed, to be judged by the second
# limits: outputBytes=1000 memoryBytes=64M
# verdict: output_limit
import os, time
os.write(1, b"x" * 5000)
time.sleep(3)
x = bytearray(500 << 20)
