/* SPDX-License-Identifier: MIT
 * title: a robust list without end
 * tries: make the kernel walk a circular list of locks when the thread ends
 * result: ended yes
 */
#include "attack_c.h"
#include <linux/futex.h>
static struct robust_list a, b;
static struct robust_list_head head;
int main(void)
{
	if (fork() == 0) {
		a.next = &b;
		b.next = &a;
		head.list.next = &a;
		head.futex_offset = 16;
		syscall(SYS_set_robust_list, &head, sizeof(head));
		_exit(0);
	}
	wait(NULL);
	say("ended", "yes");
	return 0;
}
