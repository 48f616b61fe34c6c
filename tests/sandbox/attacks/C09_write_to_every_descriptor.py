# SPDX-License-Identifier: MIT
# title: a report of its own
# tries: write what a status report could look like to every descriptor there may be
# verdict: runtime_error
# exit: 3
import os
for fd in range(3, 4096):
    try:
        os.write(fd, b"\x04" * 128)
    except OSError:
        pass
os._exit(3)
