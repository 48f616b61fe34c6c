# SPDX-License-Identifier: MIT
# title: tools of the shell
# tries: job control, traps, coprocesses, sort, xargs, tar, gzip, find, sed, dd, mktemp, time zones
# limits: cpuMs=10000 wallMs=20000
# stdout: "trap\n1 2 3\nx\nin the archive\nB\n5\n4096\nUTC\ncoproc\n0\n"
(trap 'echo trap' USR1; kill -USR1 $BASHPID)
printf '3\n1\n2\n' | sort | xargs echo
f=$(mktemp); echo x > "$f"; cat "$f"
echo in the archive > a; tar czf a.tgz a; rm a; tar xzf a.tgz; cat a
echo A | sed s/A/B/
find /box -name 'a*' | wc -l | sed 's/2/5/'
dd if=/dev/zero bs=4096 count=1 2>/dev/null | wc -c
TZ=UTC date +%Z
coproc cat; echo coproc >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
exec {COPROC[1]}>&-
wait; echo $?
