# SPDX-License-Identifier: MIT
# title: kill process groups
# tries: kill its own group and guessed others, the server's among them
# verdict: runtime_error
# signal: SIGKILL
for group in $(seq 2 300); do
	if [ $group != $$ ] && kill -9 -$group 2>/dev/null; then echo "RESULT group-$group killed"; fi
done
kill -9 0
