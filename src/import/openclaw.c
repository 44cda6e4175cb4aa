/*
 * openclaw: see openclaw.h. The order: configuration, accounts, keys, schedule,
 * then the files; and a look at everything for secrets in plain text.
 */
#include "import/inner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

enum { FILE_TEXT = 256 << 10 };

const char *const openclaw_configs[] = { "openclaw.json", "clawdbot.json",
					 "moltbot.json", "moldbot.json", NULL };

void openclaw_init(struct openclaw *o)
{
	*o = (struct openclaw){ 0 };
	buf_init(&o->conf, FILE_TEXT);
	buf_init(&o->policy, FILE_TEXT);
	buf_init(&o->report, FILE_TEXT);
}

void openclaw_done(struct openclaw *o)
{
	explicit_bzero(o->secrets, sizeof(o->secrets));
	buf_done(&o->conf);
	buf_done(&o->policy);
	buf_done(&o->report);
	o->n_secrets = 0;
}

static void line(struct taking *t, const char *head, const char *fmt,
		 va_list ap)
{
	char text[1024];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	buf_printf(&t->o->report, "%s: %s\n", head, text);
}

void take_warn(struct taking *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(t, "warning", fmt, ap);
	va_end(ap);
	t->o->n_warnings++;
}

void take_note(struct taking *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(t, "taken", fmt, ap);
	va_end(ap);
}

void put_quoted(struct buf *b, struct span text)
{
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_str(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_u8(b, c);
	}
	buf_u8(b, '"');
}

const char *take_quote(char dst[256], struct span text)
{
	CLEAN_BUF struct buf b;
	char cut[200];

	buf_init(&b, 1 << 16);
	put_quoted(&b, text);
	(void)str_printf(cut, sizeof(cut), "%s", buf_cstr(&b));
	utf8_trim(cut);
	(void)str_printf(dst, 256, "%s%s", cut,
			 b.n >= sizeof(cut) ? "..." : "");
	return dst;
}

static bool add(struct ids *l, struct span id)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (span_is(id, l->id[i]))
			return true;
	if (l->n == OPENCLAW_IDS ||
	    str_copy(l->id[l->n], sizeof(l->id[0]), id) < 0)
		return false;
	l->n++;
	return true;
}

static struct span without(struct span s, const char *head)
{
	size_t n = strlen(head);

	return s.n >= n && memcmp(s.p, head, n) == 0 ? span_of(s.p + n, s.n - n)
						     : s;
}

