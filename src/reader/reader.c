/*
 * reader-email: the program of a reader VM (zone 3). Its descriptor 3 is a
 * door: each packet brings a connection. From the connection it reads one raw
 * mail until its end, and writes one JSON object to it and a zero byte, the end
 * of the answer. A mail that fails is its end.
 *
 * A VM reads one mail of a stranger. More than one comes only before that: a
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
 * standard output.
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

static int serve(int in, int out, bool zero)
{
	CLEAN_BUF struct buf json = { .max = LIMIT_READER_JSON + 1 };
	CLEAN_FREE uint8_t *raw = malloc(LIMIT_ITEM + 1);
	ssize_t n;
	int r;

	if (!raw)
		return fail("memory", -ENOMEM);
	n = fd_read_all(in, raw, LIMIT_ITEM + 1);
	if (n < 0)
		return fail("read", (int)n);
	if (n > LIMIT_ITEM)
		return fail("input", -EFBIG);
	r = read_mail_json(span_of(raw, (size_t)n), &json);
	if (r < 0)
		return fail("no mail", r);
	if (zero)
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
		r = r < 0 ? fail("door", r) : serve(fd, fd, true);
	}
	exit(r);
}

int main(int argc, char **argv)
{
	bool stdio = argc == 2 && strcmp(argv[1], "--stdio") == 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !stdio) {
		(void)fprintf(stderr, "usage: reader-email [--stdio]\n");
		return 2;
	}
	read_init();
	if (stdio)
		return serve(STDIN_FILENO, STDOUT_FILENO, false);
	serve_door();
}
