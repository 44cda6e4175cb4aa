/*
 * secrets: keys of models for the vault, and every place where a secret lies in
 * plain text. Whatever lay on a disk where an agent could read it is to be made
 * anew at its provider: the list says where, never what.
 */
#include "base/str.h"
#include "import/inner.h"

/* Hosts of the keys' providers, who take no other. */
static const struct {
	const char *provider, *hosts;
} providers[] = {
	{ "anthropic", "api.anthropic.com:443" },
	{ "openai", "api.openai.com:443" },
	{ "openrouter", "openrouter.ai:443" },
	{ "google", "generativelanguage.googleapis.com:443" },
	{ "groq", "api.groq.com:443" },
	{ "mistral", "api.mistral.ai:443" },
	{ "xai", "api.x.ai:443" },
};

void take_secret_value(struct taking *t, const char *name, const char *hosts,
		       const char *value)
{
	struct openclaw *o = t->o;
	struct openclaw_secret *s = &o->secrets[o->n_secrets];

	if (o->n_secrets == OPENCLAW_SECRETS) {
		take_warn(t, "more than %d secrets: %s is left out",
			  (int)OPENCLAW_SECRETS, name);
		return;
	}
	if (str_printf(s->name, sizeof(s->name), "%s", name) < 0 ||
	    str_printf(s->connector, sizeof(s->connector), "%s", name) < 0 ||
	    str_printf(s->hosts, sizeof(s->hosts), "%s", hosts) < 0 ||
	    str_printf(s->value, sizeof(s->value), "%s", value) < 0)
		return;
	o->n_secrets++;
	take_note(t, "the secret %s, for %s", name, hosts);
}

/* Printable, without blanks; \n parts nothing in a token. */
static bool token_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

/* NAME=VALUE of .env, quotes around the value or not. */
static struct span env_line(struct span *rest, struct span *name)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n), *eq;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct span l = span_of(rest->p, n), v;

	*rest = end ? span_of(end + 1, rest->n - n - 1)
		    : span_of(rest->p + rest->n, 0);
	*name = (struct span){ 0 };
	while (l.n && (l.p[l.n - 1] == '\r' || l.p[l.n - 1] == ' '))
		l.n--;
	while (l.n && l.p[0] == ' ')
		l = span_of(l.p + 1, l.n - 1);
	if (l.n > 7 && memcmp(l.p, "export ", 7) == 0)
		l = span_of(l.p + 7, l.n - 7);
	eq = l.n && l.p[0] != '#' ? memchr(l.p, '=', l.n) : NULL;
	if (!eq)
		return (struct span){ 0 };
	*name = span_of(l.p, (size_t)(eq - l.p));
	v = span_of(eq + 1, l.n - name->n - 1);
	if (v.n > 1 && (v.p[0] == '"' || v.p[0] == '\'') &&
	    v.p[v.n - 1] == v.p[0])
		v = span_of(v.p + 1, v.n - 2);
	return v;
}

static struct span env_value(const struct taking *t, struct span name)
{
	const struct json5 *j = t->config;
	const struct json5_node *env = json5_get(j, json5_root(j), "env");
	struct span rest = t->env ? t->env->bytes : (struct span){ 0 };
	char key[128];

	if (str_copy(key, sizeof(key), name) == 0) {
		const struct json5_node *n =
			json5_get(j, json5_get(j, env, "vars"), key);

		if (!n)
			n = json5_get(j, env, key);
		if (json5_kind(n) == JSON5_STRING)
			return json5_text(j, n);
	}
	while (rest.n) {
		struct span k, v = env_line(&rest, &k);

		if (k.n && span_eq(k, name))
			return v;
	}
	return (struct span){ 0 };
}

static bool is_reference(struct span s)
{
	return s.n > 3 && s.p[0] == '$' && s.p[1] == '{' && s.p[s.n - 1] == '}';
}

bool take_resolve(struct taking *t, struct span value, char *dst, size_t cap)
{
	if (is_reference(value))
		value = env_value(t, span_of(value.p + 2, value.n - 3));
	return token_ok(value) && !is_reference(value) &&
	       str_copy(dst, cap, value) == 0;
}

/* profiles */

static const char *hosts_of(struct span provider)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(providers); i++)
		if (span_is(provider, providers[i].provider))
			return providers[i].hosts;
	return NULL;
}

static bool have_secret(const struct taking *t, struct span name)
{
	size_t i;

	for (i = 0; i < t->o->n_secrets; i++)
		if (span_is(name, t->o->secrets[i].name))
			return true;
	return false;
}

