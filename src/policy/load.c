/*
 * load: a policy file into struct policy.
 *
 * The tables of load_*.c name every key of version 1 of the schema
 * (docs/policy.md) in the order in which they are read; the manual is made of
 * them. All errors of a file are told in one pass, and a file with one error
 * makes no policy: whoever had one keeps it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "conf/value.h"
#include "policy/loader.h"

static const uint8_t default_text[] = {
#include "default_policy.h"
};

const char *policy_default_text(void)
{
	return (const char *)default_text;
}

/* what all parts use */

void load_section(struct loader *l, const struct yaml_node *n,
		  const struct load_schema *s)
{
	note_later(l, n, s);
	load_map(&l->l, n, s->rules, s->n, l);
}

bool is_map(struct loader *l, const struct yaml_node *n, const char *what)
{
	if (yaml_kind(n) == YAML_MAP)
		return true;
	fault(l, n, "a map of %s belongs here", what);
	return false;
}

bool is_list(struct loader *l, const struct yaml_node *n, size_t most,
	     const char *what)
{
	if (yaml_kind(n) == YAML_LIST && yaml_count(n) && yaml_count(n) <= most)
		return true;
	fault(l, n, "a list of 1 to %zu %s belongs here", most, what);
	return false;
}

/* Names meet models, logs and file names: a narrow alphabet. */
static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= POLICY_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool check_name(struct loader *l, struct yaml_place at, const char *name)
{
	if (name_ok(name))
		return true;
	load_fault(&l->l, at,
		   "a name has 1 to %d of a-z 0-9 . _ - and begins with a "
		   "letter",
		   POLICY_NAME_MAX);
	return false;
}

const char *name_of(struct loader *l, const struct yaml_node *n)
{
	const char *text = load_scalar(&l->l, n);

	return text && check_name(l, yaml_place(n), text) ? text : NULL;
}

bool duration_of(struct loader *l, const struct yaml_node *n, uint64_t most_s,
		 uint64_t *ret)
{
	const char *text = load_scalar(&l->l, n);

	if (!text)
		return false;
	if (value_duration(text, ret) == 0 && *ret >= 1 && *ret <= most_s)
		return true;
	fault(l, n, "a duration, 1s to %ud, belongs here",
	      (unsigned)(most_s / 86400));
	return false;
}

bool count_of(struct loader *l, const struct yaml_node *n, uint64_t most,
	      const char *what, uint32_t *ret)
{
	const char *text = load_scalar(&l->l, n);
	uint64_t v;

	if (!text)
		return false;
	if (num_parse(span_str(text), 1, most, &v) < 0) {
		fault(l, n, "a number of %s, 1 to %llu", what,
		      (unsigned long long)most);
		return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* the top level */

static void set_version(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);

	if (text && strcmp(text, "1") != 0)
		fault(l, n,
		      "this program reads version 1 of the schema: write "
		      "bulkhead: 1");
}

static void set_profile(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->profile = name_of(l, n);
}

static const struct load_word mode_words[] = {
	{ "enforce", 0, false },
	{ "rehearse", 1, false },
};

static void set_mode(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->rehearse = load_choose(&l->l, n, LOAD_TABLE(mode_words)) == 1;
}

static int read_zone(const struct loader *l, const char *name, struct zone **z)
{
	CLEAN_BUF struct buf bytes;
	int r;

	buf_init(&bytes, ZONE_BYTES);
	if (!strcmp(name, "UTC"))
		return zone_utc(z);
	if (!l->zones || !zone_name_ok(name))
		return -ENOENT;
	r = l->zones->read(l->zones->ctx, name, &bytes);
	if (r < 0)
		return r;
	return buf_ok(&bytes) ? zone_parse(buf_view(&bytes), z) : -EFBIG;
}

static void set_timezone(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *name = load_scalar(&l->l, n);
	int r;

	if (!name)
		return;
	/* Even where it is wrong: no row that needs it has to say so again. */
	l->p->zone_name = name;
	r = read_zone(l, name, &l->p->zone);
	if (r == -ENOMEM)
		l->oom = true;
	else if (r == -EINVAL)
		fault(l, n, "the time zone data of \"%.64s\" is damaged", name);
	else if (r < 0)
		fault(l, n,
		      "there is no time zone \"%.64s\" here: write UTC, or a "
		      "name as Europe/Paris that is below /usr/share/zoneinfo",
		      name);
}

/* In this order: what a part names is there before it is read. */
static const struct load_rule top_rules[] = {
	{ { "bulkhead", true, false, "the version of the schema", "1", NULL },
	  set_version },
	{ { "profile", false, false,
	    "a name for this policy, shown and recorded", "a name", NULL },
	  set_profile },
	{ { "mode", true, false,
	    "whether its verdicts hold; rehearse records them, and nothing "
	    "leaves" },
	  set_mode,
	  LOAD_TABLE(mode_words) },
	{ { "timezone", false, false,
	    "where times of day are meant; required by them",
	    "UTC, or a name as Europe/Paris", NULL },
	  set_timezone },
	{ { "owner", false, false,
	    "the identities that speak for the owner, and where the owner is "
	    "asked",
	    "a map", NULL },
	  set_owner },
	{ { "principals", false, false, "further approvers, by name",
	    "a map of maps as owner", NULL },
	  set_principals },
	{ { "sets", false, false,
	    "closed lists, by name; only the file extends them",
	    "a map of lists", NULL },
	  set_sets },
	{ { "sources", true, false, "what is read, and how", "a map of maps",
	    NULL },
	  set_sources },
	{ { "capabilities", true, false, "what may be asked for",
	    "a map of maps", NULL },
	  set_capabilities },
	{ { "decoys", false, false,
	    "capabilities that are shown and do nothing: any call trips",
	    "a list of names", NULL },
	  set_decoys },
	{ { "budgets", false, false, "money, tokens, refusals, time", "a map",
	    NULL },
	  set_budgets },
	{ { "lease", false, false, "how long it acts alone", "a map", NULL },
	  set_lease },
	{ { "trip", false, false, "what each tripwire does", "a map", NULL },
	  set_trip },
};
const struct load_schema top_schema = { "", LOAD_TABLE(top_rules) };

size_t policy_schema(struct load_schema *ret, size_t most)
{
	static const struct load_schema *const all[] = {
		&top_schema,	&person_schema,	 &approvals_schema,
		&source_schema, &cap_schema,	 &arg_schema,
		&test_schema,	&session_schema, &time_schema,
		&limits_schema, &approve_schema, &budgets_schema,
		&lease_schema,	&trip_schema,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all) && i < most; i++)
		ret[i] = *all[i];
	return i;
}

