/*
 * sops_fuzz: files of sops that somebody wrote: read in each of their formats,
 * their rules applied, their values tried with a key, and written again.
 *
 * #fuzz: -max_len=4096
 */
#include <stdlib.h>

#include "sops_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err err = { 0 };
	struct sops *s;
	struct buf out;

	if (!n)
		return 0;
	s = sops_alloc(SOPS_JSON + p[0] % SOPS_INI, &err);
	if (!s)
		abort();
	if (sops_load(s, span_of(p + 1, n - 1), &err) == 0) {
		/* Nobody has made one for this key. */
		if (sops_prove(s, &err) == 0)
			abort();
		buf_init(&out, SOPS_FILE_MAX);
		sops_write_nodes(&s->t, &out);
		buf_done(&out);
	} else if (!*err.msg) {
		abort();
	}
	sops_free(s);
	return 0;
}
