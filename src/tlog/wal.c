/* wal: see wal.h. */
#include "tlog/wal.h"

#include <errno.h>

#include "base/rd.h"

static const char file_magic[16] = "bulkhead wal 1\n";
static const char batch_magic[4] = { 'b', 't', 'c', 'h' };

enum {
	FILE_FIELDS = WAL_HEAD - TLOG_HASH, /* what the head's hash covers */
	HEAD_FIELDS = WAL_BATCH_HEAD - 4,
	SECTOR = 512, /* what a disk writes whole */
};

int wal_begin(struct buf *b, uint64_t base, uint8_t chain[TLOG_HASH])
{
	size_t at = b->n;

	buf_put(b, file_magic, sizeof(file_magic));
	buf_u64(b, base);
	if (!buf_ok(b) || hash_bytes(chain, span_of(b->p + at, FILE_FIELDS),
				     span_of(NULL, 0)) < 0)
		return -EIO;
	buf_put(b, chain, TLOG_HASH);
	return buf_ok(b) ? 0 : -EIO;
}

int wal_batch(struct buf *b, uint64_t first, uint32_t n, struct span rows,
	      uint8_t chain[TLOG_HASH])
{
	uint8_t check[TLOG_HASH];
	size_t at = b->n;

	buf_put(b, batch_magic, sizeof(batch_magic));
	buf_u32(b, n);
	buf_u32(b, (uint32_t)rows.n);
	buf_u64(b, first);
	if (!buf_ok(b) || hash_bytes(check, span_of(chain, TLOG_HASH),
				     span_of(b->p + at, HEAD_FIELDS)) < 0)
		return -EIO;
	buf_put(b, check, 4);
	buf_span(b, rows);
	if (!buf_ok(b) || hash_bytes(chain, span_of(chain, TLOG_HASH),
				     span_of(b->p + at, b->n - at)) < 0)
		return -EIO;
	buf_put(b, chain, TLOG_HASH);
	return buf_ok(b) ? 0 : -EIO;
}

void wal_put_row(struct buf *b, struct span record)
{
	buf_u8(b, (uint8_t)(record.n >> 8));
	buf_u8(b, (uint8_t)record.n);
	buf_span(b, record);
}

bool wal_row(struct span *rows, struct span *record)
{
	size_t n;

	if (rows->n < 2)
		return false;
	n = (size_t)rows->p[0] << 8 | rows->p[1];
	if (n == 0 || n > rows->n - 2)
		return false;
	*record = span_of(rows->p + 2, n);
	*rows = span_of(rows->p + 2 + n, rows->n - 2 - n);
	return true;
}

enum wal_result wal_open(struct wal_walk *w, struct span bytes)
{
	struct rd rd;

	*w = (struct wal_walk){ .bytes = bytes };
	rd_init(&rd, bytes);
	if (bytes.n < WAL_HEAD)
		return WAL_BAD;
	if (!span_eq(rd_bytes(&rd, sizeof(file_magic)),
		     span_of(file_magic, sizeof(file_magic))))
		return WAL_BAD;
	w->base = rd_u64(&rd);
	w->next = w->base;
	if (hash_bytes(w->chain, span_of(bytes.p, FILE_FIELDS),
		       span_of(NULL, 0)) < 0 ||
	    !span_eq(rd_bytes(&rd, TLOG_HASH), span_of(w->chain, TLOG_HASH)) ||
	    w->base % TREE_TILE || w->base > INT64_MAX)
		return WAL_BAD;
	w->off = rd.pos;
	return WAL_OK;
}

/* True if all of these bytes are zero: blocks that were never written. */
static bool unwritten(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

/*
 * What a crash may leave of a batch's head: nothing of it, or, where a sector
 * ends inside it, its beginning and then zeros.
 */
static enum wal_result torn_head(struct span head, size_t off)
{
	size_t kept = (SECTOR - off % SECTOR) % SECTOR;
	size_t magic = sizeof(batch_magic);

	if (kept >= head.n)
		kept = 0;
	if (magic > kept)
		magic = kept;
	if (memcmp(head.p, batch_magic, magic) == 0 &&
	    unwritten(span_of(head.p + kept, head.n - kept)))
		return WAL_TORN;
	return unwritten(head) ? WAL_TORN : WAL_BAD;
}

/* The number of rows in a batch's bytes; 0 if they are not whole rows. */
static uint32_t count_rows(struct span rows)
{
	struct span record;
	uint32_t n = 0;

	while (n < WAL_BATCH && wal_row(&rows, &record))
		n++;
	return rows.n ? 0 : n;
}

enum wal_result wal_next(struct wal_walk *w)
{
	struct span left = span_of(w->bytes.p + w->off, w->bytes.n - w->off);
	uint8_t check[TLOG_HASH];
	struct rd rd;
	uint32_t n, len;
	uint64_t first;

	if (left.n == 0)
		return WAL_END;
	if (left.n < WAL_BATCH_HEAD)
		return WAL_TORN;
	rd_init(&rd, left);
	(void)rd_bytes(&rd, sizeof(batch_magic));
	n = rd_u32(&rd);
	len = rd_u32(&rd);
	first = rd_u64(&rd);
	if (hash_bytes(check, span_of(w->chain, TLOG_HASH),
		       span_of(left.p, HEAD_FIELDS)) < 0)
		return WAL_BAD;
	if (!span_eq(rd_bytes(&rd, 4), span_of(check, 4)))
		return torn_head(span_of(left.p, WAL_BATCH_HEAD), w->off);
	w->rows = rd_bytes(&rd, len);
	if (rd.bad || rd_left(&rd) < TLOG_HASH)
		return WAL_TORN;
	if (hash_bytes(check, span_of(w->chain, TLOG_HASH),
		       span_of(left.p, rd.pos)) < 0)
		return WAL_BAD;
	/* Only the last batch may be torn: bytes behind it, and it is not. */
	if (!span_eq(rd_bytes(&rd, TLOG_HASH), span_of(check, TLOG_HASH)))
		return rd_left(&rd) ? WAL_BAD : WAL_TORN;
	if (first != w->next || n == 0 || count_rows(w->rows) != n)
		return WAL_BAD;
	memcpy(w->chain, check, TLOG_HASH);
	w->n = n;
	w->next += n;
	w->off += rd.pos;
	return WAL_OK;
}