/* a policy */

static void policy_defaults(struct policy *p)
{
	buf_init(&p->later, YAML_FILE_MAX);
	p->n_principals = 1;
	p->principals[0].name = "owner";
	p->principals[0].cli = true;
	buf_init(&p->principals[0].mem, EMAIL_MAX);
	p->trip = (struct trip){ .canary = TRIP_KILL,
				 .decoy = TRIP_KILL,
				 .denials = TRIP_FREEZE,
				 .audit = TRIP_KILL,
				 .limits = TRIP_REFUSE };
}

static int load_file(struct loader *l, const char *name, struct span yaml,
		     struct buf *errs)
{
	int r = yaml_parse(name, yaml, &l->p->y, errs);
	struct sha256 hash;

	if (r < 0)
		return r;
	l->l.y = l->p->y;
	l->l.errs = errs;
	load_section(l, yaml_root(l->p->y), &top_schema);
	if (!l->l.errors && !l->oom)
		lint_policy(l);
	if (l->oom)
		return -ENOMEM;
	if (l->l.errors)
		return -EINVAL;
	sha256_init(&hash);
	sha256_add(&hash, yaml);
	sha256_final(&hash, l->p->hash);
	return 0;
}

int policy_load(const char *name, struct span yaml,
		const struct policy_zones *zones, struct policy **ret,
		struct buf *errs)
{
	struct loader l = { .zones = zones };
	int r;

	l.p = calloc(1, sizeof(*l.p));
	if (!l.p)
		return -ENOMEM;
	policy_defaults(l.p);
	r = load_file(&l, name, yaml, errs);
	if (r < 0) {
		if (r != -EINVAL)
			buf_printf(errs, "%s: %s\n", name, strerror(-r));
		policy_free(l.p);
		return r;
	}
	*ret = l.p;
	return 0;
}

static void cap_free(struct cap *c)
{
	free(c->rows);
	free(c->description);
	free(c->schema);
	free(c);
}

void policy_free(struct policy *p)
{
	struct values *v, *next;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n_caps; i++)
		cap_free(p->caps[i]);
	for (i = 0; i < p->n_decoys; i++)
		free(p->decoys[i].description);
	for (i = 0; i < p->n_principals; i++)
		buf_done(&p->principals[i].mem);
	for (v = p->lists; v; v = next) {
		next = v->next;
		free(v->v);
		buf_done(&v->mem);
		free(v);
	}
	buf_done(&p->later);
	zone_free(p->zone);
	yaml_free(p->y);
	free(p);
}

const uint8_t *policy_hash(const struct policy *p)
{
	return p->hash;
}

const char *policy_profile(const struct policy *p)
{
	return p->profile ? p->profile : "";
}

const char *policy_timezone(const struct policy *p)
{
	return p->zone_name;
}

size_t policy_capabilities(const struct policy *p)
{
	return p->n_caps;
}

bool policy_tool(const struct policy *p, size_t i, struct m_tool *ret)
{
	if (i < p->n_caps) {
		ret->name = span_str(p->caps[i]->name);
		ret->description = span_str(p->caps[i]->description);
		ret->schema = span_str(p->caps[i]->schema);
		return true;
	}
	i -= p->n_caps;
	if (i >= p->n_decoys)
		return false;
	ret->name = span_str(p->decoys[i].name);
	ret->description = span_str(p->decoys[i].description);
	ret->schema = SPAN_LIT("{\"type\":\"object\"}");
	return true;
}

const struct policy_source *policy_source(const struct policy *p,
					  struct span connector)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (span_is(connector, p->sources[i].row.connector))
			return &p->sources[i].row;
	return NULL;
}
