# SPDX-License-Identifier: MIT
# title: a build without a result
# tries: have an older or somebody else's program run
# language: built
# verdict: compile_error
# never: ran
true
