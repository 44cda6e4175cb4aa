/* tree: see tree.h. */
#include "tlog/tree.h"

#include <errno.h>
#include <openssl/evp.h>

/*
 * What each hash would otherwise look up and allocate anew, which takes longer
 * than hashing a node. Kept for good: there is one for a process.
 */
static struct {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
} sha256;

static bool sha256_ready(void)
{
	if (!sha256.md)
		sha256.md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (!sha256.ctx)
		sha256.ctx = EVP_MD_CTX_new();
	return sha256.md && sha256.ctx;
}

static int sha256_of(uint8_t ret[TLOG_HASH], const struct span *parts, size_t n)
{
	size_t i;

	if (!sha256_ready() ||
	    EVP_DigestInit_ex2(sha256.ctx, sha256.md, NULL) != 1)
		return -EIO;
	for (i = 0; i < n; i++)
		if (EVP_DigestUpdate(sha256.ctx, parts[i].p, parts[i].n) != 1)
			return -EIO;
	return EVP_DigestFinal_ex(sha256.ctx, ret, NULL) == 1 ? 0 : -EIO;
}

int hash_leaf(uint8_t ret[TLOG_HASH], struct span record)
{
	const struct span parts[] = { SPAN_LIT("\0"), record };

	return sha256_of(ret, parts, ARRAY_SIZE(parts));
}

int hash_node(uint8_t ret[TLOG_HASH], const uint8_t left[TLOG_HASH],
	      const uint8_t right[TLOG_HASH])
{
	const struct span parts[] = { SPAN_LIT("\1"), span_of(left, TLOG_HASH),
				      span_of(right, TLOG_HASH) };

	return sha256_of(ret, parts, ARRAY_SIZE(parts));
}

int hash_bytes(uint8_t ret[TLOG_HASH], struct span a, struct span b)
{
	const struct span parts[] = { a, b };

	return sha256_of(ret, parts, ARRAY_SIZE(parts));
}

uint32_t tree_width(uint64_t size, unsigned level)
{
	return (uint32_t)(size >> (8 * level) & 0xff);
}

uint64_t tree_full_tiles(uint64_t size, unsigned level)
{
	return level + 1 >= TREE_LEVELS ? 0 : size >> (8 * (level + 1));
}

/* Hashes neighbours together, n a power of two, until one is left. */
static int perfect_root(const uint8_t *hashes, uint32_t n,
			uint8_t ret[TLOG_HASH])
{
	uint8_t row[TREE_TILE_BYTES];
	uint32_t i;
	int r;

	memcpy(row, hashes, (size_t)n * TLOG_HASH);
	for (; n > 1; n /= 2) {
		for (i = 0; i < n / 2; i++) {
			const uint8_t *pair = row + (size_t)2 * i * TLOG_HASH;

			r = hash_node(row + (size_t)i * TLOG_HASH, pair,
				      pair + TLOG_HASH);
			if (r < 0)
				return r;
		}
	}
	memcpy(ret, row, TLOG_HASH);
	return 0;
}

int tree_tile_root(const uint8_t *tile, uint8_t ret[TLOG_HASH])
{
	return perfect_root(tile, TREE_TILE, ret);
}

int tree_add(struct tree *t, const uint8_t leaf[TLOG_HASH], tree_full_fn fn,
	     void *arg)
{
	uint8_t hash[TLOG_HASH];
	unsigned level;
	int r;

	memcpy(hash, leaf, TLOG_HASH);
	t->size++;
	for (level = 0; level < TREE_LEVELS; level++) {
		uint8_t *tile = t->tile[level];

		memcpy(tile + (size_t)t->width[level] * TLOG_HASH, hash,
		       TLOG_HASH);
		if (++t->width[level] < TREE_TILE)
			return 0;
		t->width[level] = 0;
		r = tree_tile_root(tile, hash);
		if (r == 0)
			r = fn(arg, level, tree_full_tiles(t->size, level) - 1,
			       tile);
		if (r < 0)
			return r;
	}
	return -EFBIG;
}

/*
 * RFC 6962: the largest perfect subtree on the left, the rest on the right.
 * Going from the right edge to the left, each perfect subtree found is the
 * left sibling of everything that was folded before it.
 */
int tree_root(const struct tree *t, uint8_t ret[TLOG_HASH])
{
	bool any = false;
	unsigned level;
	uint32_t bit;
	int r;

	for (level = 0; level < TREE_LEVELS; level++) {
		uint32_t end = t->width[level];

		for (bit = 1; bit < TREE_TILE; bit *= 2) {
			uint8_t peak[TLOG_HASH];

			if (!(end & bit))
				continue;
			end -= bit;
			r = perfect_root(t->tile[level] +
						 (size_t)end * TLOG_HASH,
					 bit, peak);
			if (r == 0 && any)
				r = hash_node(ret, peak, ret);
			else if (r == 0)
				memcpy(ret, peak, TLOG_HASH);
			if (r < 0)
				return r;
			any = true;
		}
	}
	return any ? 0 : hash_bytes(ret, span_of(NULL, 0), span_of(NULL, 0));
}
