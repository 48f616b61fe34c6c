/* SPDX-License-Identifier: MIT
 * title: threads and locks
 * tries: threads, mutexes, condition variables, robust and shared mutexes, barriers, thread-local storage
 * flags: -pthread
 * stdout: "4000 robust barrier\n"
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static __thread int mine;
static int total;
static void *add(void *x)
{
	for (int i = 0; i < 1000; i++) {
		mine++;
		pthread_mutex_lock(&lock);
		total++;
		pthread_mutex_unlock(&lock);
	}
	pthread_barrier_wait(&barrier);
	return x;
}
static pthread_mutex_t robust;
static void *die_with_it(void *x)
{
	pthread_mutex_lock(&robust);
	return x;
}
int main(void)
{
	pthread_t t[4], dead;
	pthread_mutexattr_t a;

	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&robust, &a);
	pthread_create(&dead, NULL, die_with_it, NULL);
	pthread_join(dead, NULL);
	printf("%d %s barrier\n", total, pthread_mutex_lock(&robust) == EOWNERDEAD ? "robust" : "lost");
	return 0;
}
