/*
 * last: which database of the store was here last, kept outside of its
 * directory: an older copy of it that somebody put back is consistent in
 * itself, and would bring back mails and effects that have been dealt with.
 * The store compares, before it changes anything. A database that has just been
 * made is always taken: its owner moved the old one away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

#define LAST_FILE "store.last"
#define LAST_NEW  "store.last.new"

enum { LAST_ID = 32 };

int last_read(int state_fd, char ret[LAST_TEXT], struct err *err)
{
	CLEAN_FD int fd =
		openat(state_fd, LAST_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t id[16];
	uint64_t opened;
	ssize_t n;

	(void)str_printf(ret, LAST_TEXT, "none");
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -1 : fd_read_all(fd, ret, LAST_TEXT - 1);
	ret[n > 0 ? n : 0] = 0;
	if (n > LAST_ID + 2 && ret[LAST_ID] == '/' && ret[n - 1] == '\n' &&
	    hex_decode(id, sizeof(id), span_of(ret, LAST_ID)) == 0 &&
	    num_parse(span_of(ret + LAST_ID + 1, (size_t)n - LAST_ID - 2), 1,
		      INT64_MAX, &opened) == 0) {
		ret[n - 1] = 0;
		return 0;
	}
	return err_set(err, -EBADMSG,
		       "state/" LAST_FILE ": cannot be read, or is not what "
		       "bulkhead wrote: delete it, if state/store/state.db is "
		       "yours");
}

static int write_file(int state_fd, const char *text)
{
	CLEAN_FD int fd = openat(
		state_fd, LAST_NEW,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, span_str(text));
	if (r < 0)
		return r;
	if (fsync(fd) < 0 ||
	    renameat(state_fd, LAST_NEW, state_fd, LAST_FILE) < 0 ||
	    fsync(state_fd) < 0)
		return -errno;
	return 0;
}

int last_write(int state_fd, const struct m_s_state *now, struct err *err)
{
	char id[LAST_ID + 1];
	char text[LAST_TEXT];
	int r;

	hex_encode(id, now->id, sizeof(now->id));
	(void)str_printf(text, sizeof(text), "%s/%llu\n", id,
			 (unsigned long long)now->opened);
	r = write_file(state_fd, text);
	return r < 0 ? err_set(err, r,
			       "state/" LAST_FILE ": %s: make room, or look "
			       "after the directory's owner",
			       strerror(-r))
		     : 0;
}
