# SPDX-License-Identifier: MIT
# title: a directory for an artefact
# tries: have a directory, a socket and a deep tree collected
# language: built
# verdict: compile_error
mkdir -p main/main/main
python3 -c "
import os, socket
os.makedirs('out')
socket.socket(socket.AF_UNIX).bind('out/socket')
os.chdir('out')
for _ in range(200):
    os.mkdir('d'); os.chdir('d')
open('deep', 'w').write('x')"
