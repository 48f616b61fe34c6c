# SPDX-License-Identifier: MIT
# title: planted by the build for the run
# tries: leave start-up files, libraries, modules and a daemon behind in the build step
# language: built
# result: left-files main
# result: processes 0
# result: sourced no
(setsid sleep 60 &)
echo 'echo RESULT sourced yes' > .bashrc
echo 'echo RESULT sourced yes' > .profile
echo 'print("RESULT sourced yes")' > sitecustomize.py
echo 'print("RESULT sourced yes")' > usercustomize.py
echo x > /tmp/left
echo x > /dev/shm/left
cat > main <<'EOF'
#!/bin/bash
echo "RESULT sourced no"
echo "RESULT left-files $(ls -A /box /tmp /dev/shm | grep -vE '^(/|$|build.sh)' | tr '\n' ' ' | sed 's/ $//')"
echo "RESULT processes $(ps -e 2>/dev/null | grep -c 'sleep')"
EOF
chmod +x main
