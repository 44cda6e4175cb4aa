/*
 * channels: the chats. An account has its own settings over those of its
 * channel. People and chats are taken by the numbers that providers vouch for;
 * what is open to all is taken as open to nobody.
 */
#include "base/str.h"
#include "import/inner.h"

/* Where settings of one account are looked for. */
struct place {
	const struct json5_node *own, *base;
};

static const char *const kind_names[] = { "telegram", "slack" };

static const struct json5_node *setting(const struct taking *t, struct place p,
					const char *key)
{
	const struct json5_node *n = json5_get(t->config, p.own, key);

	return n ? n : json5_get(t->config, p.base, key);
}

static bool is_word(const struct taking *t, const struct json5_node *n,
		    const char *word)
{
	return json5_kind(n) == JSON5_STRING &&
	       span_is(json5_text(t->config, n), word);
}

/* A list of senders: ids are taken, the rest is named. */
static void take_people(struct taking *t, struct account *a, const char *what,
			const struct json5 *j, const struct json5_node *list)
{
	const struct json5_node *c;
	char q[256];

	for (c = json5_first(j, list); c; c = json5_next(j, c)) {
		struct span s = json5_text(j, c);

		if (span_is(s, "*"))
			take_warn(t,
				  "%s:%u: %s of %s lets everybody in (*): "
				  "nobody is "
				  "let in by it here",
				  json5_name(j), json5_line(c), what, a->name);
		else if (!ids_person(&a->people, a->kind, s))
			take_warn(
				t,
				"%s:%u: %s of %s: %s is no id that %s vouches "
				"for: left out",
				json5_name(j), json5_line(c), what, a->name,
				take_quote(q, s), kind_names[a->kind]);
	}
}

/* {"-100...": {...}}, {"C123": {...}}: chats by id. */
static void take_chats(struct taking *t, struct account *a,
		       const struct json5_node *map)
{
	const struct json5 *j = t->config;
	const struct json5_node *c;
	char q[256];

	for (c = json5_first(j, map); c; c = json5_next(j, c)) {
		struct span key = json5_key(j, c);

		if (json5_kind(json5_get(j, c, "enabled")) == JSON5_FALSE ||
		    json5_kind(json5_get(j, c, "allow")) == JSON5_FALSE)
			continue;
		if (is_word(t, json5_get(j, c, "groupPolicy"), "open")) {
			take_warn(t,
				  "%s:%u: the chat %s of %s is open to all in "
				  "it: left out",
				  json5_name(j), json5_line(c),
				  take_quote(q, key), a->name);
			continue;
		}
		if (span_is(key, "*"))
			take_warn(t,
				  "%s:%u: all chats of %s (*): none is taken "
				  "by it",
				  json5_name(j), json5_line(c), a->name);
		else if (!ids_chat(&a->chats, a->kind, key))
			take_warn(t,
				  "%s:%u: the chat %s of %s is no id: left out",
				  json5_name(j), json5_line(c),
				  take_quote(q, key), a->name);
		take_people(t, a, "a chat's senders", j,
			    json5_get(j, c, "allowFrom"));
		take_people(t, a, "a chat's senders", j,
			    json5_get(j, c, "users"));
	}
}

/* What the owner paired: credentials/KIND[-ACCOUNT]-allowFrom.json. */
static void take_paired(struct taking *t, struct account *a, bool scoped)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	const struct openclaw_file *f;
	struct err e = { 0 };
	char name[160];

	(void)str_printf(
		name, sizeof(name), "credentials/%s%s%s-allowFrom.json",
		kind_names[a->kind], scoped ? "-" : "", scoped ? a->id : "");
	f = take_file(t, name);
	/* One that cannot be read is named where all files are looked at. */
	if (!f || json5_parse(name, f->bytes, &j, &e) < 0)
		return;
	take_people(t, a, "paired senders", j,
		    json5_get(j, json5_root(j), "allowFrom"));
}

