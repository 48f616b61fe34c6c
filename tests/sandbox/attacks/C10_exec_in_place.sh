# SPDX-License-Identifier: MIT
# title: another program in its place
# tries: exec again and again, the last one's exit status counts
# verdict: runtime_error
# exit: 6
# stdout: "one\ntwo\n"
exec bash -c 'echo one; exec python3 -c "import os; os.write(1, b\"two\\n\"); os.execvp(\"bash\", [\"bash\", \"-c\", \"exit 6\"])"'
