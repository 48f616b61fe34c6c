/* SPDX-License-Identifier: MIT
 * title: random numbers and clocks
 * tries: getrandom, /dev/urandom, /dev/random, every clock, sleeping
 * result: * 0
 */
#include "attack_c.h"
#include <sys/random.h>
int main(void)
{
	char a[16], b[16];
	struct timespec ts, before;

	TRY("getrandom", getrandom(a, 16, 0));
	TRY("urandom", read(open("/dev/urandom", O_RDONLY), b, 16));
	TRY("random", read(open("/dev/random", O_RDONLY), b, 16));
	TRY("differ", memcmp(a, b, 16) ? 0 : -1);
	for (int c = 0; c < 8; c++)
		TRY("clock", clock_gettime(c, &ts));
	clock_gettime(CLOCK_MONOTONIC, &before);
	TRY("sleep", nanosleep(&(struct timespec){ 0, 2000000 }, NULL));
	clock_gettime(CLOCK_MONOTONIC, &ts);
	TRY("goes-on", ts.tv_sec > before.tv_sec || ts.tv_nsec > before.tv_nsec ? 0 : -1);
	return 0;
}
