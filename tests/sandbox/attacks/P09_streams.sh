# SPDX-License-Identifier: MIT
# title: streams of the shell
# tries: /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd, here-documents, process substitution, pipelines, redirections
# stdin: "typed\n"
# stdout: "typed\none\nthree\n6\nsub\nhere\ntee\n"
# stderr: "two\n"
cat /dev/stdin
echo one > /dev/stdout
echo two > /dev/stderr
echo three >> /proc/self/fd/1
seq 3 | awk '{ n += $1 } END { print n }'
cat <(echo sub)
cat <<< here
echo tee | tee /dev/null
