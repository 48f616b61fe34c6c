/* SPDX-License-Identifier: MIT
 * title: threads
 * tries: start threads until none can be started
 * limits: processes=30
 * flags: -pthread
 * result: pthread_create EAGAIN
 * result: bounded yes
 */
#include "attack_c.h"
#include <pthread.h>
static void *wait_for_ever(void *x)
{
	for (;;)
		pause();
	return x;
}
int main(void)
{
	pthread_t t;
	int n = 0, r;

	while ((r = pthread_create(&t, NULL, wait_for_ever, NULL)) == 0)
		n++;
	errno = r;
	report("pthread_create", -1);
	say("bounded", n >= 25 && n <= 30 ? "yes" : "no");
	_exit(0);
}
