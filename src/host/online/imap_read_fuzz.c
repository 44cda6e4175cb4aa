/* imap_read_fuzz: any bytes as what a server says, in two pieces. */
#include <stddef.h>
#include <stdint.h>

#include "imap_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t cut = n ? p[0] % n : 0;
	struct span parts[] = { span_of(p, cut), span_of(p + cut, n - cut) };
	enum imap_got got = IMAP_MORE;
	struct imap_response resp;
	struct imap_reader r;
	size_t i;

	imap_reader_init(&r);
	for (i = 0; i < 2; i++)
		while (got <= IMAP_RESPONSE && parts[i].n) {
			got = imap_reader_next(&r, &parts[i]);
			/* A body that it says is a literal, is there. */
			if (got == IMAP_RESPONSE &&
			    imap_parse(buf_view(&r.line), r.have_literal,
				       &resp) == 0 &&
			    resp.body_literal && !r.have_literal)
				__builtin_trap();
		}
	imap_reader_done(&r);
	return 0;
}
