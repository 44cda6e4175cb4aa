/* proof: see proof.h. The algorithms are those of RFC 9162, section 2.1. */
#include "tlog/proof.h"

#include "tlog/tree.h"

bool proof_inclusion(const struct proof *p, uint64_t index, uint64_t size,
		     const uint8_t leaf[TLOG_HASH],
		     const uint8_t root[TLOG_HASH])
{
	uint8_t hash[TLOG_HASH];
	uint64_t at = index;
	uint64_t last = size - 1;
	size_t i;

	if (index >= size)
		return false;
	memcpy(hash, leaf, TLOG_HASH);
	for (i = 0; i < p->n; i++) {
		if (last == 0)
			return false;
		if (at & 1 || at == last) {
			if (hash_node(hash, p->hash[i], hash) < 0)
				return false;
			while (!(at & 1) && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else if (hash_node(hash, hash, p->hash[i]) < 0) {
			return false;
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(hash, root, TLOG_HASH) == 0;
}

/* Folds the proof from hash i on into the old root and the new one. */
static bool fold_both(const struct proof *p, size_t i, uint64_t at,
		      uint64_t last, uint8_t old[TLOG_HASH],
		      uint8_t now[TLOG_HASH])
{
	for (; i < p->n; i++) {
		if (last == 0)
			return false;
		if (at & 1 || at == last) {
			if (hash_node(old, p->hash[i], old) < 0 ||
			    hash_node(now, p->hash[i], now) < 0)
				return false;
			while (!(at & 1) && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else if (hash_node(now, now, p->hash[i]) < 0) {
			return false;
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0;
}

bool proof_consistency(const struct proof *p, uint64_t size1, uint64_t size2,
		       const uint8_t root1[TLOG_HASH],
		       const uint8_t root2[TLOG_HASH])
{
	uint8_t old[TLOG_HASH];
	uint8_t now[TLOG_HASH];
	uint64_t at = size1 - 1;
	uint64_t last = size2 - 1;
	size_t first = 0;

	if (size1 == size2)
		return p->n == 0 && memcmp(root1, root2, TLOG_HASH) == 0;
	if (size1 == 0 || size1 > size2 || p->n == 0)
		return false;
	while (at & 1) {
		at >>= 1;
		last >>= 1;
	}
	/* A perfect old tree is its own first hash, and is left out. */
	if ((size1 & (size1 - 1)) == 0) {
		memcpy(old, root1, TLOG_HASH);
	} else {
		memcpy(old, p->hash[0], TLOG_HASH);
		first = 1;
	}
	memcpy(now, old, TLOG_HASH);
	return fold_both(p, first, at, last, old, now) &&
	       memcmp(old, root1, TLOG_HASH) == 0 &&
	       memcmp(now, root2, TLOG_HASH) == 0;
}
