/* layout: see layout.h. */
#include "tlog/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char aside[] = "publish.tmp";

static void set_name(char *dst, size_t cap, unsigned set)
{
	if (set == LAYOUT_ENTRIES)
		(void)str_printf(dst, cap, "tile/entries");
	else
		(void)str_printf(dst, cap, "tile/%u", set);
}

void layout_path(char dst[LAYOUT_PATH], unsigned set, uint64_t n,
		 uint32_t width)
{
	char name[32];
	uint64_t scale = 1;
	int len;

	set_name(name, sizeof(name), set);
	len = str_printf(dst, LAYOUT_PATH, "%s/", name);
	while (n / scale >= 1000)
		scale *= 1000;
	for (; scale > 1; scale /= 1000)
		len += str_printf(dst + len, LAYOUT_PATH - (size_t)len,
				  "x%03u/", (unsigned)(n / scale % 1000));
	len += str_printf(dst + len, LAYOUT_PATH - (size_t)len, "%03u",
			  (unsigned)(n % 1000));
	if (width)
		(void)str_printf(dst + len, LAYOUT_PATH - (size_t)len, ".p/%u",
				 width);
}

uint64_t layout_full(uint64_t size, unsigned set)
{
	return tree_full_tiles(size, set == LAYOUT_ENTRIES ? 0 : set);
}

uint32_t layout_width(uint64_t size, unsigned set)
{
	return tree_width(size, set == LAYOUT_ENTRIES ? 0 : set);
}

