/* SPDX-License-Identifier: MIT */
/* Any datagram with any number of descriptors: accepted or refused, and no field of an accepted one can lead
 * a reader astray. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_message m;
	struct err e;
	size_t n_fds, len;

	if (size < 1)
		return 0;
	n_fds = data[0] % (WIRE_MAX_FDS + 1);
	len = size - 1 < sizeof(m.bytes) ? size - 1 : sizeof(m.bytes);
	memset(&m, 0xff, sizeof(m));
	memcpy(m.bytes, data + 1, len);
	if (wire_check(&m, len, n_fds, &e) < 0) {
		must(e.kind == ERR_CORRUPT && e.msg[0] != '\0');
		return 0;
	}
	must(m.head.size == len);
	if (m.head.type == WIRE_RUN)
		must(m.head.run != 0 && n_fds >= 1 && n_fds <= 3);
	if (m.head.type == WIRE_DONE)
		must(strlen(m.done.problem) < sizeof(m.done.problem) && m.done.stop <= WIRE_STOP_WALL);
	if (m.head.type == WIRE_REFUSED)
		must(strlen(m.refused.reason) < sizeof(m.refused.reason));
	return 0;
}
