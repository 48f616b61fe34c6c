# SPDX-License-Identifier: MIT
# title: fill the disk
# tries: fill /box, /tmp and /dev/shm one after the other
# limits: diskBytes=8M fileBytes=64M memoryBytes=64M
# result: /box /tmp /dev/shm ENOSPC
# include "attack_py.py"
for place in ("/box", "/tmp", "/dev/shm"):
    with open(place + "/x", "wb", buffering=0) as f:
        attempt(place, lambda: [f.write(bytes(65536)) for _ in range(1000)])
