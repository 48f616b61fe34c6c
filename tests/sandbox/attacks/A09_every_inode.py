# SPDX-License-Identifier: MIT
# title: inodes
# tries: make files until none can be made, and give each a second name
# limits: diskBytes=1M
# result: files ENOSPC
# result: links 0|ENOSPC
# include "attack_py.py"
def files():
    for n in range(1000000):
        open(f"f{n}", "x").close()
def links():
    for n in range(20000):
        os.link("f0", f"l{n}")
attempt("files", files)
attempt("links", links)
