/* table: see table.h. */
#include "table.h"

#include "base/str.h"

static int row_parse(struct table_row *r, struct span text)
{
	const uint8_t *colon = memrchr(text.p, ':', text.n);
	size_t n = colon ? (size_t)(colon - text.p) : 0;
	struct span host = { text.p, n };
	uint64_t port;

	*r = (struct table_row){ 0 };
	if (n > 2 && host.p[0] == '[' && host.p[n - 1] == ']')
		host = span_of(host.p + 1, n - 2);
	if (!colon ||
	    num_parse(span_of(colon + 1, text.n - n - 1), 1, UINT16_MAX,
		      &port) < 0 ||
	    str_copy(r->host, sizeof(r->host), host) < 0)
		return -1;
	r->port = (uint16_t)port;
	r->literal = netaddr_parse(r->host, &r->addr) == 0;
	return r->literal || netaddr_name_ok(r->host) ? 0 : -1;
}

int table_parse(struct table *t, struct span hosts, bool private)
{
	*t = (struct table){ .private = private };
	while (hosts.n) {
		const uint8_t *blank = memchr(hosts.p, ' ', hosts.n);
		size_t n = blank ? (size_t)(blank - hosts.p) : hosts.n;

		if (t->n == TABLE_ROWS ||
		    row_parse(&t->rows[t->n], span_of(hosts.p, n)) < 0)
			return -1;
		t->n++;
		/* A blank stands between two. */
		if (blank && n + 1 == hosts.n)
			return -1;
		n += blank ? 1 : 0;
		hosts = span_of(hosts.p + n, hosts.n - n);
	}
	return t->n ? 0 : -1;
}

const struct table_row *table_find(const struct table *t, struct span host,
				   uint32_t port)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->rows[i].port == port && span_is(host, t->rows[i].host))
			return &t->rows[i];
	return NULL;
}
