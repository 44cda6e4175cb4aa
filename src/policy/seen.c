/* seen: see seen.h. */
#include "policy/seen.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/model.h"
#include "policy/words.h"

/* The values of one argument, canonical, as blobs in mem. */
struct seen_values {
	size_t n;
	bool more; /* than SEEN_VALUES */
	size_t at[SEEN_VALUES], len[SEEN_VALUES];
	struct buf mem;
};

/* Calls with the same arguments that are not content. */
struct shape {
	uint32_t there; /* bit i: args[i] */
	uint64_t calls;
	bool has_session;	/* every call of it had one */
	unsigned always, never; /* SESSION_ bits */
	struct seen_values values[POLICY_ARGS];
};

struct seen_cap {
	uint64_t calls;
	uint64_t *rows; /* how often each decided */
	size_t n_shapes;
	bool more; /* shapes than SEEN_SHAPES */
	struct shape *shapes[SEEN_SHAPES];
};

struct seen {
	const struct policy *p;
	uint64_t calls, other; /* of another policy */
	uint64_t bare;	       /* without values */
	struct seen_cap *caps;
	bool **members; /* by set */
};

static_assert(POLICY_ARGS <= 32, "a bit for each argument");

static bool alloc_caps(struct seen *s)
{
	size_t i;

	s->caps = calloc(s->p->n_caps + 1, sizeof(*s->caps));
	for (i = 0; s->caps && i < s->p->n_caps; i++) {
		s->caps[i].rows = calloc(s->p->caps[i]->n_rows + 1,
					 sizeof(*s->caps[i].rows));
		if (!s->caps[i].rows)
			return false;
	}
	return s->caps != NULL;
}

static bool alloc_members(struct seen *s)
{
	size_t i;

	s->members = calloc(s->p->n_sets + 1, sizeof(*s->members));
	for (i = 0; s->members && i < s->p->n_sets; i++) {
		s->members[i] = calloc(yaml_count(s->p->sets[i].list) + 1,
				       sizeof(*s->members[i]));
		if (!s->members[i])
			return false;
	}
	return s->members != NULL;
}

struct seen *seen_new(const struct policy *p)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->p = p;
	if (alloc_caps(s) && alloc_members(s))
		return s;
	seen_free(s);
	return NULL;
}

static void shape_free(struct shape *h)
{
	size_t i;

	for (i = 0; i < POLICY_ARGS; i++)
		buf_done(&h->values[i].mem);
	free(h);
}

void seen_free(struct seen *s)
{
	size_t i, k;

	if (!s)
		return;
	for (i = 0; s->caps && i < s->p->n_caps; i++) {
		for (k = 0; k < s->caps[i].n_shapes; k++)
			shape_free(s->caps[i].shapes[k]);
		free(s->caps[i].rows);
	}
	for (i = 0; s->members && i < s->p->n_sets; i++)
		free(s->members[i]);
	free(s->caps);
	free(s->members);
	free(s);
}

/* a record */

/* "NAME:31:9 allow": the place of one of the capability's rows; n_rows: none
 * of them. */
static size_t row_of(const struct cap *c, struct span clause)
{
	char place[64];
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		int n = str_printf(place, sizeof(place), ":%u:%u ",
				   c->rows[i].at.line, c->rows[i].at.column);

		if (n > 0 && memmem(clause.p, clause.n, place, (size_t)n))
			break;
	}
	return i;
}

/* Marks the value in every set that has it as a value of its type. */
static void mark_members(struct seen *s, enum arg_type t, struct span canonical)
{
	CLEAN_BUF struct buf text;
	size_t i, k;

	buf_init(&text, YAML_FILE_MAX);
	for (i = 0; i < s->p->n_sets; i++) {
		const struct yaml_node *list = s->p->sets[i].list;

		for (k = 0; k < yaml_count(list); k++) {
			const char *member = yaml_text(yaml_at(list, k));

			buf_reset(&text);
			if (!type_canon(t, false, span_str(member), &text) &&
			    type_matches(t, buf_view(&text), canonical))
				s->members[i][k] = true;
		}
	}
}

static int add_value(struct seen_values *v, struct span canonical)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (span_eq(buf_part(&v->mem, v->at[i], v->len[i]), canonical))
			return 0;
	if (v->n == SEEN_VALUES) {
		v->more = true;
		return 0;
	}
	v->at[v->n] = v->mem.n;
	v->len[v->n] = canonical.n;
	buf_span(&v->mem, canonical);
	v->n++;
	return v->mem.bad ? -ENOMEM : 0;
}

