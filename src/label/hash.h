/*
 * hash: the keyed hash of this folder's tables. Names and texts in them are
 * foreign, so each table mixes in a seed that nobody outside can know; the
 * bound on what a table holds bounds the rest.
 */
#ifndef LABEL_HASH_H
#define LABEL_HASH_H

#include "base/span.h"

static inline uint64_t hash_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 32);
}

static inline uint64_t hash_bytes(uint64_t seed, struct span s)
{
	uint64_t h = hash_mix(seed, s.n), v;
	size_t i;

	for (i = 0; s.n - i >= sizeof(v); i += sizeof(v)) {
		memcpy(&v, s.p + i, sizeof(v));
		h = hash_mix(h, v);
	}
	for (v = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return hash_mix(hash_mix(h, v), seed);
}

#endif
