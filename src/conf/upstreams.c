/*
 * upstreams: the map `upstreams` of bulkhead.yaml: servers of models. Each is
 * an account like those of `connectors` (connectors.c), with keys of its own;
 * it carries neither messages nor effects.
 */
#include <string.h>

#include "base/str.h"
#include "conf/loader.h"
#include "proto/limits.h"

enum {
	TOKENS_MAX = 1 << 20, /* as LLM_TOKENS_MAX */
	TOKENS_DEFAULT = 8192,
};

static const struct load_word api_words[] = {
	{ "openai", 0, false },
	{ "anthropic", 1, false },
};

static void set_api(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->connector->anthropic =
		load_choose(&l->load, n, LOAD_TABLE(api_words)) > 0;
}

static void set_tls(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->connector->plain = !conf_bool(l, n);
}

static bool is_model(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	return c != text && (size_t)(c - text) <= LIMIT_NAME;
}

static void set_models(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	char *dst = l->connector->models;
	size_t i, at = 0;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n)) {
		conf_fault(l, n,
			   "a list of the models that may be asked, e.g. "
			   "[claude-sonnet]; any: whichever");
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const char *text = conf_scalar(l, yaml_at(n, i));
		int more;

		if (!text)
			continue;
		if (!is_model(text)) {
			conf_fault(l, yaml_at(n, i),
				   "a model's name has 1 to %d characters of "
				   "ASCII, and no blanks",
				   LIMIT_NAME);
			continue;
		}
		more = str_printf(dst + at, CONF_MODELS - at, "%s%s",
				  at ? " " : "", text);
		if (more < 0) {
			conf_fault(l, n,
				   "all names together are longer than %d "
				   "bytes: use two upstreams",
				   CONF_MODELS - 1);
			return;
		}
		at += (size_t)more;
	}
}

static void set_tokens(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, TOKENS_MAX, &v) < 0)
		conf_fault(l, n, "a number of 1 to %d", TOKENS_MAX);
	else
		l->connector->tokens = (uint32_t)v;
}

static void set_prices(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->connector->prices);
}

const struct load_rule conf_upstream_rules[CONF_UPSTREAM_RULES] = {
	{ { "kind", true, false,
	    "whose requests it takes: anthropic, of Anthropic's Messages API; "
	    "openai, of OpenAI's Chat Completions and Responses APIs" },
	  set_api,
	  LOAD_TABLE(api_words) },
	{ { "hosts", true, false, "where it is", "a list of one NAME:PORT",
	    NULL },
	  conf_set_hosts },
	{ { "private", false, false,
	    "its host may have a private address, or be this machine",
	    "true, false", "false" },
	  conf_set_private },
	{ { "tls", false, false,
	    "it is spoken to by TLS; only one that is private can do without",
	    "true, false", "true, and false with private without ca" },
	  set_tls },
	{ { "secret", false, false, "its key's name in the vault", "a name",
	    NULL },
	  conf_set_secret },
	{ { "ca", false, false,
	    "the certificates that its server's is signed with, PEM", "a path",
	    "the system's" },
	  conf_set_ca },
	{ { "models", true, false, "those that may be asked",
	    "a list of names, or [any]", NULL },
	  set_models },
	{ { "tokens", false, false, "most tokens of an answer", "1 to 1048576",
	    "8192" },
	  set_tokens },
	{ { "prices", false, false,
	    "the file of what the tokens of its models cost, for budgets of "
	    "money",
	    "a path", NULL },
	  set_prices },
};

static void check(struct loader *l, const struct yaml_node *row)
{
	struct conf_connector *cc = l->connector;
	const struct yaml_node *tls = yaml_get(row, "tls");

	if (!tls)
		cc->plain = cc->private && !*cc->ca;
	else if (cc->plain && !cc->private)
		conf_fault(l, tls,
			   "a server that is not private is spoken to by TLS: "
			   "remove this, or set private: true");
	if (cc->n_hosts > 1)
		conf_fault(l, yaml_get(row, "hosts"),
			   "an upstream has one host: use two upstreams");
	if (cc->n_hosts)
		conf_check_hosts(l, yaml_get(row, "hosts"));
}

