/* seen: see seen.h. */
#include "seen.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool seen_name_ok(struct span name)
{
	return name.n > 0 && name.n <= SEEN_NAME_MAX &&
	       !memchr(name.p, 0, name.n) && !memchr(name.p, '\n', name.n);
}

static void **find(const struct seen *s, struct span name)
{
	char text[SEEN_NAME_MAX + 1];

	if (str_copy(text, sizeof(text), name) < 0)
		return NULL;
	return tfind(text, &s->tree, by_name);
}

bool seen_has(const struct seen *s, struct span name)
{
	return find(s, name) != NULL;
}

int seen_note(struct seen *s, struct span name)
{
	void **at;
	char *text;

	if (!seen_name_ok(name))
		return -EINVAL;
	if (s->n == SEEN_NAMES)
		return -ENFILE;
	text = strndup((const char *)name.p, name.n);
	if (!text)
		return -ENOMEM;
	at = tsearch(text, &s->tree, by_name);
	if (!at || *at != text) {
		free(text);
		return at ? -EEXIST : -ENOMEM;
	}
	s->n++;
	return 0;
}

void seen_forget(struct seen *s, struct span name)
{
	void **at = find(s, name);
	char *text;

	if (!at)
		return;
	text = *at;
	(void)tdelete(text, &s->tree, by_name);
	free(text);
	s->n--;
}

static bool is_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

/* Whole lines, or nothing of them: what a full disk took of them would be the
 * beginning of the next. #syscalls:connector fstat ftruncate */
static int append(struct seen *s, struct span lines)
{
	struct stat st;
	int r;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	r = fd_write_all(s->fd, lines);
	if (is_full(r) && ftruncate(s->fd, st.st_size) < 0)
		return -errno;
	return r;
}

/* #syscalls:connector openat fdatasync fsync */
int seen_settle(struct seen *s)
{
	int r = s->owed.n ? append(s, buf_view(&s->owed)) : 0;

	if (r < 0)
		return is_full(r) ? 0 : r;
	buf_reset(&s->owed);
	return fdatasync(s->fd) < 0 ? -errno : 0;
}

int seen_save(struct seen *s, struct span name)
{
	if (!seen_name_ok(name))
		return -EINVAL;
	/* Names for which there is no room even here the queue knows. */
	if (s->owed.n + name.n + 1 <= SEEN_OWED_MAX) {
		buf_span(&s->owed, name);
		buf_u8(&s->owed, '\n');
	}
	if (!buf_ok(&s->owed))
		return -ENOMEM;
	return seen_settle(s);
}

/* The lines of the file that are whole. */
static int load_lines(struct seen *s, struct span bytes)
{
	const uint8_t *end;
	int r;

	while (bytes.n && (end = memchr(bytes.p, '\n', bytes.n))) {
		size_t n = (size_t)(end - bytes.p);

		r = seen_note(s, span_of(bytes.p, n));
		if (r < 0 && r != -EEXIST)
			return r;
		bytes = span_of(end + 1, bytes.n - n - 1);
	}
	return 0;
}

static int load(struct seen *s)
{
	CLEAN_FD int fd =
		openat(s->dir, s->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEAN_BUF struct buf b;
	struct stat st;
	uint8_t *p;
	ssize_t n;

	buf_init(&b, SEEN_FILE_MAX);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	s->existed = true;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0)
		return 0;
	p = buf_extend(&b, (size_t)st.st_size);
	if (!p)
		return -EFBIG;
	n = fd_read_all(fd, p, (size_t)st.st_size);
	return n < 0 ? (int)n : load_lines(s, span_of(p, (size_t)n));
}

static int open_append(struct seen *s)
{
	fd_close(&s->fd);
	s->fd = openat(s->dir, s->file,
		       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	return s->fd < 0 ? -errno : 0;
}

int seen_open(struct seen *s, int dir, struct span name)
{
	char text[140];
	int r;

	*s = (struct seen){ .dir = dir, .fd = -1 };
	buf_init(&s->owed, SEEN_OWED_MAX);
	if (str_copy(text, sizeof(text), name) < 0 || strchr(text, '/') ||
	    str_printf(s->file, sizeof(s->file), "%s.seen", text) < 0)
		return -EINVAL;
	r = load(s);
	return r < 0 ? r : seen_compact(s, NULL, NULL);
}

void seen_close(struct seen *s)
{
	fd_close(&s->fd);
	buf_done(&s->owed);
	tdestroy(s->tree, free);
	s->tree = NULL;
	s->n = 0;
}

struct gather {
	struct buf lines;
	struct buf gone; /* pointers to names */
	seen_keep_fn keep;
	void *arg;
};

static void gather_name(const void *node, VISIT order, void *arg)
{
	char *text = *(char *const *)node;
	struct gather *g = arg;

	if (order != postorder && order != leaf)
		return;
	if (g->keep && !g->keep(g->arg, span_str(text)))
		buf_put(&g->gone, &text, sizeof(text));
	else
		buf_printf(&g->lines, "%s\n", text);
}

static void drop_gone(struct seen *s, struct span gone)
{
	char *text;
	size_t i;

	for (i = 0; i + sizeof(text) <= gone.n; i += sizeof(text)) {
		memcpy(&text, gone.p + i, sizeof(text));
		(void)tdelete(text, &s->tree, by_name);
		free(text);
		s->n--;
	}
}

/* #syscalls:connector renameat rename */
static int rewrite(struct seen *s, struct span lines)
{
	char aside[sizeof(s->file) + 8];
	CLEAN_FD int fd = -1;
	int r;

	/* Other connectors keep their lists in the same directory. */
	(void)str_printf(aside, sizeof(aside), "%s.tmp", s->file);
	fd = openat(s->dir, aside,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, lines);
	if (r < 0)
		return r;
	if (fsync(fd) < 0 || renameat(s->dir, aside, s->dir, s->file) < 0)
		return -errno;
	return open_append(s);
}

int seen_compact(struct seen *s, seen_keep_fn keep, void *arg)
{
	struct gather g = { .keep = keep, .arg = arg };
	int r = -ENOMEM;

	buf_init(&g.lines, SEEN_FILE_MAX);
	buf_init(&g.gone, SEEN_NAMES * sizeof(char *));
	twalk_r(s->tree, gather_name, &g);
	if (buf_ok(&g.lines) && buf_ok(&g.gone)) {
		r = rewrite(s, buf_view(&g.lines));
		/* The longer list says the same. */
		if (is_full(r))
			r = open_append(s);
		drop_gone(s, buf_view(&g.gone));
	}
	buf_done(&g.lines);
	buf_done(&g.gone);
	return r;
}
