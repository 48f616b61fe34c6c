/* SPDX-License-Identifier: MIT
 * title: its streams from the other end
 * tries: write to standard input, read standard output back, cut, punch, unseal and map them for writing
 * stdin: typed
 * result: write truncate pwrite EBADF|EINVAL|EPERM|EACCES
 * result: reopened-write reopened-truncate reopened-map EPERM|EACCES|EBADF
 * result: map-shared EACCES|EPERM
 * result: seal EPERM
 * result: punch EBADF|EPERM
 * result: read-stdout EACCES
 * result: read-stderr EACCES
 * result: stdin-still typed
 */
#include "attack_c.h"
int main(void)
{
	char text[16] = "";
	int fd;

	TRY("write", write(0, "x", 1));
	TRY("truncate", ftruncate(0, 0));
	TRY("pwrite", pwrite(0, "x", 1, 0));
	fd = open("/proc/self/fd/0", O_RDWR);
	TRY("reopened-write", write(fd, "x", 1));
	TRY("reopened-truncate", ftruncate(fd, 0));
	TRY("reopened-map", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	TRY("map-shared", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0));
	TRY("seal", fcntl(0, F_ADD_SEALS, F_SEAL_WRITE));
	TRY("punch", fallocate(0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
	TRY("read-stdout", open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK));
	TRY("read-stderr", open("/dev/stderr", O_RDWR | O_NONBLOCK));
	pread(0, text, 5, 0);
	say("stdin-still", text);
	return 0;
}
