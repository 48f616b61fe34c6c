# SPDX-License-Identifier: MIT
# title: output that is still in the pipe
# tries: lose 64 KiB on each stream by ending at once after the write
# job: again x5
# stdout-has: ^x{60000}$
# stderr-has: ^y{60000}$
import os
os.write(1, b"x" * 60000)
os.write(2, b"y" * 60000)
os._exit(0)