static bool is_slack_id(struct span s, const char *first)
{
	size_t i;

	if (s.n < 6 || s.n > 24 || !strchr(first, s.p[0]))
		return false;
	for (i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

static bool is_number(struct span s)
{
	uint64_t v;

	return num_parse(s, 1, UINT64_C(999999999999999), &v) == 0;
}

bool ids_person(struct ids *l, enum chat_kind kind, struct span s)
{
	if (kind == CHAT_TELEGRAM) {
		s = without(without(s, "telegram:"), "tg:");
		return is_number(s) && add(l, s);
	}
	s = without(without(s, "slack:"), "user:");
	return is_slack_id(s, "UW") && add(l, s);
}

bool ids_chat(struct ids *l, enum chat_kind kind, struct span s)
{
	if (kind == CHAT_TELEGRAM) {
		s = without(without(s, "telegram:"), "tg:");
		return s.n > 1 && s.p[0] == '-' &&
		       is_number(span_of(s.p + 1, s.n - 1)) && add(l, s);
	}
	s = without(without(s, "slack:"), "channel:");
	return is_slack_id(s, "CGD") && add(l, s);
}

const struct openclaw_file *take_file(const struct taking *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n_files; i++)
		if (!strcmp(t->files[i].name, name))
			return &t->files[i];
	return NULL;
}

/* The whole tree, its nodes in the order of the text: an include anywhere. */
static const struct json5_node *find_include(const struct json5 *j)
{
	const struct json5_node *next[JSON5_DEPTH + 1] = { json5_root(j) };
	size_t depth = 1;

	while (depth) {
		const struct json5_node *n = next[depth - 1], *down;

		if (!n) {
			depth--;
			continue;
		}
		if (span_is(json5_key(j, n), "$include"))
			return n;
		next[depth - 1] = json5_next(j, n);
		down = json5_first(j, n);
		if (down)
			next[depth++] = down;
	}
	return NULL;
}

/* commands.ownerAllowFrom: who gives orders, by their own account. */
static void take_owner(struct taking *t)
{
	const struct json5 *j = t->config;
	const struct json5_node *n = json5_get(
		j, json5_get(j, json5_root(j), "commands"), "ownerAllowFrom");
	const struct json5_node *c;
	char q[256];

	for (c = json5_first(j, n); c; c = json5_next(j, c))
		if (!ids_person(&t->owners, CHAT_TELEGRAM, json5_text(j, c)))
			take_warn(t,
				  "%s:%u: commands.ownerAllowFrom: %s is no "
				  "number "
				  "of Telegram: left out",
				  json5_name(j), json5_line(c),
				  take_quote(q, json5_text(j, c)));
	if (t->owners.n > 1)
		take_warn(t,
			  "%s:%u: commands.ownerAllowFrom names several: the "
			  "policy has one owner, none was taken",
			  json5_name(j), json5_line(n));
}

/* What has no counterpart, and would be missed. */
static void name_rest(struct taking *t)
{
	static const struct {
		const char *key, *why;
	} rest[] = {
		{ "tools", "what its agent may run is not taken over: here "
			   "nothing runs that the policy does not name" },
		{ "hooks", "bulkhead takes no calls from outside" },
		{ "gateway", "bulkhead has no gateway: its owner uses a "
			     "socket of this machine" },
		{ "bindings", "several agents are not taken over" },
		{ "plugins", "programs of others are not taken over" },
		{ "skills", "texts and programs of others are not taken "
			    "over" },
		{ "browser", "there is no browser" },
		{ "talk", "there is no voice" },
	};
	const struct json5 *j = t->config;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rest); i++) {
		const struct json5_node *n =
			json5_get(j, json5_root(j), rest[i].key);

		if (n)
			take_warn(t, "%s:%u: %s: %s", json5_name(j),
				  json5_line(n), rest[i].key, rest[i].why);
	}
	if (take_file(t, "exec-approvals.json"))
		take_warn(t, "exec-approvals.json: commands of a shell are not "
			     "taken over");
}

static void list_others(struct taking *t)
{
	size_t i;

	for (i = 0; i < t->n_files; i++) {
		CLEAN_JSON5 struct json5 *j = NULL;
		struct err e = { 0 };

		if (&t->files[i] == t->env ||
		    !strcmp(t->files[i].name, json5_name(t->config)))
			continue;
		if (json5_parse(t->files[i].name, t->files[i].bytes, &j, &e) <
		    0)
			take_warn(t, "%s: not read", e.msg);
		else
			list_plain(t, j);
	}
}

static const struct openclaw_file *find_config(const struct taking *t)
{
	const struct openclaw_file *f = NULL;
	size_t i;

	for (i = 0; !f && openclaw_configs[i]; i++)
		f = take_file(t, openclaw_configs[i]);
	return f;
}

int openclaw_read(struct openclaw *o, const struct openclaw_file *files,
		  size_t n, bool tasks, struct err *e)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	struct taking t = {
		.o = o, .files = files, .n_files = n, .take_tasks = tasks
	};
	const struct openclaw_file *config = find_config(&t);
	const struct json5_node *include;
	char q[256];

	if (!config)
		return err_set(e, -EINVAL,
			       "there is no openclaw.json, clawdbot.json or "
			       "moltbot.json");
	if (json5_parse(config->name, config->bytes, &j, e) < 0)
		return e->code;
	if (json5_kind(json5_root(j)) != JSON5_OBJECT)
		return err_set(e, -EINVAL,
			       "%s: no configuration: an object "
			       "belongs here",
			       config->name);
	include = find_include(j);
	if (include)
		return err_set(e, -EINVAL,
			       "%s:%u: $include of %s is not followed: write "
			       "what is in it here",
			       config->name, json5_line(include),
			       take_quote(q, json5_text(j, include)));
	t.config = j;
	t.env = take_file(&t, ".env");
	take_owner(&t);
	take_channels(&t);
	take_profiles(&t);
	take_cron(&t);
	name_rest(&t);
	list_plain(&t, j);
	list_env(&t);
	list_others(&t);
	write_files(&t);
	if (!buf_ok(&o->conf) || !buf_ok(&o->policy) || !buf_ok(&o->report))
		return err_set(e, -EINVAL, "%s: too much to be taken over",
			       config->name);
	return 0;
}
