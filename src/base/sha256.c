/* sha256: see sha256.h. UNSAFE: indexes into its own fixed blocks. */
#include "base/sha256.h"

static const uint32_t round_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static uint32_t be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void be32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void schedule(uint32_t w[64], const uint8_t block[SHA256_BLOCK])
{
	size_t i;

	for (i = 0; i < 16; i++)
		w[i] = be32_get(block + 4 * i);
	for (i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
		       (ror(a, 7) ^ ror(a, 18) ^ a >> 3) +
		       (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
	}
}

/* v holds a..h of the standard as v[0]..v[7]. */
static void compress(uint32_t h[8], const uint8_t block[SHA256_BLOCK])
{
	uint32_t w[64], v[8];
	size_t i;

	schedule(w, block);
	memcpy(v, h, sizeof(v));
	for (i = 0; i < 64; i++) {
		uint32_t s1 = ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25);
		uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t t1 = v[7] + s1 + choice + round_k[i] + w[i];
		uint32_t s0 = ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22);
		uint32_t majority =
			(v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + s0 + majority;
	}
	for (i = 0; i < 8; i++)
		h[i] += v[i];
	explicit_bzero(w, sizeof(w));
	explicit_bzero(v, sizeof(v));
}

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){
		.h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
	};
}

void sha256_add(struct sha256 *s, struct span bytes)
{
	size_t used = s->total % SHA256_BLOCK;

	s->total += bytes.n;
	while (bytes.n) {
		size_t n = SHA256_BLOCK - used;

		if (n > bytes.n)
			n = bytes.n;
		memcpy(s->block + used, bytes.p, n);
		bytes = span_of(bytes.p + n, bytes.n - n);
		used += n;
		if (used == SHA256_BLOCK) {
			compress(s->h, s->block);
			used = 0;
		}
	}
}

/* One bit, then zeros up to the last 8 bytes, which hold the bit count. */
void sha256_final(struct sha256 *s, uint8_t ret[SHA256_LEN])
{
	static const uint8_t pad[SHA256_BLOCK] = { 0x80 };
	uint64_t bits = s->total * 8;
	size_t used = s->total % SHA256_BLOCK;
	uint8_t tail[8];
	size_t i;

	be32_put(tail, (uint32_t)(bits >> 32));
	be32_put(tail + 4, (uint32_t)bits);
	sha256_add(s, span_of(pad, (used < 56 ? 56 : 120) - used));
	sha256_add(s, span_of(tail, sizeof(tail)));
	for (i = 0; i < 8; i++)
		be32_put(ret + 4 * i, s->h[i]);
	explicit_bzero(s, sizeof(*s));
}

void hmac_sha256_init(struct hmac_sha256 *m, struct span key)
{
	uint8_t pad[SHA256_BLOCK] = { 0 };
	size_t i;

	if (key.n > SHA256_BLOCK) {
		sha256_init(&m->inner);
		sha256_add(&m->inner, key);
		sha256_final(&m->inner, pad);
	} else if (key.n) {
		memcpy(pad, key.p, key.n);
	}
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha256_init(&m->inner);
	sha256_add(&m->inner, span_of(pad, sizeof(pad)));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&m->outer);
	sha256_add(&m->outer, span_of(pad, sizeof(pad)));
	explicit_bzero(pad, sizeof(pad));
}

void hmac_sha256_add(struct hmac_sha256 *m, struct span bytes)
{
	sha256_add(&m->inner, bytes);
}

void hmac_sha256_final(struct hmac_sha256 *m, uint8_t ret[SHA256_LEN])
{
	uint8_t inner[SHA256_LEN];

	sha256_final(&m->inner, inner);
	sha256_add(&m->outer, span_of(inner, sizeof(inner)));
	sha256_final(&m->outer, ret);
	explicit_bzero(inner, sizeof(inner));
}

/* volatile, so that no compiler turns the loop into an early exit */
bool mem_equal_ct(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	unsigned int diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned int)(x[i] ^ y[i]);
	return diff == 0;
}
