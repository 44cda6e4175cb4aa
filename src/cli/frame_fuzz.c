/* Fuzz: what an owned porter may tell a watcher reaches no terminal raw. */
#include <stdlib.h>

#include "cli/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct show how = { .ascii = true };
	const char *why;
	struct buf b;
	struct msg m;
	size_t i;

	if (msg_decode(span_of(data, size), &m, &why) < 0 ||
	    m.type != MSG_FRAME)
		return 0;
	buf_init(&b, 1 << 20);
	frame_print(&b, &how, &m.frame, size & 1);
	for (i = 0; i < b.n; i++)
		if (b.p[i] != '\n' && (b.p[i] < ' ' || b.p[i] > '~'))
			abort();
	buf_done(&b);
	json_decref(frame_json(&m.frame, size & 1));
	return 0;
}