static void take_senders(struct taking *t, struct account *a, struct place p)
{
	const struct json5 *j = t->config;
	const struct json5_node *dm = setting(t, p, "dm");
	const struct json5_node *policy = setting(t, p, "dmPolicy");
	const struct json5_node *group = setting(t, p, "groupPolicy");

	if (!policy)
		policy = json5_get(j, dm, "policy");
	if (is_word(t, policy, "open"))
		take_warn(t,
			  "%s:%u: %s takes messages of everybody (dmPolicy "
			  "open): "
			  "here they stay strangers, and get no answer",
			  json5_name(j), json5_line(policy), a->name);
	if (is_word(t, group, "open"))
		take_warn(t,
			  "%s:%u: %s answers in every chat (groupPolicy open): "
			  "here "
			  "in none but those that are named",
			  json5_name(j), json5_line(group), a->name);
	if (!is_word(t, policy, "disabled") &&
	    json5_kind(json5_get(j, dm, "enabled")) != JSON5_FALSE) {
		take_people(t, a, "allowFrom", j, setting(t, p, "allowFrom"));
		take_people(t, a, "dm.allowFrom", j,
			    json5_get(j, dm, "allowFrom"));
		take_paired(t, a, true);
		if (!strcmp(a->id, "default"))
			take_paired(t, a, false);
	}
	if (is_word(t, group, "disabled"))
		return;
	take_people(t, a, "groupAllowFrom", j, setting(t, p, "groupAllowFrom"));
	take_chats(
		t, a,
		setting(t, p, a->kind == CHAT_SLACK ? "channels" : "groups"));
}

/* One token: its bytes for the vault, or why there are none. */
static bool take_token(struct taking *t, const struct account *a,
		       struct place p, const char *key, const char *env,
		       char *dst)
{
	const struct json5_node *n = setting(t, p, key);
	char q[256], name[64];

	(void)str_printf(name, sizeof(name), "${%s}", env);
	if (json5_kind(n) == JSON5_STRING) {
		if (take_resolve(t, json5_text(t->config, n), dst,
				 OPENCLAW_SECRET_MAX))
			return true;
		take_warn(
			t,
			"%s:%u: %s of %s is %s, which is not in this directory",
			json5_name(t->config), json5_line(n), key, a->name,
			json5_text(t->config, n).n &&
					json5_text(t->config, n).p[0] == '$'
				? take_quote(q, json5_text(t->config, n))
				: "no token");
	} else if (n) {
		take_warn(t,
			  "%s:%u: %s of %s is kept elsewhere: its place is not "
			  "followed",
			  json5_name(t->config), json5_line(n), key, a->name);
	} else if (!strcmp(a->id, "default") &&
		   take_resolve(t, span_str(name), dst, OPENCLAW_SECRET_MAX)) {
		return true;
	}
	return false;
}

static void take_secret(struct taking *t, const struct account *a,
			struct place p)
{
	char one[OPENCLAW_SECRET_MAX], two[OPENCLAW_SECRET_MAX];
	char both[OPENCLAW_SECRET_MAX];
	bool ok;

	if (a->kind == CHAT_TELEGRAM) {
		ok = take_token(t, a, p, "botToken", "TELEGRAM_BOT_TOKEN", one);
		if (ok)
			take_secret_value(t, a->name, "api.telegram.org:443",
					  one);
	} else {
		ok = take_token(t, a, p, "botToken", "SLACK_BOT_TOKEN", one) &
		     take_token(t, a, p, "appToken", "SLACK_APP_TOKEN", two);
		/* Both of an app, a line each. */
		if (ok &&
		    str_printf(both, sizeof(both), "%s\n%s", one, two) > 0)
			take_secret_value(
				t, a->name,
				"slack.com:443 wss-primary.slack.com:443",
				both);
		explicit_bzero(two, sizeof(two));
		explicit_bzero(both, sizeof(both));
	}
	explicit_bzero(one, sizeof(one));
	if (!ok)
		take_warn(t,
			  "%s has no token here: give it one with `bulkhead "
			  "vault "
			  "set %s`",
			  a->name, a->name);
}

