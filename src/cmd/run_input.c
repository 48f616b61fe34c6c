/* SPDX-License-Identifier: MIT */
#include "cmd/run_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/limits_from.h"
#include "job/submission.h"
#include "sandbox/spec.h"

#define COPY_SIZE (1 << 20)

const struct lang *run_choose_language(const struct lang_table *langs, const struct run_args *args,
				       struct err *e)
{
	const struct lang *l;

	if (args->language) {
		l = lang_find(langs, args->language);
		if (!l)
			err_set(e, ERR_INVALID, 0,
				"there is no language \"%s\" (codecrusher languages lists them)",
				args->language);
		return l;
	}
	l = lang_find_by_file(langs, args->file);
	if (!l)
		err_set(e, ERR_INVALID, 0, "%s: no language has this extension; name one with --lang",
			args->file);
	return l;
}

/* A compiler's messages should name the file as its author does, if the language can do with that name. */
static const char *name_in_container(const char *path, const struct lang *lang)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	struct err ignored;

	if (base[0] != '-' && lang_is_source(lang, base) &&
	    submission_check_file_name(base, strlen(base), &ignored) == 0)
		return base;
	return lang->source;
}

/* At most `max` bytes. */
static int read_all(const char *path, size_t max, struct bytes *ret, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = malloc(max + 1);
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || !text)
		return err_set(e, ERR_INVALID, errno, "%s", path);
	while (len <= max && (n = read(fd, text + len, max + 1 - len)) != 0) {
		if (n < 0)
			return err_set(e, ERR_INVALID, errno, "%s", path);
		len += (size_t)n;
	}
	if (len > max)
		return err_set(e, ERR_LIMIT, 0,
			       "%s is larger than a program may be: %zu bytes (CODECRUSHER_SOURCE_MAX)", path,
			       max);
	return bytes_set(ret, text, len) ? 0 : err_set(e, ERR_IO, ENOMEM, "reading %s", path);
}

static int add_main_file(struct submission *s, const struct run_args *args, const struct lang *lang,
			 const struct conf *conf, struct err *e)
{
	s->files = calloc(1, sizeof(*s->files));
	if (!s->files)
		return err_set(e, ERR_IO, ENOMEM, "reading %s", args->file);
	s->n_files = 1;
	s->files[0].name = strdup(name_in_container(args->file, lang));
	if (!s->files[0].name)
		return err_set(e, ERR_IO, ENOMEM, "reading %s", args->file);
	return read_all(args->file, (size_t)conf->source_max, &s->files[0].content, e);
}

static int add_words(struct submission *s, const struct run_args *args, const struct lang *lang,
		     struct err *e)
{
	for (size_t i = 0; i < args->n_flags; i++) {
		if (!lang_flag_allowed(lang, args->flags[i]))
			return err_set(e, ERR_INVALID, 0,
				       "--flag %s is not on the list of flags that %s allows", args->flags[i],
				       lang->name);
		if (!strings_add(&s->compiler_flags, args->flags[i]))
			return err_set(e, ERR_IO, ENOMEM, "reading the command line");
	}
	for (size_t i = 0; i < args->n_args; i++) {
		if (!strings_add(&s->args, args->args[i]))
			return err_set(e, ERR_IO, ENOMEM, "reading the command line");
	}
	return 0;
}

/* Given on the command line, else the language's, else the settings'. */
static int resolve_limits(struct submission *s, const struct run_args *args, const struct lang *lang,
			  const struct conf *conf, struct err *e)
{
	struct limits maxima = limits_from_conf(&conf->maxima);
	struct limits own = limits_from_lang(&lang->limits);
	struct limits rest = limits_from_conf(&conf->defaults);

	s->limits = args->limits;
	if (!s->limits.output_bytes)
		s->limits.output_bytes = maxima.output_bytes;
	limits_resolve(&s->limits, &own);
	limits_resolve(&s->limits, &rest);
	s->compile_limits = limits_from_lang(&lang->compile_limits);
	rest = limits_from_conf(&conf->compile_defaults);
	limits_resolve(&s->compile_limits, &rest);
	for (size_t i = 0; i < n_limit_fields; i++) {
		const struct limit_field *f = &limit_fields[i];

		if (limit_value(&args->limits, f) > limit_value(&maxima, f))
			return err_set(e, ERR_INVALID, 0,
				       "--limit %s: the settings allow %" PRId64 " at most", f->name,
				       limit_value(&maxima, f));
	}
	return 0;
}

struct submission *run_read_submission(const struct run_args *args, const struct lang *lang,
				       const struct conf *conf, struct err *e)
{
	AUTO(submission_unref_p) struct submission *s = submission_new();

	if (s)
		s->language = strdup(lang->name);
	if (!s || !s->language) {
		err_set(e, ERR_IO, ENOMEM, "reading %s", args->file);
		return NULL;
	}
	s->created_ms = clock_wall_ms();
	id_new(s->created_ms, s->id);
	if (add_main_file(s, args, lang, conf, e) < 0 || add_words(s, args, lang, e) < 0 ||
	    resolve_limits(s, args, lang, conf, e) < 0)
		return NULL;
	return TAKE(s);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The number of bytes, or -1 with errno. */
static int64_t copy(int from, int to)
{
	AUTO_FREE char *chunk = malloc(COPY_SIZE);
	int64_t total = 0;
	ssize_t n;

	if (!chunk)
		return -1;
	while ((n = read(from, chunk, COPY_SIZE)) > 0) {
		if (write_all(to, chunk, (size_t)n) < 0)
			return -1;
		total += n;
	}
	return n < 0 ? -1 : total;
}

int run_read_stdin(const struct run_args *args, bool *ret_empty, struct err *e)
{
	const char *name = args->stdin_path ? args->stdin_path : "standard input";
	AUTO_CLOSE int from = -1, to = -1;
	int64_t n;

	*ret_empty = false;
	if (!args->stdin_path && isatty(STDIN_FILENO)) {
		*ret_empty = true;
		return -1;
	}
	from = args->stdin_path ? open(args->stdin_path, O_RDONLY | O_CLOEXEC)
				: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	/* A shell's <&- closes it: as good as empty. */
	if (from < 0 && !args->stdin_path && errno == EBADF) {
		*ret_empty = true;
		return -1;
	}
	if (from < 0)
		return err_set(e, ERR_INVALID, errno, "%s", name);
	to = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0)
		return err_set(e, ERR_INVALID, errno, "memfd_create for %s", name);
	n = copy(from, to);
	if (n < 0 || spec_seal(to) < 0)
		return err_set(e, ERR_INVALID, errno, "%s", name);
	*ret_empty = n == 0;
	return n == 0 ? -1 : TAKE_FD(to);
}
