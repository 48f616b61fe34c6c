# SPDX-License-Identifier: MIT
# title: a flood that does not mind a closed pipe
# tries: go on writing after the cap, whatever the write says
# limits: outputBytes=50000 wallMs=4000
# verdict: output_limit
import os, signal
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
while True:
    try:
        os.write(1, b"A" * 4096)
    except OSError:
        pass
