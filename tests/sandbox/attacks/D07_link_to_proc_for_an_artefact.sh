# SPDX-License-Identifier: MIT
# title: a magic link for an artefact
# tries: lead the collector to another process's root or descriptors
# language: built
# verdict: compile_error
# never: root:
ln -s /proc/1/root/etc/passwd main
mkdir out
ln -s /proc/self/fd/0 out/a
ln -s /proc/1/exe out/b
