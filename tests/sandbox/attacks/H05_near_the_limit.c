/* SPDX-License-Identifier: MIT
 * title: just below the limit
 * tries: be judged differently from one run to the next, with half of the time used
 * limits: cpuMs=400 wallMs=20000
 * job: again x6
 * verdict: ok
 */
#include <time.h>
int main(void)
{
	while (clock() < CLOCKS_PER_SEC / 5)
		;
	return 0;
}
