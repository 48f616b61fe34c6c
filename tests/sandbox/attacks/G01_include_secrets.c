/* SPDX-License-Identifier: MIT
 * title: include what is secret
 * tries: have the compiler print the host's files in its diagnostics
 * verdict: compile_error
 * compile: compile_error
 * never: root:[^ ]*:\d+:
 * never: CODECRUSHER|REDIS_URL|MONGO_URL
 */
#include "/etc/shadow"
#include "/proc/1/environ"
#include "/proc/self/environ"
#include "/root/.ssh/id_rsa"
#include "/var/lib/codecrusher/codecrusher.db"
int main(void)
{
	return 0;
}
