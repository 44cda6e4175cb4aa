/*
 * prove: makes the proofs that proof.h checks, out of the tiles on disk. The
 * tiles are not believed: a proof is worth what its check says.
 */
#ifndef TLOG_PROVE_H
#define TLOG_PROVE_H

#include "base/err.h"
#include "tlog/proof.h"

/*
 * That record `index` is in the log of this size (RFC 6962, 2.1.1). 0, -EINVAL
 * for an index beyond it, or -EBADMSG with the tile that is not there.
 */
[[nodiscard]] int prove_inclusion(int dir, uint64_t index, uint64_t size,
				  struct proof *ret, struct err *err);

/*
 * That the log of size2 records begins with its first size1 (2.1.2); empty for
 * size1 0 or size2. -EINVAL where size1 is over size2.
 */
[[nodiscard]] int prove_consistency(int dir, uint64_t size1, uint64_t size2,
				    struct proof *ret, struct err *err);

/* The root of the first `at` records, at least one, of the log of this size. */
[[nodiscard]] int prove_root(int dir, uint64_t at, uint64_t size,
			     uint8_t ret[TLOG_HASH], struct err *err);

#endif
