/* SPDX-License-Identifier: MIT
 * title: flags of the linker through a comma
 * tries: get past the list of allowed flags, which has -W*
 * flags: -Wl,-plugin,./evil.so
 * file: evil.so x
 * refused: compilerFlags
 */
int main(void)
{
	return 0;
}
