# SPDX-License-Identifier: MIT
# title: directories 5000 deep
# tries: make the end of the container walk a long way
# stdout: "deep\n"
import os
for _ in range(5000):
    os.mkdir("d")
    os.chdir("d")
print("deep")
