/* SPDX-License-Identifier: MIT
 * title: forged reasons
 * tries: send itself signals that look as if the kernel had sent them for a limit, and survive
 * result: kernel-like EPERM|0
 * verdict: runtime_error
 * exit: 5
 */
#include "attack_c.h"
int main(void)
{
	siginfo_t info = { .si_signo = SIGXCPU, .si_code = SI_KERNEL };

	signal(SIGXCPU, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	CALL("kernel-like", SYS_rt_sigqueueinfo, getpid(), SIGXCPU, &info);
	raise(SIGXCPU);
	raise(SIGXFSZ);
	return 5;
}
