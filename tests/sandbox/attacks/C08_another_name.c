/* SPDX-License-Identifier: MIT
 * title: another name
 * tries: call itself as the server's processes are called, in a new session, with no parent death signal
 * verdict: runtime_error
 * exit: 3
 */
#include "attack_c.h"
int main(void)
{
	prctl(PR_SET_NAME, "codecrusher-ini", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			prctl(PR_SET_NAME, "codecrusher-spa", 0, 0, 0);
			pause();
		}
		_exit(0);
	}
	return 3;
}
