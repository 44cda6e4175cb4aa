/* rig: see rig.h. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/testing.h"
#include "privsep/spawn.h"
#include "serve.h"

enum { HEAR_SECONDS = 20 };

const char rig_bounds[] = "items=1000 bytes=67108864 per_source=600 reserve=0 "
			  "history=1000 last=none";

void rig_dir(struct rig *r)
{
	(void)str_printf(r->dir, sizeof(r->dir), "/tmp/bhstore-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->bounds = rig_bounds;
}

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

void rig_done(struct rig *r)
{
	if (r->pid)
		rig_kill(r);
	(void)nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void chan_limited(struct chan *c, int fd)
{
	const struct timeval limit = { .tv_sec = HEAR_SECONDS };

	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		0);
	assert_int_equal(chan_init(c, fd), 0);
}

static pid_t start_child(struct rig *r, const int m[2], const int b[2], int dir)
{
	struct spawn s = { .proc = PROC_STORE,
			   .libexec = r->libexec,
			   .fds = { m[1], b[1], dir } };
	struct err err = { 0 };
	static struct serve serve;
	CLEAN_FD int pidfd = -1;
	pid_t pid;

	if (r->libexec) {
		pid = spawn_process(&s, &pidfd, &err);
		if (pid < 0)
			fail_msg("%s", err.msg);
		return pid;
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Its copies of our ends would keep it from seeing us go. */
		(void)close(m[0]);
		(void)close(b[0]);
		_exit(serve_run(&serve, m[1], b[1], dir) < 0 ? 1 : 0);
	}
	return pid;
}

static void close_channels(struct rig *r)
{
	chan_done(&r->monitor);
	chan_done(&r->broker);
}

bool rig_start(struct rig *r)
{
	int m[2], b[2];
	CLEAN_FD int dir = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	assert_int_equal(chan_pair(m), 0);
	assert_int_equal(chan_pair(b), 0);
	r->pid = start_child(r, m, b, dir);
	fd_close(&m[1]);
	fd_close(&b[1]);
	chan_limited(&r->monitor, m[0]);
	chan_limited(&r->broker, b[0]);
	r->n_items = 0;
	r->out.type = MSG_HELLO;
	r->out.hello =
		(struct m_hello){ SPAN_LIT("store"), span_str(r->bounds) };
	assert_int_equal(chan_send(&r->monitor, &r->out, NULL, 0), 0);
	rig_hear(r, MSG_S_STATE);
	if (r->in.type == MSG_S_FAIL) {
		(void)str_copy(r->why, sizeof(r->why), r->in.text.text);
		(void)rig_wait(r);
		return false;
	}
	r->state = r->in.s_state;
	rig_hear(r, MSG_READY);
	return true;
}

