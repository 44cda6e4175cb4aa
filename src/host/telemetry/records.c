/* records: see records.h. */
#include "records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"

enum {
	CURSOR_DIGITS = 20,
	CURSOR_SUM = 8,
	CURSOR_BYTES = 7 + CURSOR_DIGITS + 1 + CURSOR_SUM + 1,
	NAMES_MAX = 4096, /* in a folder of unfinished bundles */
	TRIES = 4,	  /* of reading one that is being replaced */
};

void records_path(char dst[RECORDS_PATH], uint64_t number, uint32_t width)
{
	uint64_t unit = 1;
	size_t at = 0;

	while (number / unit / 1000)
		unit *= 1000;
	/* All but the last group of three digits have an x before them. */
	for (; unit; unit /= 1000) {
		int n = str_printf(dst + at, RECORDS_PATH - at, "%s%03u%s",
				   unit > 1 ? "x" : "",
				   (unsigned)(number / unit % 1000),
				   unit > 1 ? "/" : "");

		if (n < 0)
			return;
		at += (size_t)n;
	}
	if (width)
		(void)str_printf(dst + at, RECORDS_PATH - at, ".p/%u", width);
}

/* --- the cursor ---------------------------------------------------------- */

static void cursor_text(char dst[CURSOR_BYTES + 1], uint64_t next)
{
	char digits[CURSOR_DIGITS + 1], hex[2 * SHA256_LEN + 1];
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	(void)str_printf(digits, sizeof(digits), "%020llu",
			 (unsigned long long)next);
	sha256_init(&h);
	sha256_add(&h, span_str(digits));
	sha256_final(&h, sum);
	hex_encode(hex, sum, sizeof(sum));
	(void)str_printf(dst, CURSOR_BYTES + 1, "cursor %s %.*s\n", digits,
			 CURSOR_SUM, hex);
}

static uint64_t cursor_read(int fd)
{
	char is[CURSOR_BYTES + 1] = "", want[CURSOR_BYTES + 1];
	uint64_t next = 0;
	int i;

	if (fd < 0 || fd_pread_all(fd, is, CURSOR_BYTES, 0) != CURSOR_BYTES)
		return 0;
	for (i = 7; i < 7 + CURSOR_DIGITS; i++) {
		if (is[i] < '0' || is[i] > '9' ||
		    __builtin_mul_overflow(next, 10, &next) ||
		    __builtin_add_overflow(next, (uint64_t)(is[i] - '0'),
					   &next))
			return 0;
	}
	cursor_text(want, next);
	return memcmp(is, want, CURSOR_BYTES) == 0 ? next : 0;
}

void records_open(struct records *r, int dir, int cursor)
{
	*r = (struct records){ .dir = dir, .cursor = cursor };
	buf_init(&r->bundle, RECORDS_BUNDLE_MAX + 1);
	r->next = cursor_read(cursor);
}

void records_done(struct records *r)
{
	buf_done(&r->bundle);
}

/* #syscalls:telemetry pwrite64 pread64 fdatasync */
int records_keep(struct records *r, uint64_t next)
{
	char text[CURSOR_BYTES + 1];
	ssize_t n;

	r->next = next;
	if (r->cursor < 0)
		return 0;
	cursor_text(text, next);
	n = pwrite(r->cursor, text, CURSOR_BYTES, 0);
	if (n != CURSOR_BYTES)
		return n < 0 ? -errno : -EIO;
	return fdatasync(r->cursor) < 0 ? -errno : 0;
}

/* --- bundles ------------------------------------------------------------- */

/* The widest of an unfinished bundle's files; 0: there is none. */
/* #syscalls:telemetry openat int2&O_ACCMODE|O_CREAT|O_TRUNC|O_TMPFILE=0 */
/* #syscalls:telemetry getdents64 lseek fcntl int1=F_GETFL,F_SETFD */
static uint32_t widest(int dir, uint64_t number)
{
	char path[RECORDS_PATH];
	struct dirent *e;
	uint32_t best = 0;
	size_t n = 0;
	DIR *d;
	int fd;

	records_path(path, number, 1);
	path[strlen(path) - 2] = 0;
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		fd_close(&fd);
		return 0;
	}
	while ((e = readdir(d)) && n++ < NAMES_MAX) {
		uint64_t w;

		if (num_parse(span_str(e->d_name), 1, RECORDS_TILE - 1, &w) ==
			    0 &&
		    w > best)
			best = (uint32_t)w;
	}
	(void)closedir(d);
	return best;
}

/* A file into the bundle: 1, 0 if it is not there, or -errno. */
static int load_file(struct records *r, const char *path)
{
	CLEAN_FD int fd = openat(
		r->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	buf_reset(&r->bundle);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > RECORDS_BUNDLE_MAX)
		return -EBADMSG;
	if (!buf_extend(&r->bundle, (size_t)st.st_size))
		return st.st_size ? -ENOMEM : -EBADMSG;
	n = fd_read_all(fd, r->bundle.p, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	return n == st.st_size ? 1 : -EBADMSG;
}

/* The row at an offset of the bundle; false: there is no whole one. */
static bool row_at(const struct records *r, size_t off, struct span *ret)
{
	const struct buf *b = &r->bundle;
	size_t n;

	if (off > b->n || b->n - off < 2)
		return false;
	n = (size_t)b->p[off] << 8 | b->p[off + 1];
	if (!n || n > b->n - off - 2)
		return false;
	*ret = span_of(b->p + off + 2, n);
	return true;
}

static uint32_t count_rows(const struct records *r)
{
	struct span row;
	uint32_t n = 0;
	size_t off = 0;

	while (n < RECORDS_TILE && row_at(r, off, &row)) {
		off += 2 + row.n;
		n++;
	}
	return off == r->bundle.n ? n : 0;
}

/* The bundle as it is now: 1, 0 if there is none yet, or -errno. */
static int load_bundle(struct records *r, uint64_t number)
{
	char path[RECORDS_PATH];
	uint32_t width = 0;
	int try, e = 0;

	r->rows = 0;
	for (try = 0; try < TRIES && e == 0; try++) {
		records_path(path, number, 0);
		e = load_file(r, path);
		width = RECORDS_TILE;
		if (e)
			break;
		width = widest(r->dir, number);
		if (!width)
			return 0;
		records_path(path, number, width);
		/* A wider one, or the full one, may have taken its place. */
		e = load_file(r, path);
	}
	if (e <= 0)
		return e;
	if (count_rows(r) != width)
		return -EBADMSG;
	r->number = number;
	r->rows = width;
	r->at = 0;
	r->off = 0;
	return 1;
}

int records_get(struct records *r, uint64_t index, struct span *ret)
{
	uint64_t number = index / RECORDS_TILE;
	uint32_t row = (uint32_t)(index % RECORDS_TILE);
	int e;

	if (!r->rows || r->number != number || row >= r->rows) {
		e = load_bundle(r, number);
		if (e <= 0)
			return e;
	}
	if (row >= r->rows)
		return 0;
	if (row < r->at) {
		r->at = 0;
		r->off = 0;
	}
	while (row_at(r, r->off, ret)) {
		if (r->at == row)
			return 1;
		r->off += 2 + ret->n;
		r->at++;
	}
	return -EBADMSG;
}
