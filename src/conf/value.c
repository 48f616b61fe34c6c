/* SPDX-License-Identifier: MIT */
/* One setting's text into its value, and its values into words. */
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "conf/table.h"

static void *member(struct conf *c, const struct setting *s)
{
	return (char *)c + s->offset;
}

int64_t setting_number(const struct conf *c, const struct setting *s)
{
	assert(s->kind == SETTING_INT || s->kind == SETTING_SIZE || s->kind == SETTING_MILLIS);
	return *(const int64_t *)(const void *)((const char *)c + s->offset);
}

static bool add_size(struct buf *out, int64_t bytes)
{
	static const char suffixes[] = "TGMK";
	int64_t unit = (int64_t)1 << 40;

	for (const char *suffix = suffixes; *suffix; suffix++, unit /= 1024) {
		if (bytes > 0 && bytes % unit == 0)
			return buf_printf(out, "%" PRId64 "%c", bytes / unit, *suffix);
	}
	return buf_printf(out, "%" PRId64, bytes);
}

static bool add_choices(struct buf *out, const struct setting_choice *choices)
{
	for (const struct setting_choice *c = choices; c->name; c++) {
		const char *joint = c == choices ? "" : c[1].name ? ", " : " or ";

		if (!buf_printf(out, "%s%s", joint, c->name))
			return false;
	}
	return true;
}

bool setting_add_range(struct buf *out, const struct setting *s)
{
	switch (s->kind) {
	case SETTING_INT:
		return buf_printf(out, "%" PRId64 " to %" PRId64, s->min, s->max);
	case SETTING_SIZE:
		return add_size(out, s->min) && buf_add_str(out, " to ") && add_size(out, s->max);
	case SETTING_MILLIS:
		return buf_printf(out, "0, or 0.01 to %" PRId64, s->max / 1000);
	case SETTING_CHOICE:
		return add_choices(out, s->choices);
	case SETTING_PATH:
		return buf_add_str(out, "a path");
	case SETTING_HOST:
		return buf_add_str(out, "an address");
	case SETTING_REDIS:
	case SETTING_MONGO:
		return buf_add_str(out, "a URL");
	case SETTING_TEXT:
	case SETTING_NAME:
		break;
	}
	return buf_add_str(out, "text");
}

static int bad_value(const struct setting *s, const char *called, const char *text, struct err *e)
{
	AUTO(buf_done) struct buf range;

	buf_init(&range, 200);
	(void)setting_add_range(&range, s);
	return err_field(e, ERR_INVALID, s->name, "%s must be %s%s, not \"%.60s\"", called, buf_text(&range),
			 s->kind == SETTING_SIZE ? " (bytes, or with K, M, G)" : "", text);
}

/* Digits only: strtoll alone would take a sign, blanks and "10 apples". */
static bool parse_digits(const char *text, int base, int64_t *ret, const char **ret_end)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoll(text, &end, base);
	*ret_end = end;
	return errno == 0 && end > text;
}

static bool parse_int(const char *text, int64_t *ret)
{
	bool negative = text[0] == '-';
	const char *digits = text + negative;
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	const char *end;

	if (!parse_digits(digits, hex ? 16 : 10, ret, &end) || *end != '\0')
		return false;
	if (negative)
		*ret = -*ret;
	return true;
}

static bool parse_size(const char *text, int64_t *ret)
{
	static const char letters[] = "kmgt";
	const char *end, *letter;
	int shift;

	if (!parse_digits(text, 10, ret, &end))
		return false;
	if (*end == '\0')
		return true;
	letter = strchr(letters, tolower((unsigned char)*end));
	if (!letter || !*letter || (end[1] != '\0' && strcmp(end + 1, "iB") != 0))
		return false;
	shift = 10 * (int)(letter - letters + 1);
	if (*ret > INT64_MAX >> shift)
		return false;
	*ret <<= shift;
	return true;
}

/* "2", "2.0", "0.125": at most three decimals. */
static bool parse_millis(const char *text, int64_t *ret)
{
	int64_t whole, part = 0, unit = 100;
	const char *end;

	if (!parse_digits(text, 10, &whole, &end) || whole > INT32_MAX)
		return false;
	if (*end == '.') {
		for (end++; isdigit((unsigned char)*end); end++, unit /= 10) {
			if (unit == 0)
				return false;
			part += unit * (*end - '0');
		}
	}
	*ret = whole * 1000 + part;
	/* Less than 1 % of a CPU is under what the kernel's bandwidth control can give. */
	return *end == '\0' && (*ret == 0 || *ret >= 10);
}

static int set_number(struct conf *c, const struct setting *s, const char *called, const char *text,
		      bool (*parse)(const char *text, int64_t *ret), struct err *e)
{
	int64_t value;

	if (!parse(text, &value) || value < s->min || value > s->max)
		return bad_value(s, called, text, e);
	*(int64_t *)member(c, s) = value;
	return 0;
}

