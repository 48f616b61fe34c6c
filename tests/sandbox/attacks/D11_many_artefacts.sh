# SPDX-License-Identifier: MIT
# title: a hundred thousand artefacts
# tries: make the collection take for ever
# language: built
# compile-limits: cpuMs=20000
# verdict: compile_error | ok | runtime_error
printf '#!/bin/sh\necho ran\n' > main
chmod +x main
mkdir out
python3 -c "
import os
try:
    for n in range(100000): os.link('main', f'out/f{n}') if n % 2 else open(f'out/f{n}', 'w').close()
except OSError: pass"
