/* SPDX-License-Identifier: MIT
 * title: the compiler's environment
 * tries: have variables of the submission change how it is compiled
 * env: GCC_EXEC_PREFIX=/box/
 * env: COMPILER_PATH=/box
 * env: CPATH=/nowhere
 * env: LD_PRELOAD=/box/evil.so
 * env: TMPDIR=/nowhere
 * file: cc1 x
 * stdout: "compiled\n"
 * verdict: ok
 */
#include <stdio.h>
int main(void)
{
	puts("compiled");
	return 0;
}
