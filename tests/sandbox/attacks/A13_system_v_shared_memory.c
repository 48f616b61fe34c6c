/* SPDX-License-Identifier: MIT
 * title: System V shared memory, left behind
 * tries: hold memory in segments that outlive their process
 * limits: memoryBytes=48M
 * verdict: memory_limit
 * result: shmget 0
 */
#include "attack_c.h"
#include <sys/shm.h>
int main(void)
{
	for (int i = 0; i < 20; i++) {
		int id = shmget(IPC_PRIVATE, 10 << 20, 0600);
		void *p = shmat(id, NULL, 0);

		if (i == 0)
			TRY("shmget", id);
		if (p != (void *)-1)
			memset(p, 1, 10 << 20);
	}
	return 0;
}
