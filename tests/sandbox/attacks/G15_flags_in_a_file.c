/* SPDX-License-Identifier: MIT
 * title: flags in a file
 * tries: @file, from which compilers read more flags; and a source whose name is a flag
 * file: @evil.c -fplugin=./evil.so
 * file: -fplugin=evil.c int x;
 * verdict: ok | compile_error
 * never: plugin.*(load|cannot)
 */
int main(void)
{
	return 0;
}
