/* SPDX-License-Identifier: MIT
 * title: write into shared pages
 * tries: change a read-only file through the page cache: splice into a pipe as Dirty Pipe did, a
 *   writable shared mapping,
 *   /proc/self/mem over a private one as Dirty COW did
 * result: splice vmsplice tee ENOSYS
 * result: shared-write EACCES
 * result: mem-over-private changed-own-copy|EIO|EACCES|EPERM
 * result: file unchanged
 */
#include "attack_c.h"
int main(void)
{
	static char before[64], after[64];
	int fd = open("/bin/sh", O_RDONLY), mem = open("/proc/self/mem", O_RDWR), p[2];
	long offset = 0;
	char *map;

	pread(fd, before, sizeof(before), 0);
	pipe(p);
	CALL("splice", SYS_splice, fd, &offset, p[1], 0, 1, 0);
	CALL("tee", SYS_tee, p[0], p[1], 1, 0);
	CALL("vmsplice", SYS_vmsplice, p[1], 0, 0, 0);
	TRY("shared-write", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	for (int i = 0; i < 2000; i++) {
		madvise(map, 4096, MADV_DONTNEED);
		if (mem >= 0 && pwrite(mem, "XXXX", 4, (off_t)(uintptr_t)map) < 0)
			break;
	}
	say("mem-over-private", mem < 0			      ? strerrorname_np(errno)
				: memcmp(map, "XXXX", 4) == 0 ? "changed-own-copy"
							      : "EIO");
	pread(open("/bin/sh", O_RDONLY), after, sizeof(after), 0);
	say("file", memcmp(before, after, sizeof(before)) == 0 ? "unchanged" : "changed");
	return 0;
}
