/* SPDX-License-Identifier: MIT
 * title: a ruleset of its own
 * tries: pile up Landlock rulesets, and confuse whoever looks at its files afterwards
 * result: made 0|ENOSYS|EOPNOTSUPP
 * result: layers E2BIG|ENOSYS|EOPNOTSUPP|EBADF
 */
#include "attack_c.h"
int main(void)
{
	uint64_t handled[1] = { 0x1fff };
	long r, first = syscall(444, handled, 8, 0);

	report("made", first);
	for (int i = 0; i < 40; i++) {
		r = syscall(446, syscall(444, handled, 8, 0), 0);
		if (r < 0)
			break;
	}
	report("layers", r);
	return 0;
}
