# SPDX-License-Identifier: MIT
# title: a sparse artefact
# tries: have a file collected whose size is 200 MB and whose content is nothing
# language: built
# verdict: compile_error | ok | runtime_error
truncate -s 200M main
chmod +x main
