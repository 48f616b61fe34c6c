/* SPDX-License-Identifier: MIT
 * title: the main thread leaves
 * tries: end the first thread, so that the process looks dead while another thread goes on
 * flags: -pthread
 * stdout: "late\n"
 * verdict: runtime_error
 * exit: 8
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *late(void *x)
{
	usleep(200000);
	puts("late");
	exit(8);
	return x;
}
int main(void)
{
	pthread_t t;

	pthread_create(&t, 0, late, 0);
	pthread_exit(0);
}
