# SPDX-License-Identifier: MIT
# title: preloaded libraries and odd interpreters
# tries: LD_PRELOAD and LD_AUDIT for set-uid programs, a chain of #! lines, a text without one, a directory as a program
# file: evil.so not a library
# env: LD_PRELOAD=/box/evil.so
# env: LD_AUDIT=/box/evil.so
# result: still-me yes
# result: chain ELOOP|failed
# result: no-interpreter runs|failed
# result: directory failed
me=$(id -u 2>/dev/null)
if [ "$me" = "$(stat -Lc %u /proc/self 2>/dev/null)" ]; then echo "RESULT still-me yes"; else echo "RESULT still-me no"; fi
unset LD_PRELOAD LD_AUDIT
printf '#!/box/a9\n' > a0
for i in 1 2 3 4 5 6 7 8 9; do printf "#!/box/a$((i - 1))\n" > a$i; done
chmod +x a*
if ./a9 2>/dev/null; then echo "RESULT chain runs"; else echo "RESULT chain failed"; fi
printf 'echo hello' > plain
chmod +x plain
if ./plain >/dev/null 2>&1; then echo "RESULT no-interpreter runs"; else echo "RESULT no-interpreter failed"; fi
mkdir d
if ./d 2>/dev/null; then echo "RESULT directory runs"; else echo "RESULT directory failed"; fi
