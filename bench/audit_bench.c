/*
 * audit_bench: durable records a second through the real auditd, in its sandbox
 * and over its real channel, 64 closed-loop clients (each asks again when it
 * has its answer), against one append and fdatasync for each record in the
 * same directory, in turns. Prints JSON; auditd tells its counts on stderr.
 * usage: audit_bench LIBEXEC STATE [RECORDS]: only that many records, for tests
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/rpc.h"
#include "privsep/spawn.h"
#include "tlog/tlog.h"

enum {
	CLIENTS = 64,
	ROUNDS = 9,
	RECORDS = 6400, /* of auditd in a round */
	SYNCS = 100,	/* of the peer in a round */
};

static struct chan monitor, broker;
static pid_t auditd;
static int dir, tip;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "audit_bench: %s\n", what);
	exit(1);
}

static int folder(int at, const char *path)
{
	int fd;

	(void)mkdirat(at, path, 0700);
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

static void start(const char *libexec)
{
	struct spawn s = { .proc = PROC_AUDITD, .libexec = libexec };
	struct msg m = { .type = MSG_HELLO };
	int a[2], b[2];
	struct err err;
	int pidfd = -1;

	if (chan_pair(a) < 0 || chan_pair(b) < 0)
		fail("channels");
	s.fds[0] = a[1];
	s.fds[1] = b[1];
	s.fds[2] = dir;
	s.fds[3] = tip;
	auditd = spawn_process(&s, &pidfd, &err);
	if (auditd < 0)
		fail(err.msg);
	fd_close(&pidfd);
	fd_close(&a[1]);
	fd_close(&b[1]);
	if (chan_init(&monitor, a[0]) < 0 || chan_init(&broker, b[0]) < 0)
		fail("channels");
	m.hello.name = SPAN_LIT("auditd");
	m.hello.arg = SPAN_LIT("bench");
	if (chan_send(&monitor, &m, NULL, 0) < 0)
		fail("hello");
}

static void stop(void)
{
	struct msg m = { .type = MSG_STOP };
	int status = 1;

	if (chan_send(&monitor, &m, NULL, 0) < 0 ||
	    waitpid(auditd, &status, 0) != auditd || status != 0)
		fail("auditd did not end well");
	chan_done(&monitor);
	chan_done(&broker);
}

/* What the broker records of a decision, of a usual length. */
static void ask(uint64_t n)
{
	static struct audit_record r;
	const struct msg_ids ids = { .task = n, .span = n };

	audit_begin(&r, "decision", &ids);
	audit_int(&r, "item", n);
	audit_str(&r, "capability", SPAN_LIT("email.send"));
	audit_str(&r, "arg.0.to", SPAN_LIT("lea@example.org"));
	audit_str(&r, "arg.1.subject", SPAN_LIT("Re: the agenda of tomorrow"));
	audit_str(&r, "arg.2.body",
		  SPAN_LIT("Here is the agenda: nine o'clock, the budget; ten "
			   "o'clock, the roof; then lunch."));
	audit_int(&r, "args", 3);
	audit_str(&r, "verdict", SPAN_LIT("allow"));
	audit_str(&r, "clause", SPAN_LIT("email.send: allow"));
	audit_str(&r, "policy",
		  SPAN_LIT("5f1c5b0b7d7f2a8a3f0c1f7c6b9d4e2a5f1c5b0b7d7f2a8a3f"
			   "0c1f7c6b9d4e2a"));
	r.msg.type = MSG_AUDIT;
	if (chan_send(&broker, &r.msg, NULL, 0) < 0)
		fail("request");
}

/* So many records, CLIENTS at a time; returns microseconds. */
static uint64_t ours(uint64_t *index, uint64_t records)
{
	static struct msg m;
	uint64_t asked = 0;
	uint64_t got = 0;
	uint64_t from;
	const char *why;

	from = now_us();
	while (asked < CLIENTS && asked < records)
		ask(asked++);
	while (got < records) {
		if (chan_recv(&broker, &m, &why) != 1 ||
		    m.type != MSG_AUDIT_OK ||
		    (got > 0 && m.audit_ok.index != *index))
			fail("no record, or not the next");
		*index = m.audit_ok.index + 1;
		got++;
		if (asked < records)
			ask(asked++);
	}
	return now_us() - from;
}

/* SYNCS records of the same length, each made durable; microseconds. */
static uint64_t theirs(size_t bytes)
{
	CLEAN_FD int fd = openat(
		dir, "peer", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	CLEAN_FREE char *text = calloc(1, bytes);
	uint64_t from = now_us();
	int i;

	if (fd < 0 || !text)
		fail("the peer's file");
	for (i = 0; i < SYNCS; i++)
		if (fd_write_all(fd, span_of(text, bytes)) < 0 ||
		    fdatasync(fd) < 0)
			fail("the peer's record");
	return now_us() - from;
}

int main(int argc, char **argv)
{
	const struct timespec rest = { .tv_nsec = 300000000 };
	uint64_t us[ROUNDS], peer[ROUNDS];
	uint64_t n = RECORDS;
	uint64_t index = 0;
	CLEAN_FD int state = -1;
	struct tlog_state s;
	struct err err = { 0 };
	uint8_t *record;
	size_t bytes;
	int i;

	if (argc < 3 || argc > 4 ||
	    (argc == 4 && num_parse(span_str(argv[3]), 1, UINT32_MAX, &n) < 0))
		fail("usage: audit_bench LIBEXEC STATE [RECORDS]");
	state = folder(AT_FDCWD, argv[2]);
	dir = folder(state, "audit");
	tip = folder(state, "tip");
	start(argv[1]);
	(void)ours(&index, n); /* everybody is warm */
	stop();
	if (argc == 4)
		return 0;
	if (tlog_read(dir, 0, &record, &bytes, &err) < 0)
		fail(err.msg);
	free(record);
	start(argv[1]);
	for (i = 0; i < ROUNDS; i++) {
		us[i] = ours(&index, RECORDS) * 1000 / RECORDS;
		/* What auditd does when it has nothing else to do is neither's
		 * to pay for. */
		(void)nanosleep(&rest, NULL);
		peer[i] = theirs(bytes) * 1000 / SYNCS;
		(void)nanosleep(&rest, NULL);
	}
	stop();
	if (unlinkat(dir, "peer", 0) < 0 || tlog_verify(dir, &s, &err) < 0)
		fail(err.msg);
	if (s.size != index)
		fail("records are missing");
	(void)printf("{\"clients\": %d, \"bytes\": %zu, \"records\": %d, "
		     "\"syncs\": %d, \"rounds\": [",
		     CLIENTS, bytes, ROUNDS * RECORDS, ROUNDS * SYNCS);
	for (i = 0; i < ROUNDS; i++)
		(void)printf("%s[%llu, %llu]", i ? ", " : "",
			     (unsigned long long)us[i],
			     (unsigned long long)peer[i]);
	(void)printf("]}\n");
	return 0;
}
