/* SPDX-License-Identifier: MIT
 * title: the neighbour's user id
 * tries: share a user id with a job that runs beside it, whose quotas and keyrings would then be its
 *   own too
 * together: yes
 * differ: uid
 * job: one
 * result: is-root no
 * result: same-uid-and-gid yes
 * result: groups own
 * result: uid *
 * job: two
 * result: is-root no
 * result: same-uid-and-gid yes
 * result: groups own
 * result: uid *
 */
#include "attack_c.h"
#include <grp.h>
int main(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg, list[64];
	int n = getgroups(64, list), foreign = 0;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	for (int i = 0; i < n; i++)
		foreign += list[i] != rg;
	say("is-root", r && e && s && rg && eg && sg ? "no" : "yes");
	say("same-uid-and-gid", r == e && e == s && rg == eg && eg == sg && r == rg ? "yes" : "no");
	say("groups", foreign ? "somebody's" : "own");
	count("uid", (long)r);
	usleep(300000);
	return 0;
}
