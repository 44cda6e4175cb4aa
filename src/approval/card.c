/* card: see card.h. */
#include "approval/card.h"

#include <inttypes.h>

#include "approval/clause.h"
#include "base/sha256.h"
#include "base/str.h"
#include "policy/model.h"
#include "render/domain.h"
#include "render/render.h"
#include "render/skeleton.h"

enum { NAME_WIDTH = 10 };

#define INDENT "            "
#define BESIDE "            | "

/* What stands between U+2068 and U+2069 keeps its direction to itself. */
static const uint8_t isolate[] = { 0xe2, 0x81, 0xa8 };
static const uint8_t isolate_end[] = { 0xe2, 0x81, 0xa9 };

struct card {
	struct buf *out;
	const struct card_opts *o;
	size_t hidden, invalid;
};

static void foreign(struct card *c, struct span text,
		    const struct render_opts *opts)
{
	const bool rtl = render_is_rtl(text);
	struct render_count n;

	buf_put(c->out, isolate, rtl ? sizeof(isolate) : 0);
	render_text(c->out, text, opts, &n);
	buf_put(c->out, isolate_end, rtl ? sizeof(isolate_end) : 0);
	c->hidden += n.hidden;
	c->invalid += n.invalid;
}

/* Without the C library's calendar, which would read a file for it. */
static void put_time(struct card *c, uint64_t s)
{
	type_put_datetime(c->out, s > INT32_MAX * INT64_C(64) ? 0 : (int64_t)s);
	buf_u8(c->out, 'Z');
}

static void put_span_s(struct card *c, uint64_t s)
{
	if (s % 3600 == 0 && s)
		buf_printf(c->out, "%" PRIu64 " h", s / 3600);
	else if (s % 60 == 0 && s)
		buf_printf(c->out, "%" PRIu64 " min", s / 60);
	else
		buf_printf(c->out, "%" PRIu64 " s", s);
}

/* --- names --------------------------------------------------------------- */

/* The host in an address or a URL; empty: there is none. */
static struct span host_of(uint8_t type, struct span v)
{
	const uint8_t *p, *end = v.p + v.n, *q;

	if (type == TYPE_EMAIL) {
		p = v.n ? memrchr(v.p, '@', v.n) : NULL;
		return p ? span_of(p + 1, (size_t)(end - p) - 1)
			 : (struct span){ NULL, 0 };
	}
	if (type != TYPE_URL || !(p = memmem(v.p, v.n, "://", 3)))
		return (struct span){ NULL, 0 };
	for (q = p += 3; q < end && *q != '/' && *q != ':' && *q != '?'; q++)
		;
	return span_of(p, (size_t)(q - p));
}

/* "{example.org} ", in letters, too, where they are others. */
static void put_registered(struct card *c, struct span host)
{
	CLEAN_BUF struct buf letters;
	size_t at = domain_registered(host);
	struct span part;

	buf_init(&letters, 4096);
	if (at == host.n)
		return;
	part = span_of(host.p + at, host.n - at);
	buf_u8(c->out, '{');
	if (domain_letters(&letters, part)) {
		foreign(c, buf_view(&letters), NULL);
		buf_str(c->out, " = ");
	}
	foreign(c, part, NULL);
	buf_str(c->out, "} ");
}

/* The value with its host in letters. */
static void in_letters(struct buf *ret, uint8_t type, struct span v)
{
	struct span host = host_of(type, v);
	size_t before = host.n ? (size_t)(host.p - v.p) : v.n;

	buf_put(ret, v.p, before);
	if (!host.n)
		return;
	(void)domain_letters(ret, host);
	buf_put(ret, host.p + host.n, v.n - before - host.n);
}

static bool type_is_name(uint8_t type)
{
	return type == TYPE_EMAIL || type == TYPE_URL || type == TYPE_ID ||
	       type == TYPE_REPO || type == TYPE_REF;
}

