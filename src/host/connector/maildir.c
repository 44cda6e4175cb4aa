/*
 * maildir: see run.h. The bytes of a mail pass through as they are: into a
 * sealed memfd, with their hash, and to the monitor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "run.h"

static const char *const folder_names[] = { "new", "cur" };

/* The part of a file's name that stays when a mail program flags it. */
static struct span unique_part(const char *name)
{
	const char *flags = strstr(name, ":2,");

	return span_of(name, flags ? (size_t)(flags - name) : strlen(name));
}

static int add_row(struct maildir *m, int folder, const char *name)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 64;
		struct maildir_row *rows =
			reallocarray(m->rows, cap, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		m->rows = rows;
		m->cap = cap;
	}
	m->rows[m->n].folder = folder;
	m->rows[m->n].name = strdup(name);
	if (!m->rows[m->n].name)
		return -ENOMEM;
	m->n++;
	return 0;
}

static void on_timer(void *arg);

static void look_again(struct connector *c, uint64_t ms)
{
	struct maildir *m = &c->maildir;

	loop_timer_del(&c->loop, m->timer);
	m->timer = loop_timer(&c->loop, ms, on_timer, c);
	if (m->timer < 0)
		connector_end(c, m->timer);
}

/* What the host is short of now, it may have in a moment. */
static bool is_short(struct connector *c, int r)
{
	if (r != -EMFILE && r != -ENFILE && r != -ENOMEM &&
	    r != -ETOOMANYREFS && r != -ENOBUFS)
		return false;
	if (!c->maildir.short_of)
		log_warn("waits", "connector=%s error=%s", c->name,
			 strerrorname_np(-r));
	c->maildir.short_of = true;
	look_again(c, MAILDIR_RETRY_MS);
	return true;
}

typedef int (*name_fn)(struct connector *c, int folder, const char *name);

/* qsort asks how much memory there is: sysinfo.
 * #syscalls:connector getdents64 lseek
 * #syscalls:connector fcntl int1=F_SETFD
 * #syscalls:connector sysinfo */
static int each_name(struct connector *c, int folder, name_fn fn)
{
	CLEAN_FD int fd = openat(c->maildir.folders[folder], ".",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	(void)take_fd(&fd);
	while (r == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			r = fn(c, folder, e->d_name);
	(void)closedir(d);
	return r;
}

/* A name that was never met before waits from now on. */
static int meet(struct connector *c, int folder, const char *name)
{
	struct span key = unique_part(name);
	int r = seen_note(&c->maildir.seen, key);

	if (r == 0)
		return add_row(&c->maildir, folder, name);
	if (r == -EEXIST)
		return 0;
	if (r == -EINVAL)
		log_warn("item-skipped", "connector=%s why=name", c->name);
	return r == -EINVAL ? 0 : r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct maildir_row *)a)->name,
		      ((const struct maildir_row *)b)->name);
}

static void give_next(struct connector *c);

/* Oldest first, as far as Maildir names tell. */
static void scan(struct connector *c)
{
	struct maildir *m = &c->maildir;
	size_t before = m->n;
	int folder;
	int r = 0;

	m->short_of = false;
	for (folder = 0; folder < 2 && r == 0; folder++)
		r = each_name(c, folder, meet);
	if (r < 0 && !is_short(c, r)) {
		log_error("scan-failed", "connector=%s error=%s", c->name,
			  strerrorname_np(-r));
		connector_end(c, r);
		return;
	}
	if (m->n > before)
		qsort(m->rows + before, m->n - before, sizeof(*m->rows),
		      by_name);
	give_next(c);
}

static void on_timer(void *arg)
{
	struct connector *c = arg;
	struct maildir *m = &c->maildir;
	int r;

	m->timer = -1;
	scan(c);
	r = seen_settle(&m->seen);
	if (r < 0) {
		connector_end(c, r);
		return;
	}
	look_again(c, m->short_of || m->seen.owed.n ? MAILDIR_RETRY_MS
		      : m->inotify < 0		    ? MAILDIR_POLL_MS
						    : MAILDIR_RESCAN_MS);
}

