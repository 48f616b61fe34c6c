# SPDX-License-Identifier: MIT
# title: names of submitted files
# tries: write outside of the work directory: this one by "..", the next three by other ways
# file: ../../x owned
# refused: files[0].name
print("ran")