/* "My Bot" is my-bot. */
static void put_name(struct account *a, struct span id)
{
	char low[32];
	size_t i, n = 0;

	for (i = 0; i < id.n && n + 1 < sizeof(low); i++) {
		uint8_t c = id.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			c = '-';
		low[n++] = (char)c;
	}
	low[n] = 0;
	if (str_copy(a->id, sizeof(a->id), id) < 0)
		(void)str_printf(a->id, sizeof(a->id), "%s", low);
	(void)str_printf(a->name, sizeof(a->name), "%s%s%s",
			 kind_names[a->kind], span_is(id, "default") ? "" : "-",
			 span_is(id, "default") ? "" : low);
}

static void take_account(struct taking *t, enum chat_kind kind, struct span id,
			 struct place p)
{
	const struct json5_node *enabled = setting(t, p, "enabled");
	struct account *a = &t->accounts[t->n_accounts];
	char q[256];
	size_t i;

	if (json5_kind(enabled) == JSON5_FALSE)
		return;
	if (t->n_accounts == OPENCLAW_ACCOUNTS) {
		take_warn(t, "more than %d accounts: %s of %s is left out",
			  (int)OPENCLAW_ACCOUNTS, take_quote(q, id),
			  kind_names[kind]);
		return;
	}
	*a = (struct account){ .kind = kind };
	put_name(a, id);
	for (i = 0; i < t->n_accounts; i++)
		if (!strcmp(t->accounts[i].name, a->name)) {
			take_warn(
				t,
				"two accounts come to the name %s: one is left "
				"out",
				a->name);
			return;
		}
	t->n_accounts++;
	take_senders(t, a, p);
	take_secret(t, a, p);
	take_note(t, "%s: %zu senders, %zu chats", a->name, a->people.n,
		  a->chats.n);
}

static void take_kind(struct taking *t, enum chat_kind kind,
		      const struct json5_node *base)
{
	const struct json5 *j = t->config;
	const struct json5_node *accounts = json5_get(j, base, "accounts"), *c;

	if (json5_kind(base) != JSON5_OBJECT ||
	    json5_kind(json5_get(j, base, "enabled")) == JSON5_FALSE)
		return;
	for (c = json5_first(j, accounts); c; c = json5_next(j, c))
		take_account(t, kind, json5_key(j, c),
			     (struct place){ c, base });
	if (!json5_first(j, accounts))
		take_account(t, kind, SPAN_LIT("default"),
			     (struct place){ base, NULL });
}

/* Chats that bulkhead does not speak. */
static void name_other(struct taking *t, const struct json5_node *channel)
{
	static const char *const own[] = { "telegram", "slack", "defaults",
					   "modelByChannel" };
	struct span key = json5_key(t->config, channel);
	char q[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (span_is(key, own[i]))
			return;
	if (json5_kind(json5_get(t->config, channel, "enabled")) != JSON5_FALSE)
		take_warn(
			t,
			"%s:%u: the channel %s is not taken over: bulkhead has "
			"none of its kind",
			json5_name(t->config), json5_line(channel),
			take_quote(q, key));
}

void take_channels(struct taking *t)
{
	/* In the first versions they stood at the top. */
	static const char *const old[] = { "whatsapp", "discord", "signal",
					   "imessage", "msteams" };
	const struct json5 *j = t->config;
	const struct json5_node *root = json5_root(j);
	const struct json5_node *channels = json5_get(j, root, "channels"), *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kind_names); i++) {
		const struct json5_node *n =
			json5_get(j, channels, kind_names[i]);

		take_kind(t, (enum chat_kind)i,
			  n ? n : json5_get(j, root, kind_names[i]));
	}
	for (c = json5_first(j, channels); c; c = json5_next(j, c))
		name_other(t, c);
	for (i = 0; i < ARRAY_SIZE(old); i++)
		if (json5_get(j, root, old[i]))
			name_other(t, json5_get(j, root, old[i]));
}
