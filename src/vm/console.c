/* console: see console.h. */
#include "vm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

enum { CHUNK = 16 << 10 };

static const char cut[] = "\n[bulkhead: the console is cut here]\n";

void console_init(struct console *c)
{
	*c = (struct console){ .file = -1, .write = -1, .read = -1 };
}

int console_open(struct console *c, int file)
{
	int pair[2];

	console_init(c);
	c->file = file;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	c->read = pair[0];
	c->write = pair[1];
	return fd_nonblock(c->read, true);
}

void console_started(struct console *c)
{
	fd_close(&c->write);
}

static bool copy_once(struct console *c)
{
	char chunk[CHUNK];
	ssize_t n = read(c->read, chunk, sizeof(chunk));
	size_t room = CONSOLE_MAX - c->n;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		fd_close(&c->read);
		return false;
	}
	if ((size_t)n < room)
		room = (size_t)n;
	/* A full disk loses the console, not the message. */
	if (fd_write_all(c->file, span_of(chunk, room)) < 0)
		fd_close(&c->read);
	c->n += room;
	if (room < (size_t)n) {
		(void)fd_write_all(c->file, span_of(cut, sizeof(cut) - 1));
		fd_close(&c->read);
	}
	return c->read >= 0;
}

void console_copy(struct console *c, bool all)
{
	while (c->read >= 0 && copy_once(c) && all)
		;
}

void console_done(struct console *c)
{
	fd_close(&c->file);
	fd_close(&c->write);
	fd_close(&c->read);
}
