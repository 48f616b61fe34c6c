/* SPDX-License-Identifier: MIT
 * title: locks on shared files
 * tries: keep others from starting by locking the shell, the loader and the libraries, which all
 *   containers share
 * together: yes
 * job: hog
 * result: flock lockf 0|EBADF|EACCES
 * job: neighbour
 * result: started 0
 */
#include "attack_c.h"
#include <sys/file.h>
int main(int n, char **v)
{
	struct flock whole = { .l_type = F_RDLCK };
	int fd = open("/bin/sh", O_RDONLY);

	if (n > 1 && strcmp(v[1], "hog") == 0) {
		TRY("flock", flock(fd, LOCK_EX | LOCK_NB));
		TRY("lockf", fcntl(fd, F_SETLK, &whole));
		usleep(500000);
		return 0;
	}
	usleep(200000);
	TRY("started", system("/bin/sh -c true"));
	return 0;
}
