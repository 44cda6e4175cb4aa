/*
 * age_fuzz: files that somebody wrote, opened with a fixed identity; and as
 * files of identities.
 *
 * #fuzz: -max_len=4096
 */
#include <stdlib.h>

#include "age.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char key_text[] =
	"AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2"
	"MMDKWYKLMGR48UAWX40Q2P2LM0";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct age_identity id;
	static struct age_identity found[AGE_KEYS];
	const struct age_keys keys = { &id, 1, { NULL, 0 } };
	uint8_t *content;
	size_t m, line;

	if (!id.public[0] && age_identity_parse(&id, span_str(key_text)) < 0)
		abort();
	if (age_open(span_of(p, n), &keys, &content, &m) == AGE_OK)
		age_free(content, m);
	else if (content || m)
		abort();
	(void)age_identities(found, span_of(p, n), &line);
	(void)age_key_why(span_of(p, n));
	return 0;
}
