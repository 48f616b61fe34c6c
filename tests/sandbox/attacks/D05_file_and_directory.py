# SPDX-License-Identifier: MIT
# title: a name that is file and directory
# tries: have one file be the directory of the other
# file: a one
# file: a/b two
# refused: files[1].name
print("ran")
