/*
 * reader-email: the program of a reader VM (zone 3). Its descriptor 3 is a
 * door: each packet brings a connection. From the connection it reads a byte
 * that says what comes (enum wire_item), and one raw item until its end, and
 * writes one JSON object to it and a zero byte, the end of the answer. An item
 * that fails is its end.
 *
 * A VM reads one item of a stranger. More than one comes only before that: a
 * template is warmed with mails of ours, and copied; so the secrets that the
 * copies share are drawn anew before each mail (fresh.h).
 *
 * SECURITY: it parses hostile bytes and is presumed owned by them. It holds
 * nothing: no network, no secret, no stranger's second message. It reads its
 * descriptors and opens nothing, trusts nobody, and is believed by nobody: what
 * it writes is checked on the host. It is one static file, and needs no file
 * system, no library, no /proc and no locale.
 *
 * With --stdio it reads one mail from standard input and writes the JSON to
 * standard output; with --stdio=telegram and --stdio=slack a chat's item.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/door.h"
#include "base/fd.h"
#include "base/fresh.h"
#include "proto/limits.h"
#include "reader/mail/mail.h"
#include "reader/read.h"

enum { DOOR_FD = 3 };

static int fail(const char *what, int r)
{
	(void)fprintf(stderr, "reader-email: %s: %s\n", what, strerror(-r));
	return 1;
}

/* One item of this kind, or of the kind that its first byte says. */
static int serve(int in, int out, enum wire_item what)
{
	bool door = what == WIRE_ITEM_MAX;
	struct span item;
	CLEAN_BUF struct buf json = { .max = LIMIT_READER_JSON + 1 };
	CLEAN_FREE uint8_t *raw = malloc(LIMIT_ITEM + 2);
	ssize_t n;
	int r;

	if (!raw)
		return fail("memory", -ENOMEM);
	n = fd_read_all(in, raw, LIMIT_ITEM + 2);
	if (n < 0)
		return fail("read", (int)n);
	item = span_of(raw, (size_t)n);
	if (door && n) {
		what = (enum wire_item)raw[0];
		item = span_of(raw + 1, (size_t)n - 1);
	}
	if (item.n > LIMIT_ITEM)
		return fail("input", -EFBIG);
	r = read_item_json(what, item, &json);
	if (r < 0)
		return fail("no message", r);
	if (door)
		buf_u8(&json, 0);
	r = fd_write_all(out, buf_view(&json));
	return r < 0 ? fail("write", r) : 0;
}

/*
 * A copy of this process wakes up in door_wait; the draw comes after it, and
 * the stranger's bytes after the draw. A connection is closed when the next
 * one is there: the answer is not to wait for that.
 */
static FRESH_CALLER _Noreturn void serve_door(void)
{
	int fd = -1;
	int r = 0;

	while (r == 0) {
		int next = door_take(DOOR_FD);

		if (next == -EPIPE)
			break;
		fd_close(&fd);
		fd = next;
		if (fd >= 0)
			door_wait(fd);
		r = fd < 0 ? fd : fresh_draw();
		r = r < 0 ? fail("door", r) : serve(fd, fd, WIRE_ITEM_MAX);
	}
	exit(r);
}

int main(int argc, char **argv)
{
	static const char *const stdio[] = {
		[WIRE_ITEM_EMAIL] = "--stdio",
		[WIRE_ITEM_TELEGRAM] = "--stdio=telegram",
		[WIRE_ITEM_SLACK] = "--stdio=slack",
	};
	int what = argc == 2 ? WIRE_ITEM_MAX - 1 : 0;

	(void)signal(SIGPIPE, SIG_IGN);
	while (what && strcmp(argv[1], stdio[what]) != 0)
		what--;
	if (argc > 1 && !what) {
		(void)fprintf(stderr, "usage: reader-email "
				      "[--stdio[=telegram|=slack]]\n");
		return 2;
	}
	read_init();
	if (what)
		return serve(STDIN_FILENO, STDOUT_FILENO, (enum wire_item)what);
	serve_door();
}
