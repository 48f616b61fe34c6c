/* SPDX-License-Identifier: MIT
 * title: closes its output and goes on
 * tries: look finished to whoever waits for the end of the output
 * limits: wallMs=500
 * verdict: wall_time_limit
 * stdout: "before\n"
 */
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	puts("before");
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		close(i);
	sleep(60);
}
