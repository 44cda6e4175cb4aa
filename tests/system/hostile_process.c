/*
 * hostile_process: stands in a test's program folder in the place of
 * bulkhead-porter or bulkhead-envelope and does what one does that an attacker
 * owns. The file "mode" beside it says what; it never enters a sandbox.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/graph.h"
#include "proto/wire.h"

enum { FLOOD = 2000 };

static struct msg m;

static void say(struct chan *c, enum msg_type t, int times)
{
	m.type = t;
	while (times-- && chan_send(c, &m, NULL, 0) == 0)
		;
}

/* A file of our folder. */
static int beside(const char *argv0, const char *name, char *dst, size_t cap)
{
	const char *slash = strrchr(argv0, '/');

	return !slash || str_printf(dst, cap, "%.*s/%s", (int)(slash - argv0),
				    argv0, name) < 0
		       ? -1
		       : 0;
}

static int read_mode(const char *argv0, char *dst, size_t cap)
{
	char path[4096];
	CLEAN_FD int fd = -1;
	ssize_t n;

	if (beside(argv0, "mode", path, sizeof(path)) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_all(fd, dst, cap - 1);
	if (n < 0)
		return -1;
	dst[n] = 0;
	return 0;
}

/* The view of its wire, made full and one on which sending waits. */
static void fill_view(struct chan *monitor)
{
	static struct chan view;
	const char *why;

	if (chan_recv(monitor, &m, &why) != 1 || m.type != MSG_TAP ||
	    chan_init(&view, chan_take_fd(monitor, 0)) < 0 ||
	    fd_nonblock(view.fd, true) < 0)
		return;
	m.text.text = SPAN_LIT("");
	say(&view, MSG_KILL, FLOOD);
	(void)fd_nonblock(view.fd, false);
}

/* Text, of two bytes a character: wherever it is cut is not its end. */
static void fail_in_words(struct chan *monitor)
{
	enum { CHARS = 100 };
	static char text[2 * CHARS];
	size_t i;

	for (i = 0; i < CHARS; i++) {
		text[2 * i] = '\xc3';
		text[2 * i + 1] = '\xa9';
	}
	m.vm_fail.fault = WIRE_HANGUP;
	m.vm_fail.detail = span_of(text, sizeof(text));
	say(monitor, MSG_VM_FAIL, 1);
}

/* Of any machine but a clone the real porter takes care. */
static void unless_clone(char **argv)
{
	static char hello[LIMIT_MSG];
	ssize_t n = recv(graph_fd(PROC_PORTER, FD_MONITOR), hello,
			 sizeof(hello), MSG_PEEK);
	char path[4096];

	if (n > 0 && memmem(hello, (size_t)n, "start=clone", 11))
		return;
	if (beside(argv[0], "bulkhead-porter.own", path, sizeof(path)) == 0)
		(void)execv(path, argv);
	exit(2);
}

/* One whose jail is made ahead has nothing to show before it gets its work. */
static void until_work(struct chan *monitor)
{
	const char *why;
	bool jailed = chan_recv(monitor, &m, &why) == 1 &&
		      m.type == MSG_HELLO &&
		      memmem(m.hello.arg.p, m.hello.arg.n, "park=jailed", 11);

	if (jailed)
		say(monitor, MSG_VM_PARKED, 1);
	while (jailed && chan_recv(monitor, &m, &why) == 1 &&
	       m.type != MSG_WORK)
		;
	m = (struct msg){ 0 };
}

int main(int argc, char **argv)
{
	static const char words[] = "\xff\x1b[2J";
	struct chan monitor, broker;
	char mode[64];

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 1 || read_mode(argv[0], mode, sizeof(mode)) < 0)
		return 2;
	if (strstr(argv[0], "envelope"))
		for (;;)
			(void)pause();
	if (strncmp(mode, "clone-", 6) == 0)
		unless_clone(argv);
	if (chan_init(&monitor, graph_fd(PROC_PORTER, FD_MONITOR)) < 0 ||
	    chan_init(&broker, graph_fd(PROC_PORTER, FD_BROKER)) < 0)
		return 2;
	if (strncmp(mode, "clone-", 6) == 0)
		until_work(&monitor);
	if (span_is(span_str(mode), "late-boot")) {
		m.vm_ready.boot_us = UINT64_MAX;
		say(&monitor, MSG_VM_READY, 1);
	} else if (span_is(span_str(mode), "many-boots")) {
		say(&monitor, MSG_VM_READY, FLOOD);
	} else if (span_is(span_str(mode), "odd-fault")) {
		m.vm_fail.fault = 0xff;
		m.vm_fail.detail = span_str(words);
		say(&monitor, MSG_VM_FAIL, FLOOD);
	} else if (span_is(span_str(mode), "odd-words")) {
		m.text.text = span_str(words);
		say(&broker, MSG_REFUSED, FLOOD);
		say(&monitor, MSG_VM_DONE, FLOOD);
	} else if (span_is(span_str(mode), "clone-done")) {
		say(&monitor, MSG_VM_DONE, 1);
	} else if (span_is(span_str(mode), "clone-words")) {
		fail_in_words(&monitor);
	} else if (span_is(span_str(mode), "full-view")) {
		fill_view(&monitor);
	} else if (span_is(span_str(mode), "not-its-own")) {
		m.text.text = span_str(words);
		say(&broker, MSG_KILL, 1);
		say(&monitor, MSG_KILL, 1);
	}
	for (;;)
		(void)pause();
}
