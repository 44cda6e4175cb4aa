/* args_fuzz: a template of the fuzzer's, whose first byte says how many args
 * it has. The parts of what comes out make up its bytes. */
#include "label/args.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct handles *table(const struct label *l)
{
	struct handle_value v = { .kind = SPAN_LIT("mail.body"),
				  .type = TYPE_TEXT,
				  .origin = ORIGIN_HANDLE,
				  .bytes = SPAN_LIT("{0} \n{{"),
				  .label = l };
	struct handles *h = handles_new(1);
	const struct handle *k;

	if (!h || handles_add(h, &v, &k) < 0)
		abort();
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct args args;
	struct label l = label_of(ATOM_FIRST, INTEGRITY_EXTERNAL),
		     own = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	struct arg_context c = { .pc = &own, .owner_label = &own };
	struct arg_want w = { .type = TYPE_TEXT, .lines = true };
	struct m_arg rows[9] = { 0 };
	struct arg_fault fault;
	struct handles *h;
	size_t n, i, at = 0;

	if (!size)
		return 0;
	c.handles = h = table(&l);
	n = 1 + data[0] % 8;
	rows[0] = (struct m_arg){ .json = ARG_TEMPLATE,
				  .value = span_of(data + 1, size - 1) };
	for (i = 1; i < n; i++)
		rows[i] = (struct m_arg){ .json = ARG_FILL,
					  .value = SPAN_LIT("@1") };
	args_init(&args);
	if (args_resolve(&args, &c, &w, rows, n, &fault) == 0) {
		for (i = 0; i < args.n_parts; i++) {
			if (args.parts[i].at != at)
				abort();
			at += args.parts[i].n;
		}
		if (at != args.values[0].n ||
		    (n > 1) != label_covers(&args.values[0].label, &l))
			abort();
	}
	args_done(&args);
	handles_free(h);
	return 0;
}
