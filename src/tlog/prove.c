/*
 * prove: see prove.h. A subtree is a range of records, aligned to a power of
 * two that holds it; its hash is folded from the complete subtrees that make it
 * up, and those stand in the tiles or are folded from one tile's hashes.
 */
#include "tlog/prove.h"

#include <errno.h>

#include "tlog/layout.h"

enum { TILE_HEIGHT = 8, HEIGHT_MAX = 63 };

/* The tiles of a log of one size; the last one read is kept. */
struct tiles {
	int dir;
	uint64_t size;
	struct err *err;
	struct buf tile;
	unsigned level; /* of the tile at hand */
	uint64_t n;
	bool any; /* there is one */
};

static void tiles_done(struct tiles *t)
{
	buf_done(&t->tile);
}

#define CLEAN_TILES __attribute__((cleanup(tiles_done)))

static void tiles_init(struct tiles *t, int dir, uint64_t size, struct err *err)
{
	*t = (struct tiles){ .dir = dir, .size = size, .err = err };
	buf_init(&t->tile, TREE_TILE_BYTES + 1);
}

static int load_tile(struct tiles *t, unsigned level, uint64_t n)
{
	bool full = n < tree_full_tiles(t->size, level);
	size_t rows = full ? TREE_TILE : tree_width(t->size, level);
	char path[LAYOUT_PATH];
	int r;

	if (t->any && t->level == level && t->n == n)
		return 0;
	t->any = false;
	layout_path(path, level, n, full ? 0 : (uint32_t)rows);
	r = layout_need(t->dir, path, rows * TLOG_HASH, &t->tile, t->err);
	if (r < 0)
		return r;
	if (t->tile.n != rows * TLOG_HASH)
		return err_set(t->err, -EBADMSG,
			       "%s: offset %zu: ends too early", path,
			       t->tile.n);
	t->level = level;
	t->n = n;
	t->any = true;
	return 0;
}

/* The hash of the 2^height records from index on, index a multiple of that. */
static int complete(struct tiles *t, unsigned height, uint64_t index,
		    uint8_t ret[TLOG_HASH])
{
	unsigned level = height / TILE_HEIGHT;
	size_t n = (size_t)1 << height % TILE_HEIGHT;
	uint64_t at = index >> (level * TILE_HEIGHT);
	uint8_t fold[TREE_TILE_BYTES];
	size_t i;
	int r = load_tile(t, level, at / TREE_TILE);

	if (r < 0)
		return r;
	memcpy(fold, t->tile.p + at % TREE_TILE * TLOG_HASH, n * TLOG_HASH);
	for (; n > 1 && r == 0; n /= 2)
		for (i = 0; i < n / 2 && r == 0; i++)
			r = hash_node(fold + i * TLOG_HASH,
				      fold + 2 * i * TLOG_HASH,
				      fold + (2 * i + 1) * TLOG_HASH);
	memcpy(ret, fold, TLOG_HASH);
	return r;
}

/* The height of the largest complete tree in so many records. */
static unsigned height_of(uint64_t records)
{
	return HEIGHT_MAX - (unsigned)__builtin_clzll(records);
}

/* The hash of the subtree of records [from, to): from the right, each complete
 * part takes what stands beside it. */
static int subtree(struct tiles *t, uint64_t from, uint64_t to,
		   uint8_t ret[TLOG_HASH])
{
	uint8_t left[TLOG_HASH];
	uint64_t end = to;
	int r = 0;

	while (end > from && r == 0) {
		unsigned height = (unsigned)__builtin_ctzll(end - from);
		bool last = end == to;

		end -= (uint64_t)1 << height;
		r = complete(t, height, end, last ? ret : left);
		if (r == 0 && !last)
			r = hash_node(ret, left, ret);
	}
	return r;
}

static int add(struct tiles *t, struct proof *p, uint64_t from, uint64_t to)
{
	if (p->n == PROOF_MAX)
		return -EINVAL;
	return subtree(t, from, to, p->hash[p->n++]);
}

/* The proofs are made from the root down, and go from the leaf up. */
static void turn(struct proof *p)
{
	size_t i;

	for (i = 0; i < p->n / 2; i++) {
		uint8_t swap[TLOG_HASH];

		memcpy(swap, p->hash[i], TLOG_HASH);
		memcpy(p->hash[i], p->hash[p->n - 1 - i], TLOG_HASH);
		memcpy(p->hash[p->n - 1 - i], swap, TLOG_HASH);
	}
}

/* Where a subtree of n > 1 records parts: the largest power of two below n. */
static uint64_t parting(uint64_t n)
{
	return (uint64_t)1 << height_of(n - 1);
}

int prove_inclusion(int dir, uint64_t index, uint64_t size, struct proof *ret,
		    struct err *err)
{
	CLEAN_TILES struct tiles t;
	uint64_t from = 0;
	uint64_t to = size;
	int r = 0;

	tiles_init(&t, dir, size, err);
	ret->n = 0;
	if (index >= size)
		return -EINVAL;
	while (to - from > 1 && r == 0) {
		uint64_t middle = from + parting(to - from);

		if (index < middle) {
			r = add(&t, ret, middle, to);
			to = middle;
		} else {
			r = add(&t, ret, from, middle);
			from = middle;
		}
	}
	turn(ret);
	return r;
}

int prove_consistency(int dir, uint64_t size1, uint64_t size2,
		      struct proof *ret, struct err *err)
{
	CLEAN_TILES struct tiles t;
	uint64_t from = 0;
	uint64_t to = size2;
	int r = 0;

	tiles_init(&t, dir, size2, err);
	ret->n = 0;
	if (size1 > size2)
		return -EINVAL;
	if (size1 == 0 || size1 == size2)
		return 0;
	while (size1 < to && r == 0) {
		uint64_t middle = from + parting(to - from);

		if (size1 <= middle) {
			r = add(&t, ret, middle, to);
			to = middle;
		} else {
			r = add(&t, ret, from, middle);
			from = middle;
		}
	}
	/* An old tree that is complete is known to whoever checks. */
	if (r == 0 && from > 0)
		r = add(&t, ret, from, to);
	turn(ret);
	return r;
}

int prove_root(int dir, uint64_t at, uint64_t size, uint8_t ret[TLOG_HASH],
	       struct err *err)
{
	CLEAN_TILES struct tiles t;

	tiles_init(&t, dir, size, err);
	return at < 1 || at > size ? -EINVAL : subtree(&t, 0, at, ret);
}
