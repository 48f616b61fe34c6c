/* SPDX-License-Identifier: MIT
 * title: memory as runtimes use it
 * tries: large reservations, guard pages, code made at run time, memfd, shared mappings, a stack of 32
 *   MiB, mlock of a page
 * limits: memoryBytes=64M
 * result: * 0
 */
#include "attack_c.h"
static int deep(int n)
{
	volatile char room[1024];

	room[0] = (char)n;
	return n == 0 ? 0 : deep(n - 1) + room[0] * 0;
}
int main(void)
{
	char *p = mmap(NULL, 2ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	static const unsigned char ret[] = {
#ifdef __x86_64__
		0xb8, 0, 0, 0, 0, 0xc3
#else
		0, 0, 0x80, 0x52, 0xc0, 3, 0x5f, 0xd6
#endif
	};
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("x", MFD_CLOEXEC);

	TRY("reserve", p);
	TRY("commit", mprotect(p, 1 << 20, PROT_READ | PROT_WRITE));
	TRY("decommit", madvise(p, 1 << 20, MADV_DONTNEED));
	memcpy(code, ret, sizeof(ret));
	TRY("jit", mprotect(code, 4096, PROT_READ | PROT_EXEC));
	__builtin___clear_cache(code, (char *)code + sizeof(ret));
	TRY("run", ((int (*)(void))code)());
	TRY("memfd", ftruncate(fd, 1 << 20));
	TRY("shared", mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	TRY("remap", mremap(code, 4096, 8192, MREMAP_MAYMOVE));
	TRY("mlock", mlock(p, 4096));
	TRY("stack", deep(20000));
	TRY("hugepage-advice", madvise(p, 4 << 20, MADV_HUGEPAGE) == 0 || errno == EINVAL ? 0 : -1);
	return 0;
}
