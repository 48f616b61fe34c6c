# SPDX-License-Identifier: MIT
# title: a link in the middle of a path
# tries: lead the collector elsewhere by a directory that is a link
# language: built
# verdict: ok
# stdout: "out is not there\n"
# never: root:
cat > main <<'EOF'
#!/bin/sh
[ -e out ] && cat out/* || echo "out is not there"
EOF
chmod +x main
ln -s /etc out
