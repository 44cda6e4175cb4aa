/* reader_fuzz: any mail gives a message that passes its own checks, or none. */
#include <errno.h>
#include <stdlib.h>

#include "proto/message.h"
#include "reader/mail/mail.h"
#include "reader/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static bool ready;
	struct draft d;
	const char *why = "";

	if (!ready)
		read_init();
	ready = true;
	draft_init(&d);
	if (mail_read(span_of(p, n), &d) == 0) {
		draft_finish(&d);
		if (message_check(&d.m, &why))
			abort();
	}
	draft_done(&d);
	return 0;
}
