/*
 * load_sources: what is read, by which reader, and the labels that its items
 * get: the broker stamps them, a reader cannot.
 */
#include <assert.h>
#include <stdio.h>

#include "base/str.h"
#include "policy/loader.h"
#include "policy/stamp.h"

/* What refers to items of each reader: the kinds of handles it makes, what its
 * authenticated senders are, and the name space that they are in. */
static const struct {
	const char *name;
	const char *kinds;
	enum arg_type sender;
	const char *space;
} readers[] = {
	{ "email", " thread message address link text attachment ", TYPE_EMAIL,
	  "email" },
	{ "telegram", " chat message user link text file ", TYPE_ID,
	  "telegram" },
	{ "slack", " channel thread message user link text file ", TYPE_ID,
	  "slack" },
	{ "github-issues", " issue pr comment user link text ", TYPE_ID,
	  "github" },
	{ "git-bundle", " commit file text ", TYPE_ID, "github" },
	{ "pkg-proxy", " package file link text ", TYPE_ID, "registry" },
	{ "ha-states", " entity value ", TYPE_ID, "home" },
	{ "ha-camera-events", " event value ", TYPE_ID, "home" },
};

bool reader_makes(const char *reader, const char *kind, char *list, size_t cap)
{
	char word[POLICY_NAME_MAX + 3];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		if (strcmp(readers[i].name, reader) != 0)
			continue;
		(void)str_printf(list, cap, "%.*s",
				 (int)strlen(readers[i].kinds) - 2,
				 readers[i].kinds + 1);
		return str_printf(word, sizeof(word), " %s ", kind) > 0 &&
		       strstr(readers[i].kinds, word);
	}
	list[0] = 0;
	return false;
}

enum arg_type source_sender_type(const struct source *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(readers); i++)
		if (!strcmp(readers[i].name, s->row.reader))
			return readers[i].sender;
	return TYPE_ID;
}

const char *source_space(const struct source *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(readers); i++)
		if (!strcmp(readers[i].name, s->row.reader))
			return readers[i].space;
	return "none";
}

static const struct load_word reader_words[] = {
	{ "email", 1, false },	    { "telegram", 2, false },
	{ "slack", 3, false },	    { "github-issues", 4, false },
	{ "git-bundle", 5, false }, { "pkg-proxy", 6, false },
	{ "ha-states", 7, false },  { "ha-camera-events", 8, false },
};
static_assert(ARRAY_SIZE(reader_words) == ARRAY_SIZE(readers),
	      "a word for each reader");

static void set_reader(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (load_choose(&l->l, n, LOAD_TABLE(reader_words)) > 0)
		l->source->row.reader = yaml_text(n);
}

static const struct load_word integrity_words[] = {
	{ "external", 0, false },
	{ "known", 1, false },
};

static void set_integrity(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->source->known =
		load_choose(&l->l, n, LOAD_TABLE(integrity_words)) == 1;
}

static const struct load_word audience_words[] = {
	{ "thread", AUDIENCE_THREAD, false },
	{ "owner", AUDIENCE_OWNER, false },
	{ "public", AUDIENCE_PUBLIC, false },
	{ "repo", AUDIENCE_REPO, false },
	{ "secret", AUDIENCE_SECRET, false },
};

static void set_audience(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(audience_words));

	if (v > 0)
		l->source->audience = (enum audience)v;
}

static const struct load_word reveal_words[] = {
	{ "text", REVEAL_TEXT, false },
	{ "handles", REVEAL_HANDLES, false },
	{ "typed", REVEAL_TYPED, false },
};

static void set_reveal(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(reveal_words));

	if (v > 0)
		l->source->reveal = (enum reveal)v;
}

static void set_answer_bits(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)count_of(l, n, POLICY_BITS, "bits", &l->source->answer_bits);
}

/* {in: SET}: the only places its items come from. */
static void set_only(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const struct yaml_node *in =
		yaml_kind(n) == YAML_MAP ? yaml_get(n, "in") : NULL;

	if (!in || yaml_count(n) != 1)
		fault(l, n, "{in: SET} of URLs belongs here");
	else
		l->source->only =
			values_in(l, (struct wanted){ .type = TYPE_URL }, in);
}

static void set_source_connector(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->source->row.connector = name_of(l, n);
	l->source->connector_at = yaml_place(n);
}

static const struct load_rule source_rules[] = {
	{ { "reader", true, false, "what reads its items" },
	  set_reader,
	  LOAD_TABLE(reader_words) },
	{ { "connector", true, false,
	    "where its items come from; one source for each reader",
	    "an inbound connector", NULL },
	  set_source_connector },
	{ { "integrity", true, false,
	    "how far its items may be trusted at most: known holds for senders "
	    "that a set of the owner's names, all others are external" },
	  set_integrity,
	  LOAD_TABLE(integrity_words) },
	{ { "audience", true, false, "who may read what came in with an item" },
	  set_audience,
	  LOAD_TABLE(audience_words) },
	{ { "reveal", true, false, "what of it the planner sees" },
	  set_reveal,
	  LOAD_TABLE(reveal_words) },
	{ { "answer_bits", false, false,
	    "most bits that answers about its items carry in one task",
	    "1 to 65536", "0: no answers" },
	  set_answer_bits },
	{ { "only", false, false, "the only URLs its items come from",
	    "{in: SET}", "all" },
	  set_only },
};
const struct load_schema source_schema = { "sources.NAME.",
					   LOAD_TABLE(source_rules) };

static void check_twin(struct loader *l, const struct source *s)
{
	const struct source *o;

	for (o = l->p->sources; o < s; o++)
		if (s->row.connector && o->row.connector && s->row.reader &&
		    o->row.reader &&
		    !strcmp(o->row.connector, s->row.connector) &&
		    !strcmp(o->row.reader, s->row.reader))
			load_fault(&l->l, s->connector_at,
				   "\"%s\" reads this connector already: one "
				   "source each",
				   o->row.name);
}

void set_sources(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "sources"))
		return;
	if (yaml_count(n) > POLICY_SOURCES) {
		fault(l, n, "more than %d sources: use fewer", POLICY_SOURCES);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		l->source = &l->p->sources[l->p->n_sources++];
		l->source->row.name = yaml_key(n, i);
		(void)check_name(l, yaml_key_place(n, i), yaml_key(n, i));
		load_section(l, yaml_at(n, i), &source_schema);
		check_twin(l, l->source);
	}
}
