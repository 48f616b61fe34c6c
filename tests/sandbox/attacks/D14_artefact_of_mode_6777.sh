# SPDX-License-Identifier: MIT
# title: a set-uid artefact
# tries: keep set-uid bits on the way to the run step
# language: built
# verdict: ok
# result: set-id-bits none
# result: uid own
cat > main <<'EOF'
#!/bin/bash
[ -u main ] || [ -g main ] && echo "RESULT set-id-bits some" || echo "RESULT set-id-bits none"
[ $EUID = $UID ] && echo "RESULT uid own" || echo "RESULT uid another"
EOF
chmod 6777 main
