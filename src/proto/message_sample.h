/*
 * message_sample: a message with every field set and every list filled, for
 * the tests of the codecs. It borrows from static memory only.
 */
#ifndef PROTO_MESSAGE_SAMPLE_H
#define PROTO_MESSAGE_SAMPLE_H

#include "proto/message.h"

static inline struct message message_sample(void)
{
	struct message m = {
		.kind = SPAN_LIT("email"),
		.subject = SPAN_LIT("Gr\xc3\xbc\xc3\x9f"
				    "e \"quoted\" \\"),
		.body = SPAN_LIT("one\ntwo\n"),
		.from = { SPAN_LIT("Ann"), SPAN_LIT("ann@example.org") },
		.date = SPAN_LIT("2026-02-28T23:59:60+05:30"),
		.message_id = SPAN_LIT("<1@example.org>"),
		.in_reply_to = SPAN_LIT("<0@example.org>"),
		.n_references = 2,
		.references = { SPAN_LIT("<a@b>"), SPAN_LIT("<c@d>") },
		.n_to = 1,
		.to = { { SPAN_LIT(""), SPAN_LIT("bob@example.org") } },
		.n_cc = 1,
		.cc = { { SPAN_LIT("Cy"), SPAN_LIT("cy@example.org") } },
		.n_links = 1,
		.links = { { SPAN_LIT("bank.example"),
			     SPAN_LIT("https://evil.example/"), true } },
		.n_attachments = 1,
		.attachments = { { .name = SPAN_LIT("a.pdf"),
				   .type = SPAN_LIT("application/pdf"),
				   .size = 1234567890123,
				   .sha256 = { 0xab, 1, 2, 3 } } },
		.n_removed = 1,
		.removed = { { REMOVED_TAG_CHARS, 7, SPAN_LIT("psst") } },
		.n_findings = 1,
		.findings = { { SPAN_LIT("override.ignore"), 90, WHERE_BODY, 4,
				7, SPAN_LIT("two") } },
	};

	return m;
}

#endif