/* The bits of the arguments that decide something, and are there. */
static uint32_t there_of(const struct cap *c, const struct seen_call *call)
{
	uint32_t there = 0;
	size_t i;

	for (i = 0; i < call->n; i++) {
		const struct arg *a = cap_arg(c, call->args[i].name);

		if (a && a->role != ROLE_CONTENT)
			there |= UINT32_C(1) << (a - c->args);
	}
	return there;
}

static struct shape *shape_of(struct seen_cap *sc, uint32_t there)
{
	struct shape *h;
	size_t i;

	for (i = 0; i < sc->n_shapes; i++)
		if (sc->shapes[i]->there == there)
			return sc->shapes[i];
	if (sc->n_shapes == SEEN_SHAPES) {
		sc->more = true;
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->there = there;
	h->has_session = true;
	h->always = h->never = ~0u;
	for (i = 0; i < POLICY_ARGS; i++)
		buf_init(&h->values[i].mem,
			 (size_t)SEEN_VALUES * LIMIT_ARG_BYTES);
	sc->shapes[sc->n_shapes++] = h;
	return h;
}

static int add_args(struct seen *s, const struct cap *c, struct shape *h,
		    const struct seen_call *call)
{
	CLEAN_BUF struct buf text;
	size_t i;
	int r = 0;

	buf_init(&text, LIMIT_ARG_BYTES);
	for (i = 0; r == 0 && i < call->n; i++) {
		const struct arg *a = cap_arg(c, call->args[i].name);

		if (!a || a->role == ROLE_CONTENT || a->type == TYPE_HANDLE)
			continue;
		buf_reset(&text);
		if (type_canon(a->type, a->lines, call->args[i].value, &text))
			continue; /* it was refused for that */
		mark_members(s, a->type, buf_view(&text));
		if (h)
			r = add_value(&h->values[a - c->args], buf_view(&text));
	}
	return r;
}

static int add_suggestion(struct seen *s, size_t i,
			  const struct seen_call *call)
{
	const struct cap *c = s->p->caps[i];
	bool wanted = (call->rehearsed || call->approved) && !call->refused;
	struct seen_cap *sc = &s->caps[i];
	struct shape *h = NULL;

	if (!call->has_args) {
		s->bare++;
		return 0;
	}
	if (wanted)
		h = shape_of(sc, there_of(c, call));
	if (wanted && !h && !sc->more)
		return -ENOMEM;
	if (h) {
		h->calls++;
		h->has_session &= call->has_session;
		h->always &= call->session;
		h->never &= ~call->session;
	}
	return add_args(s, c, h, call);
}

int seen_add(struct seen *s, const struct seen_call *call)
{
	bool same =
		call->policy && !memcmp(call->policy, s->p->hash, POLICY_HASH);
	size_t i, row;

	s->calls++;
	s->other += !same;
	for (i = 0; i < s->p->n_caps; i++)
		if (span_is(call->capability, s->p->caps[i]->name))
			break;
	if (i == s->p->n_caps)
		return 0;
	s->caps[i].calls++;
	row = row_of(s->p->caps[i], call->clause);
	if (same && row < s->p->caps[i]->n_rows)
		s->caps[i].rows[row]++;
	return add_suggestion(s, i, call);
}

/* what nothing met */

static size_t unused_rows(const struct seen *s, size_t i, struct buf *out)
{
	const struct cap *c = s->p->caps[i];
	CLEAN_BUF struct buf text;
	size_t k, n = 0;

	buf_init(&text, 4096);
	for (k = 0; k < c->n_rows; k++) {
		if (s->caps[i].rows[k])
			continue;
		buf_reset(&text);
		row_words(&text, &c->rows[k]);
		yaml_error(s->p->y, out, c->rows[k].at,
			   "%s: this row decided nothing: %s: %s", c->name,
			   outcome_word(c->rows[k].outcome), buf_cstr(&text));
		n++;
	}
	return n;
}

static size_t unused_members(const struct seen *s, size_t i, struct buf *out)
{
	const struct set *set = &s->p->sets[i];
	size_t k, n = 0;

	for (k = 0; k < yaml_count(set->list); k++) {
		const struct yaml_node *m = yaml_at(set->list, k);

		if (s->members[i][k])
			continue;
		yaml_error(s->p->y, out, yaml_place(m),
			   "set %s: no call named %s", set->name, yaml_text(m));
		n++;
	}
	return n;
}

size_t seen_unused(const struct seen *s, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < s->p->n_caps; i++) {
		if (s->caps[i].calls) {
			n += unused_rows(s, i, out);
			continue;
		}
		yaml_error(s->p->y, out, s->p->caps[i]->at,
			   "%s: nothing called it", s->p->caps[i]->name);
		n++;
	}
	for (i = 0; i < s->p->n_sets; i++)
		n += unused_members(s, i, out);
	buf_printf(out, "%llu decisions\n", (unsigned long long)s->calls);
	if (s->other)
		buf_printf(out,
			   "%llu of them by another policy: its rows are not "
			   "counted\n",
			   (unsigned long long)s->other);
	if (s->bare)
		buf_printf(out,
			   "%llu of them without arguments to be had: members "
			   "they named are not counted\n",
			   (unsigned long long)s->bare);
	return n;
}

