/* SPDX-License-Identifier: MIT
 * title: stopped processes
 * tries: stop everything, so that no signal is acted on and no time is used
 * limits: wallMs=500
 * verdict: wall_time_limit
 */
#include <signal.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 3; i++)
		fork();
	kill(-1, SIGSTOP);
	kill(0, SIGSTOP);
	pause();
}
