/* SPDX-License-Identifier: MIT
 * title: message queues and semaphores, left behind
 * tries: fill what System V and POSIX queues hold, and leave it
 * limits: memoryBytes=64M
 * verdict: ok | memory_limit
 * result: msgsnd EAGAIN
 * result: mq_open EMFILE|ENOENT|ENOSPC
 * result: semget 0|ENOSPC|ENOMEM
 */
#include "attack_c.h"
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>
int main(void)
{
	struct {
		long type;
		char text[8000];
	} message = { 1, { 0 } };
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	int q = msgget(1, IPC_CREAT | 0600), r = 0;
	char name[32];

	for (int i = 0; i < 10000 && r == 0; i++)
		r = msgsnd(q, &message, sizeof(message.text), IPC_NOWAIT);
	report("msgsnd", r);
	r = 0;
	for (int i = 0; i < 10000 && r >= 0; i++) {
		snprintf(name, sizeof(name), "/q%d", i);
		r = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	}
	report("mq_open", r < 0 ? -1 : 0);
	r = 0;
	for (int i = 0; i < 2000 && r >= 0; i++)
		r = semget(IPC_PRIVATE, 250, 0600);
	report("semget", r < 0 ? -1 : 0);
	return 0;
}
