/* spans: see spans.h. */
#include "spans.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "base/str.h"

int spans_init(struct spans *s, size_t cap)
{
	*s = (struct spans){ .rows = calloc(cap, sizeof(*s->rows)),
			     .cap = cap };
	return s->rows ? 0 : -ENOMEM;
}

void spans_done(struct spans *s)
{
	free(s->rows);
	*s = (struct spans){ 0 };
}

static void keep_text(char dst[SPAN_TEXT], struct span s)
{
	if (s.n >= SPAN_TEXT)
		s.n = SPAN_TEXT - 1;
	if (str_copy(dst, SPAN_TEXT, s) < 0)
		dst[0] = 0;
	utf8_trim(dst);
}

void spans_put(struct spans *s, const struct msg *m)
{
	struct span_row *row;

	if (s->n == s->cap) {
		s->dropped++;
		return;
	}
	row = &s->rows[(s->first + s->n++) % s->cap];
	row->ids = m->ids;
	row->m = m->span;
	row->m.name = row->m.what = (struct span){ NULL, 0 };
	keep_text(row->name, m->span.name);
	keep_text(row->what, m->span.what);
}

const struct span_row *spans_at(const struct spans *s, size_t i)
{
	return &s->rows[(s->first + i) % s->cap];
}

void spans_drop(struct spans *s, size_t n)
{
	if (n > s->n)
		n = s->n;
	s->first = (s->first + n) % s->cap;
	s->n -= n;
}

static void derive(uint8_t *ret, size_t n, const uint8_t run[MSG_RUN],
		   const uint64_t numbers[3])
{
	uint8_t sum[SHA256_LEN];
	uint8_t bytes[24];
	struct sha256 h;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(numbers[i / 8] >> (8 * (i % 8)));
	sha256_init(&h);
	sha256_add(&h, SPAN_LIT("bulkhead telemetry 1"));
	sha256_add(&h, span_of(run, MSG_RUN));
	sha256_add(&h, span_of(bytes, sizeof(bytes)));
	sha256_final(&h, sum);
	memcpy(ret, sum, n);
}

void span_trace_id(uint8_t ret[TRACE_ID], const uint8_t run[MSG_RUN],
		   uint64_t item)
{
	derive(ret, TRACE_ID, run, (uint64_t[3]){ item, UINT64_MAX, 0 });
}

void span_id(uint8_t ret[SPAN_ID], const uint8_t run[MSG_RUN], uint64_t item,
	     uint8_t stage, uint64_t number)
{
	derive(ret, SPAN_ID, run, (uint64_t[3]){ item, stage, number });
}
