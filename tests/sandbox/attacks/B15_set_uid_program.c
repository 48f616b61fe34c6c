/* SPDX-License-Identifier: MIT
 * title: a set-uid copy of itself
 * tries: change its file to mode 6755 and run it again
 * result: chmod 0
 * result: effective own
 */
#include "attack_c.h"
int main(int n, char **v)
{
	if (n > 1) {
		say("effective", geteuid() == getuid() && getegid() == getgid() ? "own" : "another");
		return 0;
	}
	TRY("chmod", chmod("/proc/self/exe", 06755));
	execl("/proc/self/exe", v[0], "again", (char *)0);
	return 1;
}