/* What a name is compared by: itself, and its host alone. */
struct looks {
	uint8_t type;
	struct span value;
	struct buf letters, host;
};

static bool looks_like(const struct looks *l, struct span member)
{
	CLEAN_BUF struct buf m;
	CLEAN_BUF struct buf h;
	struct span host = host_of(l->type, member);

	buf_init(&m, 4096);
	buf_init(&h, 4096);
	in_letters(&m, l->type, member);
	(void)domain_letters(&h, host);
	return skeleton_alike(buf_view(&l->letters), buf_view(&m)) ||
	       (host.n && skeleton_alike(buf_view(&l->host), buf_view(&h)));
}

/* The member of an owner's set that it is mistaken for; empty: none, or it is
 * one itself. */
static struct span mistaken_for(const struct policy *p, const struct looks *l)
{
	struct span found = { NULL, 0 };
	const struct values *list;
	size_t i, n = 0;

	for (list = p->lists; list; list = list->next) {
		if (list->type != (enum arg_type)l->type || !list->set)
			continue;
		if (values_has(list, l->value))
			return (struct span){ NULL, 0 };
		for (i = 0; i < list->n && n < CARD_MEMBERS && !found.n;
		     i++, n++)
			if (looks_like(l, list->v[i]))
				found = list->v[i];
	}
	for (i = 0; i < p->n_principals && l->type == TYPE_EMAIL; i++) {
		const struct span own = p->principals[i].email;

		if (span_eq(own, l->value))
			return (struct span){ NULL, 0 };
		if (own.n && !found.n && looks_like(l, own))
			found = own;
	}
	return found;
}

static void put_warnings(struct card *c, uint8_t type, struct span v)
{
	struct looks l = { .type = type, .value = v };
	struct span other = { NULL, 0 };
	struct buf *text = &l.letters;

	buf_init(&l.letters, 4096);
	buf_init(&l.host, 4096);
	in_letters(text, type, v);
	(void)domain_letters(&l.host, host_of(type, v));
	if (skeleton_mixed(buf_view(text)))
		buf_str(c->out, INDENT "! letters of several scripts\n");
	if (c->o->policy)
		other = mistaken_for(c->o->policy, &l);
	if (other.n) {
		buf_str(c->out, INDENT "! looks like ");
		foreign(c, other, NULL);
		buf_str(c->out, ", is not\n");
	}
	buf_done(&l.letters);
	buf_done(&l.host);
}

/* --- arguments ----------------------------------------------------------- */

static bool is_long(const struct approval_arg *a)
{
	return a->role == ROLE_CONTENT && a->type == TYPE_TEXT;
}

static void put_content(struct card *c, struct span v)
{
	const struct render_opts opts = { .newline = RENDER_BREAK,
					  .indent = BESIDE,
					  .max = c->o->full ? 0
							    : CARD_CONTENT };

	buf_printf(c->out, "%zu bytes\n" BESIDE, v.n);
	foreign(c, v, &opts);
	buf_u8(c->out, '\n');
}

static void put_name(struct card *c, struct span name)
{
	size_t before = c->out->n;

	buf_str(c->out, "  ");
	foreign(c, name, NULL);
	while (buf_ok(c->out) && c->out->n < before + NAME_WIDTH + 1)
		buf_u8(c->out, ' ');
	buf_u8(c->out, ' ');
}

static void put_arg(struct card *c, const struct approval_arg *a)
{
	put_name(c, a->name);
	if (is_long(a)) {
		put_content(c, a->value);
	} else {
		put_registered(c, host_of(a->type, a->value));
		foreign(c, a->value, NULL);
		buf_u8(c->out, '\n');
	}
	buf_str(c->out, INDENT "[");
	foreign(c, a->chip, NULL);
	buf_str(c->out, a->permitted
				? "]\n"
				: "] ! not an origin that the policy takes "
				  "for this\n");
	if (a->edits)
		buf_printf(c->out, INDENT "%" PRIu32 " links were broken\n",
			   a->edits);
	if (type_is_name(a->type))
		put_warnings(c, a->type, a->value);
}

