# SPDX-License-Identifier: MIT
# title: set-uid programs of the system
# tries: run su, mount, passwd and whatever else the image has with a set-uid bit
# limits: wallMs=20000
# result: uid-after-* own
me=$(id -u)
found=0
for f in $(find /usr/bin /usr/sbin /usr/lib /bin /sbin -xdev -perm /6000 -type f 2>/dev/null | head -n 40); do
	found=1
	# Each is started, and what it may do is seen in /proc while it lives.
	"$f" </dev/null >/dev/null 2>&1 &
	uid=$(sed -n 's/^Uid:\t[0-9]*\t\([0-9]*\).*/\1/p' /proc/$!/status 2>/dev/null)
	kill -9 $! 2>/dev/null
	[ -z "$uid" ] || [ "$uid" = "$me" ] && state=own || state=$uid
	echo "RESULT uid-after-${f##*/} $state"
done
[ $found = 1 ] || echo "RESULT uid-after-none own"
wait
