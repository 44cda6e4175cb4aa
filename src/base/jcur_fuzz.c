/* jcur_fuzz: any bytes as JSON, walked over with all that is in them. */
#include "base/jcur.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What a value gives must be as its kind says; its members fit into it. */
static void look(struct jval v, char *room)
{
	struct span text;
	int64_t number;

	if (v.kind == JVAL_NONE || v.kind == JVAL_TWICE || v.raw.n == 0)
		__builtin_trap();
	if (v.kind == JVAL_STRING && !jval_text(v, room, v.raw.n, &text))
		__builtin_trap();
	(void)jval_int(v, &number);
	(void)jval_get(v, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jiter open[JCUR_DEPTH + 1];
	struct jval key, v;
	size_t depth = 1;
	char *room;

	if (!jval_parse(span_of(p, n), &v))
		return 0;
	room = malloc(n);
	if (!room)
		return 0;
	look(v, room);
	open[0] = jiter_of(v);
	while (depth) {
		if (!jiter_next(&open[depth - 1], &key, &v)) {
			if (open[depth - 1].left.n)
				__builtin_trap();
			depth--;
			continue;
		}
		look(v, room);
		if (v.kind == JVAL_OBJECT || v.kind == JVAL_ARRAY)
			open[depth++] = jiter_of(v);
	}
	free(room);
	return 0;
}
