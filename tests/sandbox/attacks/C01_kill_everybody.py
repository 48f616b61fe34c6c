# SPDX-License-Identifier: MIT
# title: kill everybody
# tries: kill(-1, SIGKILL), which spares only init and itself
# result: child -9
# result: itself alive
# include "attack_py.py"
import time
if os.fork() == 0:
    time.sleep(60)
os.kill(-1, 9)
say("child", os.waitstatus_to_exitcode(os.wait()[1]))
say("itself", "alive")
