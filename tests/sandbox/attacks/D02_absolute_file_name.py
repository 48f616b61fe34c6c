# SPDX-License-Identifier: MIT
# title: an absolute file name
# tries: write to /etc/passwd by its name
# file: /etc/passwd root::0:0::/:/bin/sh
# refused: files[0].name
print("ran")
