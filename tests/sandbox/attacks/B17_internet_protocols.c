/* SPDX-License-Identifier: MIT
 * title: every internet protocol
 * tries: ask for protocols whose kernel modules are loaded by asking: SCTP, DCCP, L2TP, SMC, MPTCP
 * result: inet*-stream-0 inet*-stream-6 0
 * result: inet*-dgram-0 inet*-dgram-17 inet*-dgram-17-dirty inet*-stream-6-dirty inet*-stream-0-dirty
 *   inet*-dgram-0-dirty 0
 * result: inet*-dgram-1 inet*-dgram-58 inet*-dgram-1-dirty inet*-dgram-58-dirty EACCES|EPROTONOSUPPORT
 * result[docker]: inet*-dgram-1 inet*-dgram-58 inet*-dgram-1-dirty inet*-dgram-58-dirty
 *   0|EACCES|EPROTONOSUPPORT
 * result: inet*-raw-* EPERM|EPROTONOSUPPORT
 * result: inet*-seqpacket-* ESOCKTNOSUPPORT|EPROTONOSUPPORT
 * result: inet* EPROTONOSUPPORT
 */
#include "attack_c.h"
int main(void)
{
	static const struct {
		const char *name;
		int type;
	} types[] = { { "stream", SOCK_STREAM },
		      { "dgram", SOCK_DGRAM },
		      { "seqpacket", SOCK_SEQPACKET },
		      { "raw", SOCK_RAW } };
	static const unsigned long protocols[] = { 0,  1,   6,	 17,  33,  41,	47, 50,
						   58, 115, 132, 136, 255, 256, 262 };
	char name[64];

	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t t = 0; t < 4; t++) {
			for (size_t p = 0; p < sizeof(protocols) / sizeof(*protocols); p++) {
				unsigned long family = v6 ? AF_INET6 : AF_INET;

				snprintf(name, sizeof(name), "inet%s-%s-%lu", v6 ? "6" : "", types[t].name,
					 protocols[p]);
				CALL(name, SYS_socket, family, types[t].type, protocols[p]);
				strcat(name, "-dirty");
				CALL(name, SYS_socket, family, types[t].type, 0x100000000ul | protocols[p]);
			}
		}
	}
	return 0;
}
