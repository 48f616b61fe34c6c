# SPDX-License-Identifier: MIT
# title: a result that is no program
# tries: confuse the run step with noise, an empty file or a script of a missing interpreter
# language: built
# verdict: runtime_error
printf '#!/no/such/interpreter\n' > main
chmod +x main
