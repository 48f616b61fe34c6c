/* SPDX-License-Identifier: MIT
 * title: exact bytes
 * tries: lose a line without its end, written in pieces, right before a sudden end
 * stdout: "a\n\nb  c"
 * stderr: "no newline"
 * verdict: runtime_error
 * signal: SIGKILL
 */
#include "attack_c.h"
int main(void)
{
	write(1, "a\n", 2);
	write(2, "no new", 6);
	write(1, "\nb ", 3);
	write(2, "line", 4);
	write(1, " c", 2);
	raise(SIGKILL);
	return 0;
}
