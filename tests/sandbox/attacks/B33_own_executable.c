/* SPDX-License-Identifier: MIT
 * title: overwrite what runs
 * tries: write to its own executable and to the interpreter while they run
 * result: exe-write ETXTBSY|EACCES|EPERM
 * result: exe-truncate ETXTBSY|EACCES|EPERM
 * result: loader EROFS|EACCES
 * result: replaced 0
 */
#include "attack_c.h"
int main(void)
{
	TRY("exe-write", open("/proc/self/exe", O_RDWR));
	TRY("exe-truncate", truncate("/proc/self/exe", 0));
	TRY("loader", open("/lib64/ld-linux-x86-64.so.2", O_RDWR) < 0 && errno == ENOENT
			      ? open("/lib/ld-linux-aarch64.so.1", O_RDWR)
			      : open("/lib64/ld-linux-x86-64.so.2", O_RDWR));
	unlink("main");
	TRY("replaced", open("main", O_WRONLY | O_CREAT | O_EXCL, 0700));
	return 0;
}