static bool name_is_new(const struct loader *l, const char *name)
{
	uint32_t i;

	for (i = 0; i < l->c.n_connectors; i++)
		if (!strcmp(l->c.connectors[i].name, name))
			return false;
	return true;
}

void conf_set_upstreams(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n) ||
	    yaml_count(n) > CONF_CONNECTORS - l->c.n_connectors) {
		conf_fault(l, n,
			   "a map of upstreams; with connectors they are %d at "
			   "most",
			   CONF_CONNECTORS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const struct yaml_node *row = yaml_at(n, i);
		const char *name = yaml_key(n, i);

		l->connector = &l->c.connectors[l->c.n_connectors];
		*l->connector =
			(struct conf_connector){ .kind = CONNECTOR_MODEL,
						 .tokens = TOKENS_DEFAULT };
		if (!conf_name_ok(name) ||
		    str_copy(l->connector->name, CONF_NAME_MAX,
			     span_str(name)) < 0)
			conf_fault(l, row,
				   "an upstream's name has 1 to %d of a-z 0-9 "
				   ". _ -",
				   CONF_NAME_MAX - 1);
		else if (!name_is_new(l, name))
			conf_fault(l, row,
				   "\"%s\" is a connector already: name it "
				   "otherwise",
				   name);
		conf_walk(l, row, conf_upstream_rules, CONF_UPSTREAM_RULES);
		if (yaml_kind(row) == YAML_MAP)
			check(l, row);
		l->c.n_connectors++;
	}
}

static bool has_model(const char *list, const char *model)
{
	const size_t n = strlen(model);
	const char *at = list;

	while (*at) {
		const size_t word = strcspn(at, " ");

		if ((word == n && !memcmp(at, model, n)) ||
		    (word == 3 && !memcmp(at, "any", 3)))
			return true;
		at += word + (at[word] == ' ');
	}
	return false;
}

/* Its machine's size is its own, and it is made for its task, not kept ready: a
 * template would hold all of that memory. */
static void check_local(struct loader *l)
{
	struct conf *c = &l->c;

	if (!*c->gguf)
		conf_fault(l, l->planner,
			   "the planner local needs \"model\", the path of a "
			   "GGUF file");
	if (*c->upstream)
		conf_fault(l, yaml_get(l->planner, "upstream"),
			   "the planner local asks no upstream: remove this");
	if (c->planner_vm.pool)
		conf_fault(l, l->planner,
			   "the planner local is not kept ready: remove "
			   "\"pool\" of vms.planner");
	c->planner_vm.memory_mib = l->local.memory_mib;
	c->planner_vm.cpus = l->local.cpus;
}

static void check_not_local(struct loader *l)
{
	static const char *const keys[] = { "memory", "cpus" };
	size_t i;

	for (i = 0; l->planner && i < ARRAY_SIZE(keys); i++)
		if (yaml_get(l->planner, keys[i]))
			conf_fault(l, yaml_get(l->planner, keys[i]),
				   "\"%s\" is of the planner local: that of "
				   "others is in vms.planner",
				   keys[i]);
}

void conf_check_planner(struct loader *l)
{
	struct conf *c = &l->c;
	struct conf_connector *cc = NULL;
	uint32_t i;

	if (c->planner == PLANNER_LOCAL)
		check_local(l);
	else
		check_not_local(l);
	if (c->n_documents && c->planner != PLANNER_LOCAL &&
	    c->planner != PLANNER_LLM)
		conf_fault(
			l, yaml_get(l->planner, "documents"),
			"this planner asks no model, and reads no documents: "
			"remove this");
	if (c->planner != PLANNER_LLM)
		return;
	for (i = 0; i < c->n_connectors; i++)
		if (c->connectors[i].kind == CONNECTOR_MODEL &&
		    !strcmp(c->connectors[i].name, c->upstream))
			cc = &c->connectors[i];
	if (!cc)
		conf_fault(l, l->planner,
			   "the planner llm needs \"upstream\", one of "
			   "\"upstreams\"");
	else if (!*c->model || !has_model(cc->models, c->model))
		conf_fault(l, l->planner,
			   "the planner llm needs \"model\", one of its "
			   "upstream's models");
	else
		cc->chosen = true;
}
