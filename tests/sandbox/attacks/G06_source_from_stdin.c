/* SPDX-License-Identifier: MIT
 * title: a source from standard input
 * tries: have the compiler wait for what is typed, and see the program's input at compile time
 * stdin: #error "seen"
 * verdict: ok
 * never: seen
 */
#include "/dev/stdin"
int main(void)
{
	return 0;
}
