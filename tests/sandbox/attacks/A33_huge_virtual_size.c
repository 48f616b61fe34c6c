/* SPDX-License-Identifier: MIT
 * title: terabytes of addresses
 * tries: reserve all addresses there are, touch a page in each terabyte, and try huge pages
 * limits: memoryBytes=64M
 * verdict: ok | memory_limit
 * result: huge-pages ENOMEM|EINVAL
 * result: huge-memfd EINVAL|ENOMEM
 * result: shm-huge EPERM|ENOMEM|EINVAL
 * result: end ENOMEM
 */
#include "attack_c.h"
#include <sys/shm.h>
int main(void)
{
	int n = 0;

	TRY("huge-pages",
	    mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0));
	CALL("huge-memfd", SYS_memfd_create, "x", 4);
	TRY("shm-huge", shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 0600));
	for (; n < 4096; n++) {
		char *p = mmap(NULL, 1l << 40, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED) {
			report("end", -1);
			return 0;
		}
		*p = 1;
	}
	return 0;
}
