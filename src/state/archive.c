/* archive: see archive.h. */
#include "state/archive.h"

#include <errno.h>

#include "base/fd.h"
#include "base/str.h"

/* Where the fields of a ustar header lie, and how long they are. */
enum {
	AT_NAME = 0,
	LEN_NAME = 100,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	LEN_SIZE = 12,
	AT_MTIME = 136,
	AT_SUM = 148,
	LEN_SUM = 8,
	AT_TYPE = 156,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
	LEN_PREFIX = 155,
};

static const char top[] = "bulkhead-state/";
static const char sums_name[] = "SHA256SUMS";
static const char magic[8] = { 'u', 's', 't', 'a', 'r', 0, '0', '0' };

void archive_init(struct archive *a, int fd)
{
	*a = (struct archive){ .fd = fd };
	buf_init(&a->sums, ARCHIVE_SUMS_MAX);
}

void archive_done(struct archive *a)
{
	buf_done(&a->sums);
}

/* Names come from us alone: a part is not empty and does not begin with a dot.
 */
bool archive_path_ok(const char *path)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789._-";
	size_t n;

	if (strlen(path) + sizeof(top) > ARCHIVE_PATH)
		return false;
	for (;; path++) {
		n = strspn(path, alphabet);
		if (!n || path[0] == '.' || n > LEN_NAME)
			return false;
		path += n;
		if (!*path)
			return true;
		if (*path != '/')
			return false;
	}
}

static unsigned header_sum(const uint8_t h[ARCHIVE_BLOCK])
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < ARCHIVE_BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + LEN_SUM ? ' ' : h[i];
	return sum;
}

/* Octal digits and a NUL; the field is all zeros so far. */
static void put_octal(uint8_t *p, size_t n, uint64_t v)
{
	size_t i;

	for (i = n - 1; i-- > 0; v >>= 3)
		p[i] = (uint8_t)('0' + (v & 7));
}

/* The name, cut in two where it is longer than its field. */
static int put_name(uint8_t h[ARCHIVE_BLOCK], const char *path)
{
	char full[ARCHIVE_PATH];
	const char *name = full;
	int n = str_printf(full, sizeof(full), "%s%s", top, path);

	if (n < 0)
		return -ENAMETOOLONG;
	if (n > LEN_NAME) {
		name = strchr(full + n - LEN_NAME - 1, '/');
		if (!name || name - full > LEN_PREFIX)
			return -ENAMETOOLONG;
		memcpy(h + AT_PREFIX, full, (size_t)(name - full));
		name++;
	}
	/* A name that fills its field has no NUL behind it. */
	memcpy(h + AT_NAME, name, (size_t)n - (size_t)(name - full));
	return 0;
}

static int put_header(struct archive *a, const char *path, uint64_t size)
{
	uint8_t h[ARCHIVE_BLOCK] = { 0 };
	int r;

	if (!archive_path_ok(path))
		return -EINVAL;
	if (size >= ARCHIVE_FILE_MAX || a->files == ARCHIVE_FILES)
		return -EFBIG;
	r = put_name(h, path);
	if (r < 0)
		return r;
	put_octal(h + AT_MODE, 8, 0600);
	put_octal(h + AT_UID, 8, 0);
	put_octal(h + AT_GID, 8, 0);
	put_octal(h + AT_SIZE, LEN_SIZE, size);
	put_octal(h + AT_MTIME, 12, 0);
	h[AT_TYPE] = '0';
	memcpy(h + AT_MAGIC, magic, sizeof(magic));
	put_octal(h + AT_SUM, LEN_SUM - 1, header_sum(h));
	h[AT_SUM + LEN_SUM - 1] = ' ';
	a->files++;
	a->bytes += size;
	return fd_write_all(a->fd, span_of(h, sizeof(h)));
}

/* Zeros up to the next block. */
static int put_padding(struct archive *a, uint64_t size)
{
	static const uint8_t zeros[ARCHIVE_BLOCK];
	size_t n = (ARCHIVE_BLOCK - size % ARCHIVE_BLOCK) % ARCHIVE_BLOCK;

	return fd_write_all(a->fd, span_of(zeros, n));
}

