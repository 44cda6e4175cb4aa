/*
 * sha256: SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104) and a comparison that
 * takes the same time wherever two secrets differ. Our own because the guest's
 * init is linked with musl, for which Debian has no libcrypto; host processes
 * that have libcrypto anyway use that for whatever is large.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/span.h"

enum { SHA256_LEN = 32, SHA256_BLOCK = 64 };

struct sha256 {
	uint32_t h[8];
	uint64_t total; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, struct span bytes);

/* Writes the digest and wipes the state. */
void sha256_final(struct sha256 *s, uint8_t ret[SHA256_LEN]);

struct hmac_sha256 {
	struct sha256 inner, outer;
};

/* key of any length, not kept; hmac_sha256_final wipes the state. */
void hmac_sha256_init(struct hmac_sha256 *m, struct span key);
void hmac_sha256_add(struct hmac_sha256 *m, struct span bytes);
void hmac_sha256_final(struct hmac_sha256 *m, uint8_t ret[SHA256_LEN]);

/* True if n bytes are equal, in a time that depends on n alone. */
[[nodiscard]] bool mem_equal_ct(const void *a, const void *b, size_t n);

#endif
