/* SPDX-License-Identifier: MIT
 * title: vfork that never comes back
 * tries: leave the parent in an uninterruptible wait for a child that sleeps
 * limits: wallMs=500
 * verdict: wall_time_limit
 */
#include "attack_c.h"
int main(void)
{
	for (int i = 0; i < 5; i++) {
		if (vfork() != 0)
			break;
	}
	for (;;)
		pause();
}
