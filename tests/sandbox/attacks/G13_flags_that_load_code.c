/* SPDX-License-Identifier: MIT
 * title: flags that load code
 * tries: have the compiler load a plugin of the submission's
 * flags: -fplugin=./evil.so
 * file: evil.so x
 * refused: compilerFlags
 */
int main(void)
{
	return 0;
}