/* what to write */

/* A value in quotes, as YAML takes it: what is no plain ASCII is escaped. */
static void quoted(struct buf *out, struct span v)
{
	size_t i;

	buf_str(out, "\"");
	for (i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buf_printf(out, "\\%c", v.p[i]);
		else if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			buf_printf(out, "\\x%02x", v.p[i]);
		else
			buf_put(out, v.p + i, 1);
	}
	buf_str(out, "\"");
}

static void put_condition(struct buf *out, const struct arg *a,
			  const struct seen_values *v, const char *comma)
{
	size_t i;

	buf_printf(out, "%s%s: {in: [", comma, a->name);
	for (i = 0; i < v->n; i++) {
		buf_str(out, i ? ", " : "");
		if (type_is_number(a->type) && a->type != TYPE_MONEY)
			buf_span(out, buf_part(&v->mem, v->at[i], v->len[i]));
		else
			quoted(out, buf_part(&v->mem, v->at[i], v->len[i]));
	}
	buf_str(out, "]}");
}

static void put_session(struct buf *out, const struct shape *h,
			const char *comma)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = { { SESSION_TAINTED, "tainted" },
		     { SESSION_PRIVATE, "private" } };
	bool first = true;
	size_t i;

	for (i = 0; h->has_session && i < ARRAY_SIZE(bits); i++) {
		bool always = h->always & bits[i].bit;

		if (!always && !(h->never & bits[i].bit))
			continue;
		buf_printf(out, "%s%s: %s", first ? comma : ", ", bits[i].name,
			   always ? "true" : "false");
		first = false;
	}
	if (!first)
		buf_str(out, "}");
}

/* Why no row covers exactly what was seen; NULL: one does. */
static const char *no_row(const struct cap *c, const struct shape *h,
			  const struct arg **which)
{
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		const struct arg *a = &c->args[i];
		bool there = h->there >> i & 1;

		*which = a;
		if (a->role == ROLE_CONTENT || a->role == ROLE_CREDENTIAL)
			continue;
		if (there && a->type == TYPE_HANDLE)
			return "is a handle: no row can name those seen";
		if (there && (h->values[i].more || !h->values[i].n))
			return "had too many values for a list";
		if (!there && !a->closed)
			return "was never there, and no row can say so: remove "
			       "it from args first";
	}
	return NULL;
}

static size_t suggest_shape(const struct cap *c, const struct shape *h,
			    struct buf *out)
{
	const struct arg *which = NULL;
	const char *why = no_row(c, h, &which);
	const char *comma = "";
	size_t i;

	buf_printf(out, "      # seen %llu times\n",
		   (unsigned long long)h->calls);
	if (why) {
		buf_printf(out, "      # no row: %s %s\n", which->name, why);
		return 0;
	}
	buf_str(out, "      - allow: {");
	for (i = 0; i < c->n_args; i++) {
		if (!(h->there >> i & 1))
			continue;
		put_condition(out, &c->args[i], &h->values[i], comma);
		comma = ", ";
	}
	put_session(out, h, *comma ? ", session: {" : "session: {");
	buf_str(out, "}\n");
	return 1;
}

size_t seen_suggest(const struct seen *s, struct buf *out)
{
	size_t i, k, n = 0;

	for (i = 0; i < s->p->n_caps; i++) {
		const struct seen_cap *sc = &s->caps[i];

		if (!sc->n_shapes)
			continue;
		buf_printf(out, "  %s:\n    decide:\n", s->p->caps[i]->name);
		for (k = 0; k < sc->n_shapes; k++)
			n += suggest_shape(s->p->caps[i], sc->shapes[k], out);
		if (sc->more)
			buf_str(out, "      # and more sorts of calls\n");
	}
	if (s->bare)
		buf_printf(out,
			   "# %llu decisions without arguments to be had\n",
			   (unsigned long long)s->bare);
	return n;
}