int rig_wait(struct rig *r)
{
	int status;

	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	r->pid = 0;
	close_channels(r);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void rig_stop(struct rig *r)
{
	r->out.type = MSG_STOP;
	r->out.empty = (struct m_empty){ 0 };
	assert_int_equal(chan_send(&r->monitor, &r->out, NULL, 0), 0);
	assert_int_equal(rig_wait(r), 0);
}

void rig_kill(struct rig *r)
{
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	(void)rig_wait(r);
}

void rig_send_put(struct rig *r, const char *source, const char *key,
		  const void *bytes, size_t n)
{
	CLEAN_FD int fd = memfd_sealed("item", span_of(bytes, n));
	struct sha256 h;

	assert_true(fd >= 0);
	r->out.type = MSG_Q_PUT;
	r->out.q_put = (struct m_q_put){ .source = span_str(source),
					 .key = span_str(key),
					 .size = n };
	sha256_init(&h);
	sha256_add(&h, span_of(bytes, n));
	sha256_final(&h, r->out.q_put.sha256);
	assert_int_equal(chan_send(&r->monitor, &r->out, &fd, 1), 0);
}

void rig_next(struct rig *r, unsigned n)
{
	while (n--) {
		r->out.type = MSG_Q_NEXT;
		r->out.empty = (struct m_empty){ 0 };
		assert_int_equal(chan_send(&r->monitor, &r->out, NULL, 0), 0);
	}
}

static void keep_item(struct rig *r)
{
	const struct m_q_item *m = &r->in.q_item;
	CLEAN_FD int fd = chan_take_fd(&r->monitor, 0);
	size_t i = r->n_items++;
	CLEAN_FREE uint8_t *bytes = malloc(m->size + 1);
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	assert_true(i < ARRAY_SIZE(r->items));
	assert_int_equal(memfd_sealed_size(fd, LIMIT_ITEM), m->size);
	assert_int_equal(fd_pread_all(fd, bytes, m->size, 0), m->size);
	sha256_init(&h);
	sha256_add(&h, span_of(bytes, m->size));
	sha256_final(&h, sum);
	assert_memory_equal(sum, m->sha256, SHA256_LEN);
	r->items[i] = *m;
	r->first[i] = m->size ? bytes[0] : 0;
	assert_int_equal(str_copy(r->source[i], 32, m->source), 0);
	assert_int_equal(str_copy(r->key[i], 32, m->key), 0);
}

void rig_hear(struct rig *r, enum msg_type t)
{
	const char *why;

	for (;;) {
		if (chan_recv(&r->monitor, &r->in, &why) != 1)
			fail_msg("no %s came", msg_type_name(t));
		if (r->in.type == MSG_Q_ITEM)
			keep_item(r);
		if (r->in.type == MSG_Q_COUNT) {
			r->count = r->in.q_count;
			(void)str_copy(r->why, sizeof(r->why),
				       r->in.q_count.why);
		}
		if (r->in.type == t || r->in.type == MSG_S_FAIL)
			return;
	}
}

void rig_put(struct rig *r, const char *source, const char *key,
	     const char *text)
{
	rig_send_put(r, source, key, text, strlen(text));
	rig_hear(r, MSG_Q_KEPT);
	assert_true(span_is(r->in.q_kept.source, source));
	assert_true(span_is(r->in.q_kept.key, key));
}

size_t rig_item(struct rig *r)
{
	size_t before = r->n_items;

	if (r->n_items == before)
		rig_hear(r, MSG_Q_ITEM);
	return before;
}

enum msg_type rig_ask(struct rig *r, enum msg_type t)
{
	const char *why;

	rig_say(r, t);
	if (chan_recv(&r->broker, &r->in, &why) != 1)
		fail_msg("no answer to %s", msg_type_name(t));
	if (r->in.type == MSG_S_FAIL)
		(void)str_copy(r->why, sizeof(r->why), r->in.text.text);
	return r->in.type;
}

uint64_t rig_ok(struct rig *r, enum msg_type t)
{
	if (rig_ask(r, t) != MSG_S_OK)
		fail_msg("%s: %s", msg_type_name(t),
			 r->in.type == MSG_S_FAIL ? r->why
						  : msg_type_name(r->in.type));
	return r->in.s_ok.id;
}

void rig_say(struct rig *r, enum msg_type t)
{
	r->out.type = t;
	assert_int_equal(chan_send(&r->broker, &r->out, NULL, 0), 0);
}

uint64_t rig_plan(struct rig *r, uint64_t item, uint64_t repeats)
{
	r->out.e_plan = (struct m_e_plan){
		.item = item,
		.task = 7,
		.repeats = repeats,
		.capability = SPAN_LIT("email.send"),
		.connector = SPAN_LIT("outbox"),
		.n = 1,
		.args[0] = { SPAN_LIT("to"), ARG_STRING, ARG_SCALAR,
			     SPAN_LIT("lea@example.org") },
	};
	return rig_ok(r, MSG_E_PLAN);
}

void rig_started(struct rig *r, uint64_t effect, uint64_t index)
{
	r->out.e_started = (struct m_e_started){ effect, index };
	(void)rig_ok(r, MSG_E_STARTED);
}

void rig_outcome(struct rig *r, uint64_t effect, enum effect_state s)
{
	r->out.e_outcome =
		(struct m_e_outcome){ effect, (uint8_t)s, SPAN_LIT("detail") };
	(void)rig_ok(r, MSG_E_OUTCOME);
}

void rig_verdict(struct rig *r, uint64_t item, enum item_verdict v)
{
	r->out.i_done = (struct m_i_done){ .item = item,
					   .task = 7,
					   .verdict = (uint8_t)v,
					   .fault = SPAN_LIT("why"),
					   .reader_us = 5,
					   .envelope_from = SPAN_LIT("a@b") };
	(void)rig_ok(r, MSG_I_DONE);
}

bool rig_row(struct rig *r, enum msg_type t, uint64_t after, enum s_which w)
{
	r->out.s_get = (struct m_s_get){ .after = after, .which = (uint8_t)w };
	return rig_ask(r, t) != MSG_S_NONE;
}