/* --- the card ------------------------------------------------------------ */

static const char *undo_text(uint8_t undo)
{
	switch (undo) {
	case UNDO_REVERSIBLE:
		return "can be undone";
	case UNDO_WINDOW:
		return "is held for a while after your word";
	default:
		return "cannot be undone";
	}
}

static void put_terms(struct card *c, const struct approval *a)
{
	buf_str(c->out, "  ");
	foreign(c, span_str(a->capability), NULL);
	buf_str(c->out, ", asked ");
	put_time(c, a->created_s);
	buf_str(c->out, ", ends ");
	put_time(c, a->expires_s);
	buf_u8(c->out, '\n');
	if (a->again)
		buf_printf(c->out,
			   "  the same was asked %" PRIu32
			   " times before, and nobody answered\n",
			   a->again);
	if (a->ready_s > a->created_s) {
		buf_str(c->out, "  your word counts after ");
		put_span_s(c, a->ready_s - a->created_s);
		buf_u8(c->out, '\n');
	}
	if (a->quorum > 1)
		buf_printf(c->out, "  %" PRIu32 " principals have to say yes\n",
			   a->quorum);
	if (a->code[0])
		buf_str(c->out, "  needs the code that the console shows\n");
	buf_str(c->out, "  asks because of ");
	foreign(c, span_str(a->clause), NULL);
	buf_u8(c->out, '\n');
}

static void put_always(struct card *c, const struct approval *a)
{
	struct kept_clause k;

	if (!clause_may_be(a))
		return;
	clause_init(&k);
	clause_of(&k, a, a->created_s);
	buf_printf(c->out, "  \"always\" would add, for %d days:\n    ",
		   APPROVAL_CLAUSE_S / 86400);
	clause_text(c->out, &k);
	buf_u8(c->out, '\n');
	clause_done(&k);
}

static void put_args(struct card *c, const struct approval *a, bool those_long)
{
	struct approval_arg arg;
	size_t at = 0;

	while (approval_arg(a, &at, &arg))
		if (is_long(&arg) == those_long)
			put_arg(c, &arg);
}

static void put_body(struct card *c, const struct approval *a)
{
	foreign(c, span_str(a->capability), NULL);
	buf_printf(c->out, " (%s), task %" PRIu64, undo_text(a->undo), a->task);
	if (a->item)
		buf_printf(c->out, ", item %" PRIu64, a->item);
	buf_u8(c->out, '\n');
	put_args(c, a, true);
	put_args(c, a, false);
	put_terms(c, a);
	put_always(c, a);
}

void card_text(struct buf *out, const struct approval *a,
	       const struct card_opts *o)
{
	CLEAN_BUF struct buf body;
	struct card c = { .out = &body, .o = o };

	/* What is counted in it stands before it. */
	buf_init(&body, CARD_BYTES);
	put_body(&c, a);
	buf_printf(out, "%s\nq%" PRIu64 ", log %" PRIu64 " %08" PRIx32 "\n",
		   o->words, a->ticket, a->log_size, a->log_root);
	if (c.hidden)
		buf_printf(out, "! %zu hidden characters\n", c.hidden);
	if (c.invalid)
		buf_printf(out, "! %zu bytes that are no text\n", c.invalid);
	render_wrap(out, buf_view(&body), CARD_COLUMNS, BESIDE);
	if (!buf_ok(&body))
		out->bad = true;
}

void card_hash(const struct approval *a, const struct card_opts *o,
	       uint8_t ret[32])
{
	struct card_opts opts = *o;
	CLEAN_BUF struct buf text;
	struct sha256 h;

	opts.full = false;
	buf_init(&text, CARD_BYTES);
	card_text(&text, a, &opts);
	sha256_init(&h);
	sha256_add(&h, buf_view(&text));
	sha256_final(&h, ret);
}
