/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/inside.h"

void report_send(int sock, enum slot_report_type type, int error, const char *step)
{
	struct slot_report r = { .type = type, .error = error };

	snprintf(r.step, sizeof(r.step), "%s", step);
	(void)send(sock, &r, sizeof(r), MSG_NOSIGNAL);
}

void report_and_exit(int sock, enum slot_report_type type, int error, const char *step)
{
	report_send(sock, type, error, step);
	_exit(127);
}
