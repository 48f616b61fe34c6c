# SPDX-License-Identifier: MIT
# title: a FIFO for an artefact
# tries: make the collector wait for a writer who never comes
# language: built
# verdict: compile_error
mkfifo main
