/* SPDX-License-Identifier: MIT
 * title: machine code of its own
 * tries: make memory executable in every way and call the kernel from there; what the kernel refuses
 *   it refuses there too
 * machine: x86_64
 * result: mount EPERM
 * result: io_uring_setup ENOSYS
 */
#include "attack_c.h"
static long from_generated_code(long nr)
{
	static const unsigned char code[] = { 0x48, 0x89, 0xf8, 0x31, 0xff, 0x31, 0xf6, 0x31, 0xd2,
					      0x45, 0x31, 0xd2, 0x45, 0x31, 0xc0, 0x0f, 0x05, 0xc3 };
	int fd = memfd_create("code", 0);
	void *p;

	write(fd, code, sizeof(code));
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return ((long (*)(long))p)(nr);
}
int main(void)
{
	long r = from_generated_code(SYS_mount);

	errno = (int)-r;
	report("mount", r < 0 ? -1 : 0);
	r = from_generated_code(SYS_io_uring_setup);
	errno = (int)-r;
	report("io_uring_setup", r < 0 ? -1 : 0);
	return 0;
}
