/*
 * tree: the Merkle tree of RFC 6962 over SHA-256, kept as the tiles on its
 * right edge. Pure: no I/O; whoever feeds it gets each tile as it fills.
 *
 * A tile of level l is 256 hashes, each the root of 256^l records. Only the
 * last, unfinished tile of each level is needed to go on and to compute the
 * root, so the state is the same few kilobytes at any size.
 */
#ifndef TLOG_TREE_H
#define TLOG_TREE_H

#include "base/span.h"
#include "tlog/tlog.h"

enum {
	TREE_LEVELS = 8, /* 256^8 records */
	TREE_TILE = 256, /* hashes in a full tile */
	TREE_TILE_BYTES = TREE_TILE * TLOG_HASH,
};

struct tree {
	uint64_t size;
	uint32_t width[TREE_LEVELS]; /* hashes in the unfinished tile */
	uint8_t tile[TREE_LEVELS][TREE_TILE_BYTES];
};

/* SHA-256 of a leaf (prefix 0x00) and of a node (0x01). 0, or -EIO when the
 * library cannot hash. */
[[nodiscard]] int hash_leaf(uint8_t ret[TLOG_HASH], struct span record);
[[nodiscard]] int hash_node(uint8_t ret[TLOG_HASH],
			    const uint8_t left[TLOG_HASH],
			    const uint8_t right[TLOG_HASH]);
/* Of two spans in turn, without a prefix; either may be empty. */
[[nodiscard]] int hash_bytes(uint8_t ret[TLOG_HASH], struct span a,
			     struct span b);

/* Hashes that level l's unfinished tile has in a tree of this size. */
uint32_t tree_width(uint64_t size, unsigned level);

/* Full tiles of level l in a tree of this size. */
uint64_t tree_full_tiles(uint64_t size, unsigned level);

/* The root of n hashes, 1 <= n <= 256, of equal height but for the order. */
[[nodiscard]] int tree_tile_root(const uint8_t *tile, uint8_t ret[TLOG_HASH]);

/* Called with each tile as it fills: level, index, TREE_TILE_BYTES. */
typedef int (*tree_full_fn)(void *arg, unsigned level, uint64_t n,
			    const uint8_t *tile);

/* Adds a leaf hash. Returns 0, -EIO, or what fn returned. */
[[nodiscard]] int tree_add(struct tree *t, const uint8_t leaf[TLOG_HASH],
			   tree_full_fn fn, void *arg);

/* The root of the whole tree; of an empty one the hash of no bytes. */
[[nodiscard]] int tree_root(const struct tree *t, uint8_t ret[TLOG_HASH]);

#endif
