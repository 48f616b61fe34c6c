# SPDX-License-Identifier: MIT
# title: files as they were submitted
# tries: modules beside the program, directories, empty files
# file: helper.py WORD = "helped"
# file: data/deep/er/x.txt "line\n"
# file: empty ""
# stdout: "helped line 0\n"
import helper, os
print(helper.WORD, open("data/deep/er/x.txt").read().strip(), os.path.getsize("empty"))
