/* rd: see rd.h. UNSAFE: the pointer arithmetic of this file is the bound. */
#include "base/rd.h"

void rd_init(struct rd *rd, struct span bytes)
{
	*rd = (struct rd){ .p = bytes.p, .n = bytes.n };
}

struct span rd_bytes(struct rd *rd, size_t n)
{
	struct span s;

	if (rd->bad || n > rd->n - rd->pos) {
		rd->bad = true;
		return (struct span){ NULL, 0 };
	}
	if (!rd->p) /* none of no bytes */
		return (struct span){ NULL, 0 };
	s = span_of(rd->p + rd->pos, n);
	rd->pos += n;
	return s;
}

static uint64_t rd_le(struct rd *rd, size_t n)
{
	struct span s = rd_bytes(rd, n);
	uint64_t v = 0;
	size_t i;

	for (i = s.n; i > 0; i--)
		v = v << 8 | s.p[i - 1];
	return v;
}

uint8_t rd_u8(struct rd *rd)
{
	return (uint8_t)rd_le(rd, 1);
}

uint16_t rd_u16(struct rd *rd)
{
	return (uint16_t)rd_le(rd, 2);
}

uint32_t rd_u32(struct rd *rd)
{
	return (uint32_t)rd_le(rd, 4);
}

uint64_t rd_u64(struct rd *rd)
{
	return rd_le(rd, 8);
}

void rd_copy(struct rd *rd, void *dst, size_t n)
{
	struct span s = rd_bytes(rd, n);

	memset(dst, 0, n);
	if (s.n)
		memcpy(dst, s.p, s.n);
}

struct span rd_blob(struct rd *rd, size_t max)
{
	uint32_t n = rd_u32(rd);

	if (n > max) {
		rd->bad = true;
		return (struct span){ NULL, 0 };
	}
	return rd_bytes(rd, n);
}

uint32_t rd_count(struct rd *rd, uint32_t max)
{
	uint32_t n = rd_u32(rd);

	if (n > max) {
		rd->bad = true;
		return 0;
	}
	return rd->bad ? 0 : n;
}

size_t rd_left(const struct rd *rd)
{
	return rd->n - rd->pos;
}

bool rd_end(const struct rd *rd)
{
	return !rd->bad && rd->pos == rd->n;
}
