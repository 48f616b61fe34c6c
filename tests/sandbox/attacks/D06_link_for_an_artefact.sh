# SPDX-License-Identifier: MIT
# title: a symbolic link for an artefact
# tries: have the server copy a file that only it can read
# language: built
# verdict: compile_error
# compile: ok | compile_error | runtime_error
# never: root:
ln -s /etc/shadow main
