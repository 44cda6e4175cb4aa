/* mime_fuzz: parts lie in their mail, and each is somebody's child once. */
#include "reader/mail/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct mime m;
	struct arena arena;
	uint32_t flaws = 0;
	uint32_t children = 1; /* the root is nobody's */
	bool is_mail;

	arena_init(&arena, 1 << 20);
	is_mail = mime_parse(span_of(p, n), &arena, &m, &flaws) == 0;
	if (is_mail && (!m.n || m.n > MIME_PARTS_MAX))
		abort();
	for (uint32_t i = 0; is_mail && i < m.n; i++) {
		const struct part *q = &m.parts[i];

		for (uint32_t c = q->child; c; c = m.parts[c].next)
			children += c > i && m.parts[c].depth == q->depth + 1;
		if (q->body.n &&
		    (q->body.p < p || q->body.p + q->body.n > p + n))
			abort();
	}
	if (is_mail && children != m.n)
		abort();
	arena_done(&arena);
	return 0;
}
