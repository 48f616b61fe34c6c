/* SPDX-License-Identifier: MIT
 * title: busy threads and children
 * tries: divide the time among many, so that no one of them reaches the limit
 * limits: cpuMs=500
 * flags: -pthread
 * verdict: cpu_time_limit
 * bound: cpuMs >= 500
 */
#include <pthread.h>
#include <unistd.h>
static void *spin(void *x)
{
	for (;;)
		__asm__ volatile("");
	return x;
}
int main(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		fork();
	for (int i = 0; i < 3; i++)
		pthread_create(&t, 0, spin, 0);
	pause();
}
