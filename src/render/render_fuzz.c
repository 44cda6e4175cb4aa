/* render_fuzz: any bytes in, only printable UTF-8 out. */
#include <stdlib.h>

#include "base/str.h"
#include "render/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct render_opts opts = { .indent = "| " };
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_BUF struct buf lines = { 0 };
	size_t i;

	if (!size)
		return 0;
	opts.ascii = data[0] & 1;
	opts.newline = data[0] & 2 ? RENDER_BREAK : RENDER_MARK;
	opts.json = data[0] & 4;
	opts.max = data[0] >> 3;
	buf_init(&out, 16 << 20);
	render_text(&out, span_of(data + 1, size - 1), &opts, NULL);
	if (!buf_ok(&out) || !utf8_valid(buf_view(&out)))
		abort();
	for (i = 0; i < out.n; i++)
		if ((out.p[i] < 0x20 &&
		     (out.p[i] != '\n' || opts.newline != RENDER_BREAK)) ||
		    out.p[i] == 0x7f || (opts.ascii && out.p[i] > 0x7e))
			abort();
	buf_init(&lines, 64 << 20);
	render_wrap(&lines, buf_view(&out), 20, "| ");
	if (!buf_ok(&lines) || !utf8_valid(buf_view(&lines)))
		abort();
	return 0;
}
