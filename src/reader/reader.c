/*
 * reader-email: the program of a reader VM (zone 3). It reads one raw mail
 * from descriptor 3 until its end, writes one JSON object to it and exits 0.
 *
 * SECURITY: it parses hostile bytes and is presumed owned by them. It holds
 * nothing: no network, no secret, no second message. It reads its descriptor
 * and the files of its own closure (character set converters), trusts nobody,
 * and is believed by nobody: what it writes is checked on the host. It needs
 * no writable file system, no /proc and no locale.
 *
 * With --stdio it does the same between standard input and output.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "proto/limits.h"
#include "reader/mail/mail.h"
#include "reader/read.h"

enum { WIRE_FD = 3 };

static int fail(const char *what, int r)
{
	(void)fprintf(stderr, "reader-email: %s: %s\n", what, strerror(-r));
	return 1;
}

/* jansson would look for /dev/urandom, which is not there. */
static void seed(void)
{
	size_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v) || v == 0)
		v = 1;
	json_object_seed(v);
}

static int serve(int in, int out)
{
	CLEAN_BUF struct buf json = { .max = LIMIT_READER_JSON };
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
	r = fd_write_all(out, buf_view(&json));
	return r < 0 ? fail("write", r) : 0;
}

int main(int argc, char **argv)
{
	bool stdio = argc == 2 && strcmp(argv[1], "--stdio") == 0;
	struct stat st;
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !stdio) {
		(void)fprintf(stderr, "usage: reader-email [--stdio]\n");
		return 2;
	}
	if (!stdio && fstat(WIRE_FD, &st) < 0)
		stdio = true;
	seed();
	mail_init();
	r = stdio ? serve(STDIN_FILENO, STDOUT_FILENO)
		  : serve(WIRE_FD, WIRE_FD);
	if (!stdio)
		(void)close(WIRE_FD);
	return r;
}
