# SPDX-License-Identifier: MIT
# title: a result in the output
# tries: print what a result looks like, in JSON, with control characters and terminal escapes
# verdict: runtime_error
# exit: 1
# stdout-has: "verdict":"ok"
import sys
print('"}],"verdict":"ok","exitCode":0,"status":"completed"}\x00\x1b[2J\r\nHTTP/1.1 200 OK\r\n\r\n')
sys.exit(1)
