/* SPDX-License-Identifier: MIT */
#include "queue/redis_rig.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/unit.h"

#define PATIENCE_MS 10000

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void start(struct redis_rig *r)
{
	char port[16];
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	snprintf(port, sizeof(port), "%d", r->port);
	r->pid = fork();
	if (r->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", r->dir,
		       "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--logfile",
		       "redis.log", NULL);
		_exit(127);
	}
	assert_true(r->pid > 0);
	for (;;) {
		redisReply *answer;

		r->c = redisConnect("127.0.0.1", r->port);
		answer = r->c->err ? NULL : redisCommand(r->c, "PING");
		if (answer && answer->type == REDIS_REPLY_STATUS) {
			freeReplyObject(answer);
			return;
		}
		freeReplyObject(answer);
		redisFree(r->c);
		if (clock_mono_ms() > until)
			fail_msg("redis-server does not answer (is it installed?)");
		usleep(5000);
	}
}

void redis_rig_start(struct redis_rig *r)
{
	snprintf(r->dir, sizeof(r->dir), "/tmp/redis-rig-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->port = free_port();
	snprintf(r->url, sizeof(r->url), "redis://127.0.0.1:%d", r->port);
	start(r);
}

void redis_rig_kill(struct redis_rig *r)
{
	redisFree(r->c);
	r->c = NULL;
	kill(r->pid, SIGCONT);
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	r->pid = 0;
}

void redis_rig_restart(struct redis_rig *r)
{
	start(r);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void redis_rig_done(struct redis_rig *r)
{
	if (r->pid)
		redis_rig_kill(r);
	assert_int_equal(nftw(r->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void add(struct buf *out, const redisReply *a)
{
	switch (a->type) {
	case REDIS_REPLY_INTEGER:
		(void)buf_printf(out, "%lld", a->integer);
		break;
	case REDIS_REPLY_ARRAY:
		for (size_t i = 0; i < a->elements; i++) {
			if (i > 0)
				(void)buf_add_char(out, ' ');
			add(out, a->element[i]);
		}
		break;
	case REDIS_REPLY_NIL:
		break;
	default:
		(void)buf_add(out, a->str, a->len);
	}
}

const char *redis_rig_ask(struct redis_rig *r, const char *fmt, ...)
{
	static struct buf text;
	redisReply *answer;
	va_list ap;

	va_start(ap, fmt);
	answer = redisvCommand(r->c, fmt, ap);
	va_end(ap);
	if (!answer || answer->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", fmt, answer ? answer->str : r->c->errstr);
	buf_done(&text);
	buf_init(&text, 64 << 20);
	add(&text, answer);
	freeReplyObject(answer);
	return buf_text(&text);
}
