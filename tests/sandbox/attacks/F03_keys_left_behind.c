/* SPDX-License-Identifier: MIT
 * title: keys left behind
 * tries: leave a secret in the keyring of the user id, which the next job in the slot has too
 * job: plant
 * result: add keyctl request ENOSYS
 * job: look x2
 * result: add keyctl request ENOSYS
 */
#include "attack_c.h"
int main(void)
{
	CALL("add", SYS_add_key, "user", "left", "secret", 6, -4);
	CALL("keyctl", SYS_keyctl, 11, -4, 0, 0);
	CALL("request", SYS_request_key, "user", "left", 0, -4);
	return 0;
}
