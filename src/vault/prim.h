/*
 * prim: the primitives of age and sops, each a call or two of libcrypto with
 * every result looked at. 0, or -1: it failed, or is not authentic; then what
 * was to be written is not to be used.
 */
#ifndef VAULT_PRIM_H
#define VAULT_PRIM_H

#include "base/span.h"

enum { PRIM_TAG = 16, PRIM_NONCE = 12, PRIM_GCM_IV = 32 };

/* HKDF-SHA256 (RFC 5869), 32 bytes. */
[[nodiscard]] int prim_hkdf(uint8_t ret[32], struct span secret,
			    struct span salt, struct span info);

[[nodiscard]] int prim_hmac(uint8_t ret[32], const uint8_t key[32],
			    struct span bytes);

/* X25519 (RFC 7748); a shared secret of zeros is a failure. */
[[nodiscard]] int prim_x25519(uint8_t shared[32], const uint8_t secret[32],
			      const uint8_t public[32]);
[[nodiscard]] int prim_public(uint8_t public[32], const uint8_t secret[32]);

/* scrypt (RFC 7914), r = 8, p = 1, N = 2^work, 32 bytes. */
[[nodiscard]] int prim_scrypt(uint8_t ret[32], struct span passphrase,
			      struct span salt, unsigned work);

/* ChaCha20-Poly1305 (RFC 8439). ret has PRIM_TAG bytes more, or fewer. */
[[nodiscard]] int prim_seal(uint8_t *ret, const uint8_t key[32],
			    const uint8_t nonce[PRIM_NONCE], struct span bytes);
[[nodiscard]] int prim_open(uint8_t *ret, const uint8_t key[32],
			    const uint8_t nonce[PRIM_NONCE],
			    struct span sealed);

/* AES-256-GCM (NIST SP 800-38D) with the IV of 32 bytes that sops has. ret has
 * as many bytes as go in; aad may be empty. */
[[nodiscard]] int prim_gcm_seal(uint8_t *ret, uint8_t tag[PRIM_TAG],
				const uint8_t key[32],
				const uint8_t iv[PRIM_GCM_IV], struct span aad,
				struct span bytes);
[[nodiscard]] int prim_gcm_open(uint8_t *ret, const uint8_t tag[PRIM_TAG],
				const uint8_t key[32],
				const uint8_t iv[PRIM_GCM_IV], struct span aad,
				struct span sealed);

#endif
