/* SPDX-License-Identifier: MIT
 * title: exit statuses that mean something elsewhere
 * tries: be taken for a limit or for the server's own failure by 124, 125, 126, 127, 137 and 255
 * job: 124
 * verdict: runtime_error
 * exit: 124
 * job: 125
 * verdict: runtime_error
 * exit: 125
 * job: 126
 * verdict: runtime_error
 * exit: 126
 * job: 127
 * verdict: runtime_error
 * exit: 127
 * job: 137
 * verdict: runtime_error
 * exit: 137
 * job: 255
 * verdict: runtime_error
 * exit: 255
 */
#include <stdlib.h>
int main(int n, char **v)
{
	return n > 1 ? atoi(v[1]) : 0;
}
