/* prim: see prim.h. */
#include "prim.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

/* libcrypto takes no const here, and writes nothing. */
static void *bytes_of(struct span s)
{
	union {
		const void *in;
		void *out;
	} u = { s.p };

	return u.out;
}

int prim_hkdf(uint8_t ret[32], struct span secret, struct span salt,
	      struct span info)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[5], *p = params;
	int r = -1;

	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						 bytes_of(secret), secret.n);
	/* An empty one it refuses: without one it is the same. */
	if (salt.n)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, bytes_of(salt), salt.n);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						 bytes_of(info), info.n);
	*p = OSSL_PARAM_construct_end();
	if (ctx && EVP_KDF_derive(ctx, ret, 32, params) == 1)
		r = 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return r;
}

int prim_hmac(uint8_t ret[32], const uint8_t key[32], struct span bytes)
{
	size_t n = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, 32, bytes.p,
			 bytes.n, ret, 32, &n) &&
			       n == 32
		       ? 0
		       : -1;
}

int prim_x25519(uint8_t shared[32], const uint8_t secret[32],
		const uint8_t public[32])
{
	EVP_PKEY *ours =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
	EVP_PKEY *theirs =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, 32);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	size_t n = 32;
	int r = -1;

	if (ctx && theirs && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	    EVP_PKEY_derive(ctx, shared, &n) == 1 && n == 32)
		r = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return r;
}

int prim_public(uint8_t public[32], const uint8_t secret[32])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
	size_t n = 32;
	int r = key && EVP_PKEY_get_raw_public_key(key, public, &n) == 1 &&
				n == 32
			? 0
			: -1;

	EVP_PKEY_free(key);
	return r;
}

int prim_scrypt(uint8_t ret[32], struct span passphrase, struct span salt,
		unsigned work)
{
	const uint64_t n = 1ull << work;

	/* What it is allowed: 128 N r, and a little. */
	return EVP_PBE_scrypt((const char *)passphrase.p, passphrase.n, salt.p,
			      salt.n, n, 8, 1, UINT64_C(128) * 8 * (n + 16),
			      ret, 32) == 1
		       ? 0
		       : -1;
}

struct aead {
	const EVP_CIPHER *cipher;
	const uint8_t *key;
	struct span nonce;
	struct span aad; /* may be empty */
};

static int seal(const struct aead *a, uint8_t *ret, uint8_t tag[PRIM_TAG],
		struct span bytes)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, r = -1;

	if (ctx && bytes.n < INT_MAX &&
	    EVP_EncryptInit_ex(ctx, a->cipher, NULL, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->nonce.n,
				NULL) == 1 &&
	    EVP_EncryptInit_ex(ctx, NULL, NULL, a->key, a->nonce.p) == 1 &&
	    (!a->aad.n || EVP_EncryptUpdate(ctx, NULL, &n, a->aad.p,
					    (int)a->aad.n) == 1) &&
	    (!bytes.n ||
	     EVP_EncryptUpdate(ctx, ret, &n, bytes.p, (int)bytes.n) == 1) &&
	    EVP_EncryptFinal_ex(ctx, ret + bytes.n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PRIM_TAG, tag) == 1)
		r = 0;
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

static int open_sealed(const struct aead *a, uint8_t *ret,
		       const uint8_t tag[PRIM_TAG], struct span sealed)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, r = -1;

	if (ctx && sealed.n < INT_MAX &&
	    EVP_DecryptInit_ex(ctx, a->cipher, NULL, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->nonce.n,
				NULL) == 1 &&
	    EVP_DecryptInit_ex(ctx, NULL, NULL, a->key, a->nonce.p) == 1 &&
	    (!a->aad.n || EVP_DecryptUpdate(ctx, NULL, &n, a->aad.p,
					    (int)a->aad.n) == 1) &&
	    (!sealed.n ||
	     EVP_DecryptUpdate(ctx, ret, &n, sealed.p, (int)sealed.n) == 1) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, PRIM_TAG,
				bytes_of(span_of(tag, PRIM_TAG))) == 1 &&
	    EVP_DecryptFinal_ex(ctx, ret + sealed.n, &n) == 1)
		r = 0;
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

static struct aead chacha(const uint8_t key[32],
			  const uint8_t nonce[PRIM_NONCE])
{
	return (struct aead){ EVP_chacha20_poly1305(), key,
			      span_of(nonce, PRIM_NONCE), SPAN_LIT("") };
}

int prim_seal(uint8_t *ret, const uint8_t key[32],
	      const uint8_t nonce[PRIM_NONCE], struct span bytes)
{
	const struct aead a = chacha(key, nonce);

	return seal(&a, ret, ret + bytes.n, bytes);
}

int prim_open(uint8_t *ret, const uint8_t key[32],
	      const uint8_t nonce[PRIM_NONCE], struct span sealed)
{
	const struct aead a = chacha(key, nonce);

	if (sealed.n < PRIM_TAG)
		return -1;
	sealed.n -= PRIM_TAG;
	return open_sealed(&a, ret, sealed.p + sealed.n, sealed);
}

static struct aead gcm(const uint8_t key[32], const uint8_t iv[PRIM_GCM_IV],
		       struct span aad)
{
	return (struct aead){ EVP_aes_256_gcm(), key, span_of(iv, PRIM_GCM_IV),
			      aad };
}

int prim_gcm_seal(uint8_t *ret, uint8_t tag[PRIM_TAG], const uint8_t key[32],
		  const uint8_t iv[PRIM_GCM_IV], struct span aad,
		  struct span bytes)
{
	const struct aead a = gcm(key, iv, aad);

	return seal(&a, ret, tag, bytes);
}

int prim_gcm_open(uint8_t *ret, const uint8_t tag[PRIM_TAG],
		  const uint8_t key[32], const uint8_t iv[PRIM_GCM_IV],
		  struct span aad, struct span sealed)
{
	const struct aead a = gcm(key, iv, aad);

	return open_sealed(&a, ret, tag, sealed);
}
