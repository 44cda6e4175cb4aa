/* words: see words.h. */
#include "policy/words.h"

#include "base/str.h"

static const char *word_of(const char *const *words, size_t n, unsigned i)
{
	return i < n && words[i] ? words[i] : "?";
}

#define WORD_OF(words, i) word_of(words, ARRAY_SIZE(words), (unsigned)(i))

const char *outcome_word(enum outcome o)
{
	static const char *const words[] = { [OUTCOME_ALLOW] = "allow",
					     [OUTCOME_ASK] = "ask",
					     [OUTCOME_DENY] = "deny" };

	return WORD_OF(words, o);
}

const char *effect_word(enum effect e)
{
	static const char *const words[] = { [EFFECT_READ] = "read",
					     [EFFECT_INTERNAL] = "internal",
					     [EFFECT_EXTERNAL] = "external" };

	return WORD_OF(words, e);
}

const char *role_word(enum arg_role r)
{
	static const char *const words[] = {
		[ROLE_TARGET] = "target",	  [ROLE_COMMAND] = "command",
		[ROLE_CREDENTIAL] = "credential", [ROLE_CONTENT] = "content",
		[ROLE_SELECTOR] = "selector",	  [ROLE_CONTROL] = "control",
	};

	return WORD_OF(words, r);
}

const char *links_word(enum links l)
{
	static const char *const words[] = { [LINKS_ANY] = "any",
					     [LINKS_STRIP] = "strip",
					     [LINKS_SOURCE] = "source",
					     [LINKS_OWNER] = "owner" };

	return WORD_OF(words, l);
}

const char *audience_word(enum audience a)
{
	static const char *const words[] = {
		[AUDIENCE_THREAD] = "thread", [AUDIENCE_OWNER] = "owner",
		[AUDIENCE_PUBLIC] = "public", [AUDIENCE_REPO] = "repo",
		[AUDIENCE_SECRET] = "secret",
	};

	return WORD_OF(words, a);
}

const char *reveal_word(enum reveal r)
{
	static const char *const words[] = { [REVEAL_TEXT] = "text",
					     [REVEAL_HANDLES] = "handles",
					     [REVEAL_TYPED] = "typed" };

	return WORD_OF(words, r);
}

const char *trip_word(enum trip_action t)
{
	static const char *const words[] = { [TRIP_REFUSE] = "refuse",
					     [TRIP_FREEZE] = "freeze",
					     [TRIP_KILL] = "kill" };

	return WORD_OF(words, t);
}

const char *remember_word(enum remember r)
{
	static const char *const words[] = { [REMEMBER_NEVER] = "never",
					     [REMEMBER_TASK] = "task",
					     [REMEMBER_CONSTRAINED] =
						     "constrained" };

	return WORD_OF(words, r);
}

const char *show_word(enum show s)
{
	static const char *const words[] = { [SHOW_SUMMARY] = "summary",
					     [SHOW_FULL] = "full",
					     [SHOW_DIFF] = "diff" };

	return WORD_OF(words, s);
}

void origins_words(struct buf *out, unsigned from)
{
	const char *comma = "";
	unsigned o;

	for (o = FROM_CONFIG; o <= FROM_PLANNER; o <<= 1) {
		if (!(from & o))
			continue;
		buf_printf(out, "%s%s", comma, origin_name((enum origin)o));
		comma = ", ";
	}
	if (!from)
		buf_str(out, "nothing");
}

void values_words(struct buf *out, const struct values *v)
{
	size_t i;

	if (v->set) {
		buf_printf(out, "set %s (%zu)", v->set, v->n);
		return;
	}
	for (i = 0; i < v->n && i < WORDS_VALUES; i++) {
		buf_str(out, i ? ", " : "");
		buf_span(out, v->v[i]);
	}
	if (v->n > WORDS_VALUES)
		buf_printf(out, " and %zu more", v->n - WORDS_VALUES);
}

void principal_words(struct buf *out, const struct principal *p)
{
	const struct {
		const char *space;
		struct span id;
	} ids[] = { { "telegram", p->telegram },
		    { "slack", p->slack },
		    { "github", p->github },
		    { "email", p->email } };
	const char *comma = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!ids[i].id.n)
			continue;
		buf_printf(out, "%s%s ", comma, ids[i].space);
		buf_span(out, ids[i].id);
		comma = ", ";
	}
	if (!*comma)
		buf_str(out, "nobody");
}

