# SPDX-License-Identifier: MIT
# title: a file name with a line feed
# tries: break logs and lists of files in two
# file: "a\nb" owned
# refused: files[0].name
print("ran")
