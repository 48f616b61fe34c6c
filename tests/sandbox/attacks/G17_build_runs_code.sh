# SPDX-License-Identifier: MIT
# title: code that runs at build time
# tries: what build scripts, annotation processors and macros can do: look around as a program would
# language: built
# compile: runtime_error | compile_error
# verdict: compile_error
# response-has: uid-is-ours no
# response-has: caps 0000000000000000
# response-has: filter 2
# response-has: network none
# never: root:[^ ]*:\d+:
[ "$(id -u)" = 0 ] && echo "uid-is-ours root" || echo "uid-is-ours no"
echo "caps $(sed -n 's/^CapEff:\t//p' /proc/self/status)"
echo "filter $(sed -n 's/^Seccomp:\t//p' /proc/self/status)"
(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo "network there" || echo "network none"
cat /etc/shadow
exit 1
