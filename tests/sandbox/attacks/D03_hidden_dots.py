# SPDX-License-Identifier: MIT
# title: ".." in the middle of a file name
# tries: a/../../b
# file: a/../../b owned
# refused: files[0].name
print("ran")
