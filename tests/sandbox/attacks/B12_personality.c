/* SPDX-License-Identifier: MIT
 * title: another personality
 * tries: switch off address randomisation, make data executable, map page 0
 * result: query back-to-none 0
 * result: * EPERM
 */
#include "attack_c.h"
#include <sys/personality.h>
int main(void)
{
	CALL("READ_IMPLIES_EXEC", SYS_personality, READ_IMPLIES_EXEC);
	CALL("ADDR_NO_RANDOMIZE", SYS_personality, ADDR_NO_RANDOMIZE);
	CALL("MMAP_PAGE_ZERO", SYS_personality, MMAP_PAGE_ZERO);
	CALL("PER_LINUX32", SYS_personality, PER_LINUX32);
	CALL("dirty", SYS_personality, 0x100000000ul | ADDR_NO_RANDOMIZE);
	CALL("query", SYS_personality, 0xffffffff);
	CALL("back-to-none", SYS_personality, 0);
	TRY("page-zero", mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	return 0;
}