static int note_sum(struct archive *a, const char *path, struct sha256 *s)
{
	char hex[2 * SHA256_LEN + 1];
	uint8_t sum[SHA256_LEN];

	sha256_final(s, sum);
	hex_encode(hex, sum, sizeof(sum));
	buf_printf(&a->sums, "%s  %s\n", hex, path);
	return buf_ok(&a->sums) ? 0 : -EFBIG;
}

int archive_add(struct archive *a, const char *path, struct span bytes)
{
	struct sha256 s;
	int r = put_header(a, path, bytes.n);

	if (r == 0)
		r = fd_write_all(a->fd, bytes);
	if (r == 0)
		r = put_padding(a, bytes.n);
	if (r < 0)
		return r;
	sha256_init(&s);
	sha256_add(&s, bytes);
	return note_sum(a, path, &s);
}

int archive_add_fd(struct archive *a, const char *path, int fd, uint64_t size)
{
	uint8_t chunk[64 << 10];
	uint64_t left = size;
	struct sha256 s;
	int r = put_header(a, path, size);

	sha256_init(&s);
	while (r == 0 && left) {
		size_t want =
			left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		ssize_t n = fd_pread_all(fd, chunk, want, (off_t)(size - left));

		if (n != (ssize_t)want)
			return n < 0 ? (int)n : -EAGAIN;
		sha256_add(&s, span_of(chunk, want));
		r = fd_write_all(a->fd, span_of(chunk, want));
		left -= want;
	}
	if (r == 0)
		r = put_padding(a, size);
	return r < 0 ? r : note_sum(a, path, &s);
}

int archive_end(struct archive *a)
{
	static const uint8_t zeros[2 * ARCHIVE_BLOCK];
	int r = put_header(a, sums_name, a->sums.n);

	if (r == 0)
		r = fd_write_all(a->fd, buf_view(&a->sums));
	if (r == 0)
		r = put_padding(a, a->sums.n);
	return r < 0 ? r : fd_write_all(a->fd, span_of(zeros, sizeof(zeros)));
}

/* reading */

static int bad(const struct archive *a, struct err *err, const char *what)
{
	return err_set(err, -EBADMSG,
		       "member %llu: %s: this is no whole backup of bulkhead, "
		       "take another copy of it",
		       (unsigned long long)a->files + 1, what);
}

static int read_block(struct archive *a, uint8_t h[ARCHIVE_BLOCK],
		      struct err *err)
{
	ssize_t n = fd_read_all(a->fd, h, ARCHIVE_BLOCK);

	if (n == ARCHIVE_BLOCK)
		return 0;
	return n < 0 ? err_set(err, (int)n, "cannot read the backup: %s",
			       strerror((int)-n))
		     : bad(a, err, "the archive ends too early");
}

static int get_octal(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(p[i] - '0');
	if (i == 0 || i > 11 || (i < n && p[i] != 0 && p[i] != ' '))
		return -1;
	*ret = v;
	return 0;
}

/* Takes the name out of a header: below bulkhead-state/, and harmless. */
static int get_name(const uint8_t h[ARCHIVE_BLOCK], char path[ARCHIVE_PATH])
{
	char full[LEN_PREFIX + 1 + LEN_NAME + 1];
	size_t n = strnlen((const char *)h + AT_NAME, LEN_NAME);
	size_t p = strnlen((const char *)h + AT_PREFIX, LEN_PREFIX);

	if (str_printf(full, sizeof(full), "%.*s%s%.*s", (int)p, h + AT_PREFIX,
		       p ? "/" : "", (int)n, h + AT_NAME) < 0 ||
	    strncmp(full, top, sizeof(top) - 1) != 0 ||
	    !archive_path_ok(full + sizeof(top) - 1))
		return -1;
	return str_copy(path, ARCHIVE_PATH, span_str(full + sizeof(top) - 1));
}

static int get_header(struct archive *a, const uint8_t h[ARCHIVE_BLOCK],
		      struct member *m, struct err *err)
{
	uint64_t sum;

