/*
 * prices: what the tokens of models cost: the file that `prices` of an upstream
 * names, by the names of its models, in dollars for a million tokens. Money is
 * kept in millionths of a dollar.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "conf/loader.h"

enum { PRICES_MOST = 10000, DIGITS = 6, ONE = 1000000 };

struct prices {
	struct load load;
	struct conf_price price; /* of the row being read */
};

/* "3", "0.30": at most six digits behind the point. */
static int read_dollars(struct span s, uint64_t *ret)
{
	const uint8_t *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
	uint64_t whole, part = 0, unit = ONE;
	size_t i;

	if (num_parse(span_of(s.p, dot ? (size_t)(dot - s.p) : s.n), 0,
		      PRICES_MOST, &whole) < 0)
		return -1;
	if (dot) {
		const struct span rest =
			span_of(dot + 1, s.n - (size_t)(dot + 1 - s.p));

		if (!rest.n || rest.n > DIGITS)
			return -1;
		for (i = 0; i < rest.n; i++) {
			if (rest.p[i] < '0' || rest.p[i] > '9')
				return -1;
			unit /= 10;
			part += (uint64_t)(rest.p[i] - '0') * unit;
		}
	}
	*ret = whole * ONE + part;
	return *ret <= (uint64_t)PRICES_MOST * ONE ? 0 : -1;
}

static void set_price(struct prices *p, const struct yaml_node *n, uint64_t *to)
{
	const char *text = load_scalar(&p->load, n);

	if (text && read_dollars(span_str(text), to) < 0)
		load_fault(&p->load, yaml_place(n),
			   "dollars for a million tokens, 0 to %d, e.g. 3 or "
			   "0.25",
			   PRICES_MOST);
}

static void set_input(void *ctx, const struct yaml_node *n)
{
	struct prices *p = ctx;

	set_price(p, n, &p->price.input);
	/* Until it is told otherwise: what providers ask for it. */
	p->price.cache_read = p->price.input;
	p->price.cache_write = p->price.input + (p->price.input + 3) / 4;
	if (p->price.cache_write > (uint64_t)PRICES_MOST * ONE)
		p->price.cache_write = (uint64_t)PRICES_MOST * ONE;
}

static void set_output(void *ctx, const struct yaml_node *n)
{
	struct prices *p = ctx;

	set_price(p, n, &p->price.output);
}

static void set_cache_read(void *ctx, const struct yaml_node *n)
{
	struct prices *p = ctx;

	set_price(p, n, &p->price.cache_read);
}

static void set_cache_write(void *ctx, const struct yaml_node *n)
{
	struct prices *p = ctx;

	set_price(p, n, &p->price.cache_write);
}

const struct load_rule conf_prices_rules[CONF_PRICES_RULES] = {
	{ { "input", true, false, "tokens of a request", "dollars", NULL },
	  set_input },
	{ { "output", true, false, "tokens of an answer", "dollars", NULL },
	  set_output },
	{ { "cache_read", false, false,
	    "tokens of a request that the provider still had", "dollars",
	    "as input" },
	  set_cache_read },
	{ { "cache_write", false, false,
	    "tokens of a request that the provider keeps for a while",
	    "dollars", "1.25 x input" },
	  set_cache_write },
};

static void read_rows(struct prices *p, const struct yaml_node *root,
		      const struct conf *c, struct conf_connector *cc)
{
	size_t i;

	if (yaml_kind(root) != YAML_MAP) {
		load_fault(
			&p->load, yaml_place(root),
			"a map of models and their prices belongs here, e.g. "
			"claude-sonnet: {input: 3, output: 15}");
		return;
	}
	for (i = 0; i < yaml_count(root); i++) {
		p->price = (struct conf_price){ .known = true };
		load_map(&p->load, yaml_at(root, i), conf_prices_rules,
			 CONF_PRICES_RULES, p);
		if (cc->chosen && !strcmp(yaml_key(root, i), c->model))
			cc->price = p->price;
	}
}

int conf_prices(const struct conf *c, struct conf_connector *cc,
		struct buf *errs)
{
	CLEAN_YAML struct yaml *y = NULL;
	struct prices p = { .load = { .errs = errs } };
	CLEAN_BUF struct buf text;
	int r;

	buf_init(&text, YAML_FILE_MAX + 1);
	r = conf_read_file(cc->prices, &text, errs);
	if (r == 0)
		r = yaml_parse(cc->prices, buf_view(&text), &y, errs);
	if (r < 0)
		return r;
	p.load.y = y;
	read_rows(&p, yaml_root(y), c, cc);
	return p.load.errors ? -EINVAL : 0;
}