static int set_choice(struct conf *c, const struct setting *s, const char *called, const char *text,
		      struct err *e)
{
	const struct setting_choice *choice = s->choices;

	while (choice->name && strcmp(choice->name, text) != 0)
		choice++;
	if (!choice->name)
		return bad_value(s, called, text, e);
	if (s->size == sizeof(int64_t))
		*(int64_t *)member(c, s) = choice->value;
	else if (s->size == sizeof(int))
		*(int *)member(c, s) = choice->value;
	else
		*(bool *)member(c, s) = choice->value != 0;
	return 0;
}

static int set_copy(struct conf *c, const struct setting *s, const char *called, const char *text,
		    struct err *e)
{
	char **place = member(c, s);
	char *copy;

	if (strlen(text) > (size_t)s->max)
		return err_field(e, ERR_INVALID, s->name, "%s is longer than %" PRId64 " bytes", called,
				 s->max);
	copy = strdup(text);
	if (!copy)
		return err_set(e, ERR_IO, ENOMEM, "read settings");
	free(*place);
	*place = copy;
	return 0;
}

/* Processes of the server work in other directories, so a relative path would change its meaning. */
static int set_path(struct conf *c, const struct setting *s, const char *called, const char *text,
		    struct err *e)
{
	AUTO_FREE char *here = NULL, *path = NULL;
	bool word = strcmp(s->name, "ROOTFS") == 0 && strcmp(text, "host") == 0;

	if (text[0] == '/' || text[0] == '\0' || word)
		return set_copy(c, s, called, text, e);
	here = getcwd(NULL, 0);
	if (!here)
		return err_set(e, ERR_IO, errno, "%s is a relative path and the working directory is gone",
			       called);
	if (asprintf(&path, "%s/%s", strcmp(here, "/") == 0 ? "" : here, text) < 0)
		return err_set(e, ERR_IO, ENOMEM, "read settings");
	return set_copy(c, s, called, path, e);
}

static int set_host(struct conf *c, const struct setting *s, const char *called, const char *text,
		    struct err *e)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (strcmp(text, "localhost") != 0 && inet_pton(AF_INET, text, address) != 1 &&
	    inet_pton(AF_INET6, text, address) != 1)
		return err_field(
			e, ERR_INVALID, s->name,
			"%s must be an IP address or localhost, not \"%.60s\" (0.0.0.0 is every address)",
			called, text);
	return set_copy(c, s, called, text, e);
}

/* URLs hold passwords: no sentence repeats one. */
static int set_url(struct conf *c, const struct setting *s, const char *called, const char *text,
		   const char *scheme, const char *other, struct err *e)
{
	bool known = strncmp(text, scheme, strlen(scheme)) == 0 ||
		     (other && strncmp(text, other, strlen(other)) == 0);

	if (*text && strncmp(text, "rediss://", 9) == 0)
		return err_field(
			e, ERR_INVALID, s->name,
			"%s asks for TLS (rediss://), which this build cannot do; use redis:// to a tunnel",
			called);
	if (*text && !known)
		return err_field(e, ERR_INVALID, s->name, "%s must begin with %s", called, scheme);
	return set_copy(c, s, called, text, e);
}

static int set_name(struct conf *c, const struct setting *s, const char *called, const char *text,
		    struct err *e)
{
	bool plain = isalnum((unsigned char)text[0]) || text[0] == '_';

	for (const char *at = text; *at; at++)
		plain = plain && (isalnum((unsigned char)*at) || strchr("._-", *at));
	if (!plain)
		return err_field(e, ERR_INVALID, s->name,
				 "%s must be letters, digits, '.', '_' and '-', not \"%.60s\"", called, text);
	return set_copy(c, s, called, text, e);
}

int setting_set(struct conf *c, const struct setting *s, const char *called, const char *text, struct err *e)
{
	if (!*text && *s->value)
		return err_field(e, ERR_INVALID, s->name, "%s must not be empty", called);
	switch (s->kind) {
	case SETTING_INT:
		return set_number(c, s, called, text, parse_int, e);
	case SETTING_SIZE:
		return set_number(c, s, called, text, parse_size, e);
	case SETTING_MILLIS:
		return set_number(c, s, called, text, parse_millis, e);
	case SETTING_CHOICE:
		return set_choice(c, s, called, text, e);
	case SETTING_PATH:
		return set_path(c, s, called, text, e);
	case SETTING_HOST:
		return set_host(c, s, called, text, e);
	case SETTING_REDIS:
		return set_url(c, s, called, text, "redis://", NULL, e);
	case SETTING_MONGO:
		return set_url(c, s, called, text, "mongodb://", "mongodb+srv://", e);
	case SETTING_NAME:
		return set_name(c, s, called, text, e);
	case SETTING_TEXT:
		break;
	}
	return set_copy(c, s, called, text, e);
}
