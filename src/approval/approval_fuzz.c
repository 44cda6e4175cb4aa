/* approval_fuzz: rows of any bytes: what decodes encodes to the same again, and
 * has a card. */
#include <stdlib.h>

#include "approval/card.h"
#include "approval/clause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct card_opts opts = { .words = "a b c" };
	struct approval a;
	struct kept_clause c;
	CLEAN_BUF struct buf out;

	buf_init(&out, 4 << 20);
	approval_init(&a);
	clause_init(&c);
	if (approval_decode(span_of(data, size), &a) == 0) {
		approval_encode(&out, &a);
		must(buf_ok(&out) &&
		     span_eq(buf_view(&out), span_of(data, size)));
		buf_reset(&out);
		card_text(&out, &a, &opts);
		must(buf_ok(&out));
		buf_reset(&out);
	}
	if (clause_decode(span_of(data, size), &c) == 0) {
		clause_encode(&out, &c);
		must(buf_ok(&out) &&
		     span_eq(buf_view(&out), span_of(data, size)));
	}
	approval_done(&a);
	clause_done(&c);
	return 0;
}