static void take_profile(struct taking *t, const struct json5 *j,
			 const struct json5_node *p)
{
	struct span provider = json5_text(j, json5_get(j, p, "provider"));
	const struct json5_node *type = json5_get(j, p, "type"), *key;
	char value[OPENCLAW_SECRET_MAX], name[OPENCLAW_NAME_MAX], q[256];
	const char *hosts = hosts_of(provider);

	key = json5_get(
		j, p, span_is(json5_text(j, type), "token") ? "token" : "key");
	if (span_is(json5_text(j, type), "oauth")) {
		take_warn(t,
			  "%s:%u: the login %s is another program's: not "
			  "taken; end "
			  "it at its provider",
			  json5_name(j), json5_line(p),
			  take_quote(q, json5_key(j, p)));
	} else if (!key) {
		take_warn(t,
			  "%s:%u: %s has its key elsewhere: its place is not "
			  "followed",
			  json5_name(j), json5_line(p),
			  take_quote(q, json5_key(j, p)));
	} else if (!hosts) {
		take_warn(
			t,
			"%s:%u: %s: the hosts of this provider are not known: "
			"not taken",
			json5_name(j), json5_line(p),
			take_quote(q, json5_key(j, p)));
	} else if (have_secret(t, provider)) {
		take_warn(t,
			  "%s:%u: %s: a second key of its provider: not taken",
			  json5_name(j), json5_line(p),
			  take_quote(q, json5_key(j, p)));
	} else if (str_copy(name, sizeof(name), provider) == 0 &&
		   take_resolve(t, json5_text(j, key), value, sizeof(value))) {
		take_secret_value(t, name, hosts, value);
	}
	explicit_bzero(value, sizeof(value));
}

/* agents/NAME/agent/auth-profiles.json */
static bool is_profiles(const char *name)
{
	static const char tail[] = "/auth-profiles.json";
	size_t n = strlen(name);

	return n >= sizeof(tail) &&
	       !strcmp(name + n - (sizeof(tail) - 1), tail);
}

void take_profiles(struct taking *t)
{
	size_t i;

	for (i = 0; i < t->n_files; i++) {
		CLEAN_JSON5 struct json5 *j = NULL;
		const struct json5_node *c;
		struct err e = { 0 };

		if (!is_profiles(t->files[i].name) ||
		    json5_parse(t->files[i].name, t->files[i].bytes, &j, &e) <
			    0)
			continue;
		c = json5_first(j, json5_get(j, json5_root(j), "profiles"));
		for (; c; c = json5_next(j, c))
			take_profile(t, j, c);
	}
}

/* what lies in plain text */

static bool has_tail(struct span s, const char *tail)
{
	size_t n = strlen(tail), i;

	if (s.n < n)
		return false;
	for (i = 0; i < n; i++) {
		uint8_t c = s.p[s.n - n + i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != (uint8_t)tail[i])
			return false;
	}
	return true;
}

/* Names under which programs keep secrets. */
static bool is_secret_name(struct span key)
{
	static const char *const tails[] = {
		"token",  "secret",  "password",   "passwd",	  "passphrase",
		"apikey", "api_key", "privatekey", "private_key", "_key",
	};
	static const char *const whole[] = { "key", "access", "refresh",
					     "accessKey", "secretKey" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tails); i++)
		if (has_tail(key, tails[i]))
			return true;
	for (i = 0; i < ARRAY_SIZE(whole); i++)
		if (span_is(key, whole[i]))
			return true;
	return false;
}

static void rotate(struct taking *t, const char *file, uint32_t line,
		   struct span key)
{
	char q[256];

	if (t->n_rotate++ >= OPENCLAW_ROTATE) {
		if (t->n_rotate == OPENCLAW_ROTATE + 1)
			take_warn(t,
				  "more secrets in plain text than are listed");
		return;
	}
	buf_printf(&t->o->report,
		   "rotate: %s:%u: %s lies there in plain text\n", file, line,
		   take_quote(q, key));
}

void list_plain(struct taking *t, const struct json5 *j)
{
	const struct json5_node *next[JSON5_DEPTH + 1] = { json5_root(j) };
	size_t depth = 1;

	while (depth) {
		const struct json5_node *n = next[depth - 1], *down;
		struct span v = json5_text(j, n);

		if (!n) {
			depth--;
			continue;
		}
		if (json5_kind(n) == JSON5_STRING && v.n && !is_reference(v) &&
		    is_secret_name(json5_key(j, n)))
			rotate(t, json5_name(j), json5_line(n),
			       json5_key(j, n));
		next[depth - 1] = json5_next(j, n);
		down = json5_first(j, n);
		if (down)
			next[depth++] = down;
	}
}

void list_env(struct taking *t)
{
	struct span rest = t->env ? t->env->bytes : (struct span){ 0 };
	uint32_t at = 0;

	if (!utf8_valid(rest)) {
		take_warn(t, ".env: bytes that are no UTF-8: not read");
		return;
	}
	while (rest.n) {
		struct span name, v = env_line(&rest, &name);

		at++;
		if (name.n && v.n && is_secret_name(name))
			rotate(t, ".env", at, name);
	}
}
