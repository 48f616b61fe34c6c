/* SPDX-License-Identifier: MIT
 * title: a submitted file with the program's name
 * tries: have its own file run in place of the compiled program, or the compiler fail in an odd way
 * file: main "#!/bin/sh\necho not compiled\n"
 * verdict: ok | compile_error
 * never: not compiled
 */
#include <stdio.h>
int main(void)
{
	puts("compiled");
	return 0;
}