	if (memcmp(h + AT_MAGIC, magic, 5) != 0)
		return bad(a, err, "not a tar archive");
	if (get_octal(h + AT_SUM, LEN_SUM, &sum) < 0 || sum != header_sum(h))
		return bad(a, err, "its header is damaged");
	if (h[AT_TYPE] != '0' && h[AT_TYPE] != 0)
		return bad(a, err, "not a plain file");
	if (get_name(h, m->path) < 0)
		return bad(a, err, "a name that no backup has");
	if (get_octal(h + AT_SIZE, LEN_SIZE, &m->left) < 0 ||
	    m->left >= ARCHIVE_FILE_MAX || a->files == ARCHIVE_FILES)
		return bad(a, err, "too large");
	return 0;
}

/* The blocks of zeros that end an archive, and nothing behind them. */
static int read_end(struct archive *a, struct err *err)
{
	uint8_t block[ARCHIVE_BLOCK];
	bool zeros = true;
	size_t i;
	ssize_t n;

	while (zeros && (n = fd_read_all(a->fd, block, sizeof(block))) > 0)
		for (i = 0; i < (size_t)n; i++)
			zeros &= !block[i];
	return zeros ? 0 : bad(a, err, "something lies behind its end");
}

/* The member SHA256SUMS: exactly what was read so far. */
static int read_sums(struct archive *a, struct member *m, struct err *err)
{
	CLEAN_BUF struct buf have;
	uint8_t block[ARCHIVE_BLOCK];
	uint8_t *p;
	ssize_t n;

	buf_init(&have, ARCHIVE_SUMS_MAX);
	if (m->left != a->sums.n)
		return bad(a, err, "the sums are not those of its files");
	p = buf_extend(&have, (size_t)m->left);
	n = p ? archive_read(a, m, p, (size_t)m->left, err) : -ENOMEM;
	if (n < 0)
		return (int)n;
	if (!span_eq(buf_view(&have), buf_view(&a->sums)))
		return bad(a, err, "the sums are not those of its files");
	if (read_block(a, block, err) < 0)
		return -EBADMSG;
	for (n = 0; n < ARCHIVE_BLOCK; n++)
		if (block[n])
			return bad(a, err, "something lies behind the sums");
	return read_end(a, err);
}

static int count_member(struct archive *a, struct member *m, struct err *err)
{
	if (note_sum(a, m->path, &m->sum) < 0)
		return bad(a, err, "too many files");
	a->files++;
	return 0;
}

int archive_next(struct archive *a, struct member *ret, struct err *err)
{
	uint8_t h[ARCHIVE_BLOCK];
	int r = read_block(a, h, err);

	if (r == 0)
		r = get_header(a, h, ret, err);
	if (r < 0)
		return r;
	ret->size = 0;
	sha256_init(&ret->sum);
	if (!strcmp(ret->path, sums_name))
		return read_sums(a, ret, err);
	a->bytes += ret->left;
	r = ret->left ? 0 : count_member(a, ret, err);
	return r < 0 ? r : 1;
}

/* After the last byte: the padding, and the sum. */
static int end_member(struct archive *a, struct member *m, struct err *err)
{
	uint8_t rest[ARCHIVE_BLOCK];
	size_t n = (ARCHIVE_BLOCK - m->size % ARCHIVE_BLOCK) % ARCHIVE_BLOCK;
	ssize_t got = n ? fd_read_all(a->fd, rest, n) : 0;

	if (got != (ssize_t)n)
		return bad(a, err, "the archive ends too early");
	return strcmp(m->path, sums_name) != 0 ? count_member(a, m, err) : 0;
}

ssize_t archive_read(struct archive *a, struct member *m, void *p, size_t n,
		     struct err *err)
{
	size_t want = n < m->left ? n : (size_t)m->left;
	ssize_t got;
	int r;

	if (!want)
		return 0;
	got = fd_read_all(a->fd, p, want);
	if (got != (ssize_t)want)
		return got < 0 ? err_set(err, (int)got,
					 "cannot read the backup: %s",
					 strerror((int)-got))
			       : bad(a, err, "the archive ends too early");
	sha256_add(&m->sum, span_of(p, want));
	m->left -= want;
	m->size += want;
	if (m->left)
		return got;
	r = end_member(a, m, err);
	return r < 0 ? r : got;
}
