/* links_fuzz: in what is left of any text nothing is a link any more, and
 * every link that is allowed stays as it is. */
#include "label/links.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out CLEAN_BUF = { .max = 1 << 20 };
	struct span text = span_of(data, size);
	struct link_edits edits;
	struct link_set set;
	struct link one;

	if (links_apply(text, LINKS_STRIP, NULL, &out, &edits) == 0 &&
	    links_find(buf_view(&out), &one, 1) != 0)
		abort();
	link_set_init(&set);
	link_set_read(&set, text);
	buf_reset(&out);
	if (set.n < LINK_SET_MAX &&
	    links_apply(text, LINKS_SOURCE, &set, &out, &edits) == 0 &&
	    !span_eq(buf_view(&out), text))
		abort();
	link_set_done(&set);
	return 0;
}