/* rows */

static void session_words(struct buf *out, const struct cond *c)
{
	static const struct {
		unsigned bit;
		const char *word;
	} bits[] = { { SESSION_TAINTED, "tainted" },
		     { SESSION_PRIVATE, "private" },
		     { SESSION_TRIPPED, "tripped" } };
	const char *comma = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (!(c->session & bits[i].bit))
			continue;
		buf_printf(out, "%s%s%s", comma,
			   c->want & bits[i].bit ? "" : "not ", bits[i].word);
		comma = ", ";
	}
}

static void time_words(struct buf *out, const struct cond *c)
{
	static const char days[] = "montuewedthufrisatsun";
	const char *blank = "";
	size_t i;

	if (c->days != 0x7f)
		for (i = 0; i < 7; i++)
			if (c->days >> i & 1) {
				buf_printf(out, "%s%.3s", blank, days + 3 * i);
				blank = " ";
			}
	if (c->from || c->to != DAY_MINUTES)
		buf_printf(out, "%s%02u:%02u-%02u:%02u", blank, c->from / 60,
			   c->from % 60, c->to / 60, c->to % 60);
}

static void cond_words(struct buf *out, const struct cond *c)
{
	if (c->arg)
		buf_printf(out, "%s ", c->arg->name);
	switch (c->kind) {
	case COND_IN:
		buf_str(out, c->in->n == 1 && !c->in->set ? "is " : "in ");
		values_words(out, c->in);
		break;
	case COND_UNDER:
		buf_str(out, "under ");
		buf_span(out, c->under);
		break;
	case COND_OWNER:
		buf_str(out, "is the owner");
		break;
	case COND_ENVELOPE:
		buf_str(out, "is of the envelope");
		break;
	case COND_TASK:
		buf_str(out, "is the task's own");
		break;
	case COND_SENDER_IN:
		buf_str(out, "from ");
		values_words(out, c->in);
		break;
	case COND_SESSION:
		session_words(out, c);
		break;
	case COND_TIME:
		time_words(out, c);
		break;
	}
}

void row_words(struct buf *out, const struct row *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		buf_str(out, i ? ", " : "");
		cond_words(out, &r->conds[i]);
	}
	if (!r->n)
		buf_str(out, "always");
}

/* amounts */

/* A decimal of so many digits behind the point, those that are 0 left out. */
static void decimal_words(struct buf *out, int64_t v, int64_t one,
			  unsigned digits)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint64_t rest = u % (uint64_t)one;

	buf_printf(out, "%s%llu", v < 0 ? "-" : "",
		   (unsigned long long)(u / (uint64_t)one));
	if (!rest)
		return;
	for (; rest % 10 == 0; digits--)
		rest /= 10;
	buf_printf(out, ".%0*llu", (int)digits, (unsigned long long)rest);
}

void money_words(struct buf *out, struct span currency, int64_t minor)
{
	int digits = type_minor_digits(currency), i;
	uint64_t one = 1, u = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;

	for (i = 0; i < digits; i++)
		one *= 10;
	buf_span(out, currency);
	buf_printf(out, " %s%llu", minor < 0 ? "-" : "",
		   (unsigned long long)(u / one));
	if (digits > 0)
		buf_printf(out, ".%0*llu", digits,
			   (unsigned long long)(u % one));
}

void number_words(struct buf *out, const struct arg *a, int64_t v)
{
	if (a->type == TYPE_NUMBER) {
		decimal_words(out, v, NUMBER_ONE, NUMBER_DIGITS);
		return;
	}
	if (a->type == TYPE_MONEY) {
		money_words(out, a->currency, v);
		return;
	}
	buf_printf(out, "%lld", (long long)v);
}

void duration_words(struct buf *out, uint64_t s)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (s && s % units[i].seconds == 0) {
			buf_printf(out, "%llu%c",
				   (unsigned long long)(s / units[i].seconds),
				   units[i].unit);
			return;
		}
	buf_printf(out, "%llus", (unsigned long long)s);
}

void size_words(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", "TiB" };
	size_t u = 0;

	while (bytes >= 10 << 10 && u + 1 < ARRAY_SIZE(units)) {
		bytes >>= 10;
		u++;
	}
	buf_printf(out, "%llu%s", (unsigned long long)bytes, units[u]);
}
