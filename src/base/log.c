/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	enum log_level least;
	bool json;
	const char *process;
} config = { LOG_INFO, false, "codecrusher" };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level least, bool json, const char *process)
{
	config.least = least;
	config.json = json;
	config.process = process;
}

/* Makes the message safe inside a JSON string and on a terminal: a peer's text may end up in it. */
static void escape(char *out, size_t size, const char *in, bool json)
{
	size_t n = 0;

	for (; *in && n + 7 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, size - n, json ? "\\u%04x" : "\\x%02x", c);
		else if (json && (c == '"' || c == '\\'))
			n += (size_t)snprintf(out + n, size - n, "\\%c", c);
		else
			out[n++] = *in;
	}
	out[n] = '\0';
}

void log_write(enum log_level level, const char *job, const char *fmt, ...)
{
	char when[CLOCK_RFC3339_SIZE];
	char message[1024], safe[2048], line[2400];
	va_list ap;
	int len;

	if (level < config.least)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	escape(safe, sizeof(safe), message, config.json);
	clock_format_rfc3339(clock_wall_ms(), when);
	if (config.json)
		len = snprintf(
			line, sizeof(line),
			"{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\",%s%s%s\"message\":\"%s\"}\n",
			when, level_names[level], config.process, job ? "\"job\":\"" : "", job ? job : "",
			job ? "\"," : "", safe);
	else
		len = snprintf(line, sizeof(line), "%s %-5s %s: %s%s%s\n", when, level_names[level],
			       config.process, job ? job : "", job ? " " : "", safe);
	if (len > 0 && (size_t)len < sizeof(line))
		(void)!write(STDERR_FILENO, line,
			     (size_t)len); /* a log that cannot be written has nowhere to say so */
}
