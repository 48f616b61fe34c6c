/* SPDX-License-Identifier: MIT
 * title: output in single bytes
 * tries: cost the server a wakeup for each byte
 * limits: cpuMs=600 outputBytes=10M
 * verdict: cpu_time_limit | output_limit
 */
#include <unistd.h>
int main(void)
{
	for (;;)
		write(1, "x", 1);
}
