/* SPDX-License-Identifier: MIT
 * title: every signal to init
 * tries: end or confuse the process that reports, by kill, tgkill, sigqueue and pidfd
 * verdict: runtime_error
 * exit: 3
 * result: * EPERM
 */
#include "attack_c.h"
int main(void)
{
	long init = syscall(SYS_pidfd_open, 1, 0);
	char name[32];
	siginfo_t info = { .si_code = SI_QUEUE };

	for (int s = 0; s < 65; s++) {
		snprintf(name, sizeof(name), "kill-%d", s);
		CALL(name, SYS_kill, 1, s);
		snprintf(name, sizeof(name), "tgkill-%d", s);
		CALL(name, SYS_tgkill, 1, 1, s);
		snprintf(name, sizeof(name), "sigqueue-%d", s);
		info.si_signo = s;
		CALL(name, SYS_rt_sigqueueinfo, 1, s, &info);
		snprintf(name, sizeof(name), "pidfd-%d", s);
		CALL(name, SYS_pidfd_send_signal, init, s, 0, 0);
	}
	return 3;
}
