# SPDX-License-Identifier: MIT
# title: a build that replaces the submitted files
# tries: smuggle a link in the place of a submitted file into the run step, where root once wrote through it
# language: built
# file: notes mine
# verdict: ok
# stdout: "mine\n"
cat > main <<'EOF'
#!/bin/sh
cat notes; echo
EOF
chmod +x main
rm notes
ln -s /etc/passwd notes
