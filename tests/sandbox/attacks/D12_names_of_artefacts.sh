# SPDX-License-Identifier: MIT
# title: artefacts with names
# tries: get a name with a line feed, one of 255 bytes, one that is no UTF-8 and one that is an option into the next container
# language: built
# verdict: ok | compile_error
# stdout-has: ^(ran\n)?$
printf '#!/bin/sh\necho ran\n' > main
chmod +x main
mkdir out
python3 -c "
import os
for name in (b'a\nb', b'-rf', b'x' * 255, b'\xff\xfe', b'\x1b[31m', b' '): open(b'out/' + name, 'w').close()"
