/* SPDX-License-Identifier: MIT
 * title: dies of a signal that looks like a limit
 * tries: be told to have reached a limit, or to have made a forbidden call
 * job: XCPU
 * verdict: runtime_error
 * signal: SIGXCPU
 * job: XFSZ
 * verdict: runtime_error
 * signal: SIGXFSZ
 * job: KILL
 * verdict: runtime_error
 * signal: SIGKILL
 * job: SYS
 * verdict: runtime_error
 * signal: SIGSYS
 * job: PIPE
 * verdict: runtime_error
 * signal: SIGPIPE
 * job: RT
 * verdict: runtime_error
 * signal: SIG40
 */
#include "attack_c.h"
int main(int n, char **v)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ }, { "KILL", SIGKILL },
			{ "SYS", SIGSYS },   { "PIPE", SIGPIPE }, { "RT", 40 } };

	for (size_t i = 0; i < 6 && n > 1; i++) {
		if (strcmp(v[1], signals[i].name) == 0) {
			signal(signals[i].number, SIG_DFL);
			raise(signals[i].number);
		}
	}
	return 9;
}
