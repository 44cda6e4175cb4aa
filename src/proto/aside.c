/* aside: see aside.h. */
#include "proto/aside.h"

#include <string.h>

enum { VERSION = 1 };

void aside_encode(struct buf *b, const struct aside_arg *args, uint32_t n)
{
	uint32_t i;

	buf_u8(b, VERSION);
	buf_u32(b, n);
	for (i = 0; i < n; i++) {
		buf_put(b, args[i].salt, ASIDE_SALT);
		buf_blob(b, args[i].name);
		buf_blob(b, args[i].value);
	}
	if (b->n > ASIDE_MAX)
		b->bad = true;
}

int aside_decode(struct span bytes, struct aside_arg ret[LIMIT_ARGS])
{
	struct rd rd;
	uint32_t n, i;

	rd_init(&rd, bytes);
	if (bytes.n > ASIDE_MAX || rd_u8(&rd) != VERSION)
		return -1;
	n = rd_count(&rd, LIMIT_ARGS);
	for (i = 0; i < n; i++) {
		rd_copy(&rd, ret[i].salt, ASIDE_SALT);
		ret[i].name = rd_blob(&rd, LIMIT_NAME);
		ret[i].value = rd_blob(&rd, ASIDE_MAX);
	}
	return rd_end(&rd) ? (int)n : -1;
}

void aside_hash(const struct aside_arg *a, uint8_t ret[SHA256_LEN])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, span_of(a->salt, ASIDE_SALT));
	sha256_add(&s, a->value);
	sha256_final(&s, ret);
}
