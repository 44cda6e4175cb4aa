/*
 * documents: the owner's own texts that a planner with a model begins with
 * (`planner.documents`), read once, before anything is started: every broker of
 * this run gets the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "state/state.h"

/* Texts for a model are lines of characters, and nothing hides in them. */
static bool is_text(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static int read_one(struct monitor *m, const char *path, struct err *err)
{
	CLEAN_FD int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct span text;
	struct stat st;
	uint8_t *p;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, fd < 0 ? -errno : -EINVAL,
			       "%s: %s: a document of the planner", path,
			       fd < 0 ? strerror(errno) : "not a file");
	if (m->documents.n)
		buf_str(&m->documents, "\n\n");
	if (st.st_size > LIMIT_DOCUMENTS ||
	    !(p = buf_extend(&m->documents, (size_t)st.st_size)))
		return err_set(err, -EFBIG,
			       "%s: the planner's documents are more than %d "
			       "bytes: shorten them",
			       path, LIMIT_DOCUMENTS);
	n = fd_pread_all(fd, p, (size_t)st.st_size, 0);
	text = span_of(p, n < 0 ? 0 : (size_t)n);
	if (n != st.st_size || !is_text(text))
		return err_set(err, -EINVAL,
			       "%s: not a text in UTF-8: a planner's documents "
			       "are",
			       path);
	return 0;
}

int documents_read(struct monitor *m, struct err *err)
{
	uint32_t i;
	int r = 0;

	buf_init(&m->documents, LIMIT_DOCUMENTS);
	for (i = 0; r == 0 && i < m->conf.n_documents; i++)
		r = read_one(m, m->conf.documents[i], err);
	if (r < 0)
		m->exit_code = MONITOR_EXIT_OWNER;
	return r;
}
