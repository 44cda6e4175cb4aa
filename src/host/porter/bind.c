/* bind: see bind.h. */
#include "bind.h"

#include "mcp.h"

/* The part of a name that is compared, as the bytes of a hash. */
static void add_name(struct sha256 *h, struct span name)
{
	size_t i, begin = 0;

	for (i = 2; i < name.n; i++)
		if (name.p[i - 2] == '_' && name.p[i - 1] == '_')
			begin = i;
	for (i = begin; i < name.n; i++) {
		const uint8_t c = name.p[i], lower = c | 0x20;
		const bool kept = (c >= '0' && c <= '9') || c == '-' ||
				  (lower >= 'a' && lower <= 'z');

		sha256_add(h, kept ? span_of(name.p + i, 1) : SPAN_LIT("_"));
	}
}

static void add_part(struct sha256 *h, struct span s)
{
	const uint64_t n = s.n;

	sha256_add(h, span_of(&n, sizeof(n)));
	sha256_add(h, s);
}

static int order(struct span a, struct span b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : (a.n > b.n) - (a.n < b.n);
}

/* Arguments by their names; the elements of one stay in their order. */
static void sum_of(struct span name, const struct m_call *c,
		   uint8_t ret[SHA256_LEN])
{
	const struct m_arg *rows[LIMIT_ARGS];
	struct sha256 h;
	uint32_t i, k;

	for (i = 0; i < c->n; i++) {
		for (k = i; k && order(rows[k - 1]->name, c->args[i].name) > 0;
		     k--)
			rows[k] = rows[k - 1];
		rows[k] = &c->args[i];
	}
	sha256_init(&h);
	add_name(&h, name);
	for (i = 0; i < c->n; i++) {
		const uint8_t kinds[] = { rows[i]->json, rows[i]->shape };

		add_part(&h, rows[i]->name);
		add_part(&h, span_of(kinds, sizeof(kinds)));
		add_part(&h, rows[i]->value);
	}
	sha256_final(&h, ret);
}

void bind_asked(struct bind *b, const char *name, struct span args)
{
	struct mcp_request r;

	if (mcp_arguments(args, &r)) {
		sum_of(span_str(name), &r.call, b->sums[b->n % BIND_CALLS]);
		b->n++;
	}
	mcp_request_done(&r);
}

bool bind_knows(const struct bind *b, const struct m_call *c)
{
	const uint64_t n = b->n < BIND_CALLS ? b->n : BIND_CALLS;
	uint8_t sum[SHA256_LEN];
	uint64_t i;

	sum_of(c->capability, c, sum);
	for (i = 0; i < n; i++)
		if (!memcmp(b->sums[i], sum, sizeof(sum)))
			return true;
	return false;
}
