/*
 * wire_fuzz: foreign bytes into the parser, cut into two pieces at a place the
 * input chooses, and every message that comes out into its getter.
 */
#include "proto/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const struct wire_msg *f)
{
	static const uint8_t key[WIRE_KEY];
	struct wire_hello hello;
	struct wire_exit ended;

	if (f->payload.n > WIRE_MSG_MAX)
		abort();
	(void)wire_hello_get(f->payload, &hello);
	(void)wire_ack_check(f->payload, key, f->payload);
	(void)wire_exit_get(f->payload, &ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size ? data[0] % size : 0, i;
	struct span parts[2] = { { data, cut }, { data + cut, size - cut } };
	struct wire_in in = { 0 };
	struct wire_msg f;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		while (wire_in_next(&in, &parts[i], &f) == 1)
			take(&f);
	}
	return 0;
}