int layout_exists(int dir, const char *path)
{
	struct stat st;

	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* #syscalls:auditd openat newfstatat fstat pread64 flock */
int layout_read(int dir, const char *path, size_t max, struct buf *b)
{
	CLEAN_FD int fd = openat(
		dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	uint8_t *p;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	buf_reset(b);
	if (st.st_size == 0)
		return 0;
	p = buf_extend(b, (size_t)st.st_size);
	if (!p)
		return -ENOMEM;
	n = fd_pread_all(fd, p, (size_t)st.st_size, 0);
	if (n < 0)
		return (int)n;
	buf_cut(b, (size_t)n);
	return 0;
}

/* What went wrong with reading a file, for a person. */
static int read_failed(int r, const char *path, size_t max, struct err *err)
{
	if (r == -ENOMEM)
		return r;
	if (r == -EFBIG)
		return err_set(err, -EBADMSG,
			       "%s: offset %zu: goes on where "
			       "it must end",
			       path, max);
	return err_set(err, -EBADMSG, "%s: offset 0: %s", path,
		       r == -ENOENT ? "the file is missing" : "cannot be read");
}

int layout_need(int dir, const char *path, size_t max, struct buf *b,
		struct err *err)
{
	int r = layout_read(dir, path, max, b);

	return r == 0 ? 0 : read_failed(r, path, max, err);
}

/* #syscalls:auditd mkdirat mkdir */
static int make_folders(int dir, const char *path)
{
	char part[LAYOUT_PATH];
	size_t i;

	for (i = 0; path[i] && i + 1 < sizeof(part); i++) {
		part[i] = path[i];
		if (path[i] != '/')
			continue;
		part[i] = 0;
		if (mkdirat(dir, part, 0700) < 0 && errno != EEXIST)
			return -errno;
		part[i] = '/';
	}
	return 0;
}

/* #syscalls:auditd fsync */
static int sync_fd(int fd)
{
	int r;

	do
		r = fsync(fd) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r;
}

/* #syscalls:auditd renameat rename */
int layout_publish(int dir, const char *path, struct span bytes,
		   enum layout_when sync)
{
	const bool durable = sync == LAYOUT_DURABLE;
	CLEAN_FD int fd = openat(
		dir, aside,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, bytes);
	if (r < 0)
		return r;
	r = sync != LAYOUT_LATER ? sync_fd(fd) : 0;
	if (r < 0)
		return r;
	if (renameat(dir, aside, dir, path) == 0)
		return durable ? layout_sync(dir, path, true) : 0;
	if (errno != ENOENT)
		return -errno;
	r = make_folders(dir, path);
	if (r < 0)
		return r;
	if (renameat(dir, aside, dir, path) < 0)
		return -errno;
	return durable ? layout_sync(dir, path, true) : 0;
}

static int sync_one(int dir, const char *path, int flags)
{
	CLEAN_FD int fd = openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : sync_fd(fd);
}

int layout_sync(int dir, const char *path, bool folders)
{
	char part[LAYOUT_PATH];
	size_t i;
	int r;

	if (str_copy(part, sizeof(part), span_str(path)) < 0)
		return -ENAMETOOLONG;
	r = sync_one(dir, part, O_RDONLY);
	if (!folders)
		return r;
	for (i = strlen(part); i > 0 && r == 0; i--) {
		if (part[i] != '/')
			continue;
		part[i] = 0;
		r = sync_one(dir, part, O_RDONLY | O_DIRECTORY);
	}
	return r < 0 ? r : sync_one(dir, ".", O_RDONLY | O_DIRECTORY);
}

int layout_compare(int dir, const char *path, struct span want, bool lax,
		   struct err *err)
{
	CLEAN_BUF struct buf b;
	size_t i;
	int r;

	buf_init(&b, want.n + 1);
	r = layout_read(dir, path, want.n, &b);
	if (lax && r == -ENOENT)
		return 1;
	if (r < 0)
		return read_failed(r, path, want.n, err);
	for (i = 0; i < b.n; i++)
		if (b.p[i] != want.p[i])
			return err_set(err, -EBADMSG,
				       "%s: offset %zu: is not what the log "
				       "says",
				       path, i);
	if (b.n == want.n)
		return 0;
	if (lax)
		return 1;
	return err_set(err, -EBADMSG, "%s: offset %zu: ends too early", path,
		       b.n);
}

/*
 * A set's unfinished tile: no row count above width may lie beside it.
 * fdopendir makes its descriptor close-on-exec.
 * #syscalls:auditd fcntl int1=F_SETFD
 */
static int check_widths(int dir, const char *folder, uint32_t width, bool clean,
			struct err *err)
{
	CLEAN_FD int fd =
		openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	uint64_t w;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	(void)take_fd(&fd);
	while (r == 0 && (e = readdir(d))) {
		if (num_parse(span_str(e->d_name), 1, TREE_TILE, &w) < 0)
			continue;
		if (w > width)
			r = err_set(err, -EBADMSG,
				    "%s/%s: offset 0: lies beyond the end of "
				    "the log",
				    folder, e->d_name);
		else if (clean && w < width)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	(void)closedir(d);
	return r;
}

/* #syscalls:auditd getdents64 unlinkat unlink lseek */
static int check_absent(int dir, const char *path, struct err *err)
{
	struct stat st;

	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return err_set(err, -EBADMSG,
		       "%s: offset 0: lies beyond the end of the log", path);
}

int layout_beyond(int dir, uint64_t size, bool clean, struct err *err)
{
	unsigned set;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS && r == 0; set++) {
		uint64_t n = layout_full(size, set);
		char path[LAYOUT_PATH];
		char folder[LAYOUT_PATH + 2];

		layout_path(path, set, n, 0);
		(void)str_printf(folder, sizeof(folder), "%s.p", path);
		r = check_absent(dir, path, err);
		if (r == 0)
			r = check_widths(dir, folder, layout_width(size, set),
					 clean, err);
		if (r < 0)
			break;
		layout_path(path, set, n + 1, 0);
		(void)str_printf(folder, sizeof(folder), "%s.p", path);
		r = check_absent(dir, path, err);
		if (r == 0)
			r = check_absent(dir, folder, err);
	}
	return r;
}

/* The hashes of level's unfinished tile, from the full tiles one below. */
static int edge_level(int dir, uint64_t base, unsigned level, struct tree *ret,
		      struct err *err)
{
	uint32_t width = tree_width(base, level);
	uint64_t first = (base >> (8 * level)) - width;
	CLEAN_BUF struct buf b;
	char path[LAYOUT_PATH];
	uint32_t i;
	int r = 0;

	buf_init(&b, TREE_TILE_BYTES + 1);
	for (i = 0; i < width && r == 0; i++) {
		layout_path(path, level - 1, first + i, 0);
		r = layout_need(dir, path, TREE_TILE_BYTES, &b, err);
		if (r == 0 && b.n != TREE_TILE_BYTES)
			r = err_set(err, -EBADMSG,
				    "%s: offset %zu: ends too early", path,
				    b.n);
		if (r == 0)
			r = tree_tile_root(b.p, ret->tile[level] +
							(size_t)i * TLOG_HASH);
	}
	ret->width[level] = width;
	return r;
}

int layout_edge(int dir, uint64_t base, struct tree *ret, struct err *err)
{
	unsigned level;
	int r = 0;

	for (level = 1; level < TREE_LEVELS && r == 0; level++)
		r = edge_level(dir, base, level, ret, err);
	ret->size = base;
	return r;
}

int layout_whole(int dir, uint64_t size, struct err *err)
{
	enum { BUNDLE_LEAST = TREE_TILE * 3 };
	char path[LAYOUT_PATH];
	struct stat st;
	unsigned set;
	uint64_t n;

	for (set = 0; set < LAYOUT_SETS; set++) {
		off_t least =
			set == LAYOUT_ENTRIES ? BUNDLE_LEAST : TREE_TILE_BYTES;

		for (n = 0; n < layout_full(size, set); n++) {
			layout_path(path, set, n, 0);
			if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
				return err_set(
					err, -EBADMSG, "%s: offset 0: %s", path,
					errno == ENOENT ? "the file is missing"
							: "cannot be read");
			if (!S_ISREG(st.st_mode) || st.st_size < least)
				return err_set(err, -EBADMSG,
					       "%s: offset %lld: ends too "
					       "early",
					       path, (long long)st.st_size);
		}
	}
	return 0;
}

/* The number of a tile, which its path has in parts: x001/x234/067. */
static int path_number(struct span s, uint64_t *ret)
{
	uint64_t n = 0;
	uint64_t part;

	for (;;) {
		bool more = s.n > 0 && s.p[0] == 'x';

		s = more ? span_of(s.p + 1, s.n - 1) : s;
		if (s.n < 3 || n > UINT64_MAX / 1000000)
			return -1;
		part = (uint64_t)(s.p[0] - '0') * 100 +
		       (uint64_t)(s.p[1] - '0') * 10 + (uint64_t)(s.p[2] - '0');
		if (part > 999)
			return -1;
		n = n * 1000 + part;
		if (!more)
			break;
		if (s.n < 4 || s.p[3] != '/')
			return -1;
		s = span_of(s.p + 4, s.n - 4);
	}
	*ret = n;
	return 0;
}

void layout_name_records(struct err *err)
{
	const struct err was = *err;
	unsigned set;
	uint64_t n;

	for (set = 0; set < LAYOUT_SETS; set++) {
		unsigned level = set == LAYOUT_ENTRIES ? 0 : set;
		char name[32];
		size_t len;

		set_name(name, sizeof(name), set);
		len = strlen(name);
		if (strncmp(was.msg, name, len) != 0 || was.msg[len] != '/' ||
		    path_number(span_str(was.msg + len + 1), &n) < 0)
			continue;
		n <<= 8 * (level + 1);
		(void)err_set(err, was.code, "%.400s (records from %llu on)",
			      was.msg, (unsigned long long)n);
	}
}