/* What the events say does not matter: there is something to look at. */
static void on_inotify(void *arg, int fd, short)
{
	struct connector *c = arg;
	uint8_t events[4096];

	if (read(fd, events, sizeof(events)) < 0)
		return;
	look_again(c, MAILDIR_SETTLE_MS);
}

/* Not given, and never again: it is recorded as done. */
static void skip(struct connector *c, const char *name, const char *why,
		 uint64_t size)
{
	int r = seen_save(&c->maildir.seen, unique_part(name));

	log_warn("item-skipped", "connector=%s name=%s why=%s size=%llu",
		 c->name, name, why, (unsigned long long)size);
	if (r < 0)
		connector_end(c, r);
}

static void free_md_ctx(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

/* #syscalls:connector pread64 memfd_create ftruncate fcntl int1=F_ADD_SEALS */
static int hash_fd(int fd, uint64_t size, uint8_t ret[32])
{
	__attribute__((cleanup(free_md_ctx))) EVP_MD_CTX *ctx =
		EVP_MD_CTX_new();
	uint8_t chunk[65536];
	uint64_t at = 0;

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return -EIO;
	while (at < size) {
		ssize_t n = fd_pread_all(fd, chunk, sizeof(chunk), (off_t)at);

		if (n <= 0 || EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1)
			return -EIO;
		at += (uint64_t)n;
	}
	return EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? 0 : -EIO;
}

static int send_item(struct connector *c, struct span key, int memfd)
{
	struct m_item *it = &c->msg.item;
	ssize_t size = memfd_sealed_size(memfd, LIMIT_ITEM);
	int r;

	if (size < 0)
		return (int)size;
	c->msg.type = MSG_ITEM;
	*it = (struct m_item){ .key = key, .size = (uint64_t)size };
	r = hash_fd(memfd, it->size, it->sha256);
	return r < 0 ? r : chan_send(&c->monitor, &c->msg, &memfd, 1);
}

/* Opens the file of a row: a regular file, no link, not too large. */
static int open_row(struct connector *c, const struct maildir_row *row)
{
	CLEAN_FD int fd =
		openat(c->maildir.folders[row->folder], row->name,
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ELOOP;
	if (st.st_size > LIMIT_ITEM) {
		skip(c, row->name, "size", (uint64_t)st.st_size);
		return -EFBIG;
	}
	return memfd_from_fd("item", fd, LIMIT_ITEM);
}

static void give(struct connector *c, const struct maildir_row *row)
{
	struct maildir *m = &c->maildir;
	struct span key = unique_part(row->name);
	CLEAN_FD int fd = open_row(c, row);
	int r = fd;

	if (fd == -ENOENT) {
		/* Moved by a mail program: it is met again where it is now. */
		seen_forget(&m->seen, key);
		return;
	}
	if (fd == -ELOOP) {
		skip(c, row->name, "not-a-file", 0);
		return;
	}
	if (fd >= 0)
		r = send_item(c, key, fd);
	if (is_short(c, r)) {
		/* Met again at the next look. */
		seen_forget(&m->seen, key);
		return;
	}
	if (r < 0 && fd >= 0) {
		connector_end(c, r);
		return;
	}
	if (r < 0) {
		if (r != -EFBIG)
			log_warn("item-unreadable",
				 "connector=%s name=%s "
				 "error=%s",
				 c->name, row->name, strerrorname_np(-r));
		return;
	}
	(void)str_copy(m->out[m->n_out++], sizeof(m->out[0]), key);
}

static void give_next(struct connector *c)
{
	struct maildir *m = &c->maildir;

	while (m->next < m->n && m->n_out < MAILDIR_OUTSTANDING &&
	       !m->short_of && !c->loop.stop) {
		struct maildir_row *row = &m->rows[m->next++];

		give(c, row);
		free(row->name);
	}
	if (m->next == m->n)
		m->next = m->n = 0;
}

/* It is in the queue: the next may come. It is not on the list yet, so that it
 * is given again if the queue is lost before it was read. */
void maildir_item_kept(struct connector *c, struct span key)
{
	struct maildir *m = &c->maildir;
	size_t i;

	for (i = 0; i < m->n_out && !span_is(key, m->out[i]); i++)
		;
	if (i == m->n_out) {
		connector_end(c, -EPROTO);
		return;
	}
	m->n_out--;
	if (i != m->n_out)
		memcpy(m->out[i], m->out[m->n_out], sizeof(m->out[i]));
	give_next(c);
}

/* Given by us, or by one that ran before us. */
void maildir_item_done(struct connector *c, struct span key)
{
	struct maildir *m = &c->maildir;
	int r = seen_note(&m->seen, key);

	if (r == 0 || r == -EEXIST)
		r = seen_save(&m->seen, key);
	if (r < 0) {
		log_error("seen-failed", "connector=%s error=%s", c->name,
			  strerrorname_np(-r));
		connector_end(c, r);
	}
}

/* Names that are there now, for the compaction at start. */
static int collect(struct connector *c, int folder, const char *name)
{
	return add_row(&c->maildir, folder, name);
}

static int by_unique(const void *a, const void *b)
{
	struct span x = unique_part(((const struct maildir_row *)a)->name);
	struct span y = unique_part(((const struct maildir_row *)b)->name);
	int r = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	if (r)
		return r;
	return x.n < y.n ? -1 : x.n > y.n;
}

static bool still_there(void *arg, struct span name)
{
	const struct maildir *m = arg;
	char text[SEEN_NAME_MAX + 1];
	const struct maildir_row key = { 0, text };

	return str_copy(text, sizeof(text), name) == 0 && m->n &&
	       bsearch(&key, m->rows, m->n, sizeof(*m->rows), by_unique);
}

static void drop_rows(struct maildir *m)
{
	while (m->next < m->n)
		free(m->rows[m->next++].name);
	m->next = m->n = 0;
}

/* What was in cur/ when there was no list yet, its owner has read. */
static int first_start(struct connector *c)
{
	struct maildir *m = &c->maildir;
	size_t i;
	int r = 0;

	for (i = 0; i < m->n && r == 0; i++) {
		struct span key = unique_part(m->rows[i].name);

		if (m->rows[i].folder == 1 && seen_name_ok(key))
			r = seen_note(&m->seen, key);
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

static int load_seen(struct connector *c)
{
	struct maildir *m = &c->maildir;
	int r = seen_open(&m->seen, c->state, span_str(c->name));
	int folder;

	for (folder = 0; folder < 2 && r == 0; folder++)
		r = each_name(c, folder, collect);
	if (r < 0)
		return r;
	if (m->n)
		qsort(m->rows, m->n, sizeof(*m->rows), by_unique);
	if (!m->seen.existed)
		r = first_start(c);
	if (r == 0)
		r = seen_compact(&m->seen, still_there, m);
	drop_rows(m);
	return r;
}

/*
 * After the sandbox no path leads anywhere but from the directory itself.
 * #syscalls:connector fchdir inotify_init1 inotify_add_watch
 */
static void watch(struct connector *c)
{
	const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
	struct maildir *m = &c->maildir;

	m->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (m->inotify >= 0 && fchdir(c->dir) == 0 &&
	    inotify_add_watch(m->inotify, "new", events) >= 0 &&
	    inotify_add_watch(m->inotify, "cur", events) >= 0 &&
	    loop_add(&c->loop, m->inotify, POLLIN, on_inotify, c) == 0)
		return;
	log_warn("polling", "connector=%s every_ms=%d", c->name,
		 MAILDIR_POLL_MS);
	fd_close(&m->inotify);
}

/* #syscalls:connector mkdirat mkdir */
int maildir_start(struct connector *c)
{
	struct maildir *m = &c->maildir;
	int folder;
	int r;

	for (folder = 0; folder < 2; folder++) {
		const char *name = folder_names[folder];

		if (mkdirat(c->dir, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		m->folders[folder] =
			openat(c->dir, name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (m->folders[folder] < 0)
			return -errno;
	}
	r = load_seen(c);
	if (r < 0)
		return r;
	watch(c);
	on_timer(c);
	return 0;
}

void maildir_stop(struct connector *c)
{
	struct maildir *m = &c->maildir;

	drop_rows(m);
	free(m->rows);
	m->rows = NULL;
	fd_close(&m->folders[0]);
	fd_close(&m->folders[1]);
	fd_close(&m->inotify);
	seen_close(&m->seen);
}
