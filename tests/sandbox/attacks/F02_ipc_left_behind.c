/* SPDX-License-Identifier: MIT
 * title: IPC objects left behind
 * tries: leave shared memory, semaphores and queues for the next job
 * job: plant x2
 * result: shm sem msg mq 0
 * job: look x4
 * result: shm sem msg mq ENOENT
 */
#include "attack_c.h"
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
int main(int n, char **v)
{
	int flags = n > 1 && strcmp(v[1], "plant") == 0 ? IPC_CREAT | 0666 : 0666;

	TRY("shm", shmget(0x4711, 4096, flags));
	TRY("sem", semget(0x4711, 1, flags));
	TRY("msg", msgget(0x4711, flags));
	TRY("mq", mq_open("/left", (flags & IPC_CREAT ? O_CREAT : 0) | O_RDWR, 0666, NULL));
	return 0;
}
