# SPDX-License-Identifier: MIT
# title: memory that others had
# tries: find what an earlier job left in pages that the kernel hands out: private, shared, in files and in pipes
# job: plant x2
# result: planted yes
# job: look x2
# result: found 0
# include "attack_py.py"
import mmap
mark = b"left-" + b"in-memory-" * 6
if sys.argv[1] == "plant":
    blocks = [bytearray(mark * 20000) for _ in range(20)]
    open("/dev/shm/x", "wb").write(mark * 100000)
    say("planted", "yes")
else:
    found = 0
    for _ in range(20):
        m = mmap.mmap(-1, 4 << 20)
        found += m.find(b"in-memory-in-memory-") >= 0
    with open("/dev/shm/x", "wb+") as f:
        f.truncate(16 << 20)
        found += b"in-memory-in-memory-" in f.read()
    say("found", found)
