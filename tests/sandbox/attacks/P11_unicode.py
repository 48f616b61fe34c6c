# SPDX-License-Identifier: MIT
# title: every language's letters
# tries: read and write UTF-8 through arguments, environment, input and file names
# args: ["näıve", "日本"]
# env: WORT=Grüße
# stdin: "Ελλάδα 🙂"
# stdout: "näıve 日本 Grüße Ελλάδα 🙂 ['ключ', 'main.py']\n"
import os, sys
open("ключ", "w").close()
print(*sys.argv[1:], os.environ["WORT"], sys.stdin.read(), sorted(os.listdir("."), reverse=True))
