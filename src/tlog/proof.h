/*
 * proof: checks of RFC 6962 proofs, for whoever holds a root and not the log:
 * that a record is in a tree, and that a tree grew out of an older one.
 */
#ifndef TLOG_PROOF_H
#define TLOG_PROOF_H

#include "tlog/tlog.h"

enum { PROOF_MAX = 64 }; /* hashes in a proof */

struct proof {
	size_t n;
	uint8_t hash[PROOF_MAX][TLOG_HASH];
};

/* True if leaf is record `index` of the tree of this size and root. */
[[nodiscard]] bool proof_inclusion(const struct proof *p, uint64_t index,
				   uint64_t size, const uint8_t leaf[TLOG_HASH],
				   const uint8_t root[TLOG_HASH]);

/*
 * True if the tree (size1, root1) is the beginning of (size2, root2). An empty
 * tree is the beginning of any and has no proof to check: the caller decides
 * that case, here it is false but for two equal empty trees.
 */
[[nodiscard]] bool proof_consistency(const struct proof *p, uint64_t size1,
				     uint64_t size2,
				     const uint8_t root1[TLOG_HASH],
				     const uint8_t root2[TLOG_HASH]);

#endif
