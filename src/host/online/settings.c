/* settings: see settings.h. */
#include "settings.h"

#include <assert.h>

#include "base/str.h"

static bool take(struct span *s, char at, struct span *ret)
{
	const uint8_t *p = s->n ? memchr(s->p, at, s->n) : NULL;
	size_t n;

	if (!p)
		return false;
	n = (size_t)(p - s->p);
	*ret = span_of(s->p, n);
	*s = span_of(s->p + n + 1, s->n - n - 1);
	return true;
}

/* Letters, digits, and what stands in addresses: nothing that a URL or a line
 * could be ended by. */
static bool host_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '.' || c == '-' ||
		      c == '_' || c == ':'))
			return false;
	}
	return s.n > 0;
}

int settings_host_parse(struct span s, struct settings_host *ret)
{
	struct settings_host h;
	uint64_t port;
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != ':')
		i--;
	if (i < 2 || num_parse(span_of(s.p + i, s.n - i), 1, 65535, &port) < 0)
		return -1;
	h.port = (uint32_t)port;
	s.n = i - 1;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = span_of(s.p + 1, s.n - 2);
	else if (memchr(s.p, ':', s.n))
		return -1;
	if (!host_ok(s) || str_copy(h.name, sizeof(h.name), s) < 0)
		return -1;
	*ret = h;
	return 0;
}

static int take_hosts(struct settings *s, struct span v)
{
	struct span one;

	while (v.n) {
		if (!take(&v, ' ', &one)) {
			one = v;
			v.n = 0;
		} else if (!v.n) {
			return -1;
		}
		if (s->n_hosts == SETTINGS_HOSTS ||
		    settings_host_parse(one, &s->hosts[s->n_hosts++]) < 0)
			return -1;
	}
	return s->n_hosts ? 0 : -1;
}

static int take_word(struct span v, const char *word, bool *ret)
{
	*ret = span_is(v, word);
	return *ret ? 0 : -1;
}

static int take_auth(struct settings *s, struct span v)
{
	if (span_is(v, "password"))
		s->auth = AUTH_PASSWORD;
	else if (span_is(v, "xoauth2"))
		s->auth = AUTH_XOAUTH2;
	else if (span_is(v, "github-app"))
		s->auth = AUTH_GITHUB_APP;
	else
		return -1;
	return 0;
}

static int take_first(struct settings *s, struct span v)
{
	s->all = span_is(v, "all");
	return s->all || span_is(v, "next") ? 0 : -1;
}

static int take_poll(struct settings *s, struct span v)
{
	uint64_t n;

	if (num_parse(v, 1, SETTINGS_POLL_MAX_S, &n) < 0)
		return -1;
	s->poll_s = (uint32_t)n;
	return 0;
}

enum key {
	KEY_KIND,
	KEY_HOSTS,
	KEY_SECRET,
	KEY_USER,
	KEY_AUTH,
	KEY_TOKEN,
	KEY_FOLDER,
	KEY_FIRST,
	KEY_POLL,
	KEY_FROM,
	KEY_ROLE,
	KEY_CA,
	KEY_REQUESTS,
	KEY_PRIVATE,
	KEY_API,
	KEY_MODELS,
	KEY_PLAIN,
	KEY_REVOKE,
	KEY_MAX
};

static const char *const keys[] = {
	[KEY_KIND] = "kind",	     [KEY_HOSTS] = "hosts",
	[KEY_SECRET] = "secret",     [KEY_USER] = "user",
	[KEY_AUTH] = "auth",	     [KEY_TOKEN] = "token",
	[KEY_FOLDER] = "folder",     [KEY_FIRST] = "first",
	[KEY_POLL] = "poll",	     [KEY_FROM] = "from",
	[KEY_ROLE] = "role",	     [KEY_CA] = "ca",
	[KEY_REQUESTS] = "requests", [KEY_PRIVATE] = "private",
	[KEY_API] = "api",	     [KEY_MODELS] = "models",
	[KEY_PLAIN] = "plain",	     [KEY_REVOKE] = "revoke",
};

static_assert(ARRAY_SIZE(keys) == KEY_MAX, "a name per key");

static int take_value(struct settings *s, enum key k, struct span v)
{
	switch (k) {
	case KEY_KIND:
		return str_copy(s->kind, sizeof(s->kind), v);
	case KEY_HOSTS:
		return take_hosts(s, v);
	case KEY_SECRET:
		return take_word(v, "yes", &s->secret);
	case KEY_USER:
		return str_copy(s->user, sizeof(s->user), v);
	case KEY_AUTH:
		return take_auth(s, v);
	case KEY_TOKEN:
		return str_copy(s->token, sizeof(s->token), v);
	case KEY_FOLDER:
		return str_copy(s->folder, sizeof(s->folder), v);
	case KEY_FIRST:
		return take_first(s, v);
	case KEY_POLL:
		return take_poll(s, v);
	case KEY_FROM:
		return str_copy(s->from, sizeof(s->from), v);
	case KEY_ROLE:
		return take_word(v, "approvals", &s->approvals);
	case KEY_CA:
		return take_word(v, "fd", &s->ca);
	case KEY_REQUESTS:
		return take_word(v, "fd", &s->requests);
	case KEY_PRIVATE:
		return take_word(v, "yes", &s->private);
	case KEY_API:
		s->anthropic = span_is(v, "anthropic");
		return s->anthropic || span_is(v, "openai") ? 0 : -1;
	case KEY_MODELS:
		return str_copy(s->models, sizeof(s->models), v);
	case KEY_PLAIN:
		return take_word(v, "yes", &s->plain);
	case KEY_REVOKE:
		return take_word(v, "yes", &s->revoke);
	case KEY_MAX:
		break;
	}
	return -1;
}

static bool printable(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static int take_line(struct settings *s, struct span line, unsigned *seen)
{
	struct span name;
	unsigned k;

	if (!take(&line, '=', &name) || !line.n || !printable(line))
		return -1;
	for (k = 0; k < KEY_MAX && !span_is(name, keys[k]); k++)
		;
	if (k == KEY_MAX || (*seen & (1U << k)))
		return -1;
	*seen |= 1U << k;
	return take_value(s, k, line);
}

int settings_parse(struct span arg, struct settings *ret, const char **why)
{
	struct settings s = { .folder = "INBOX", .poll_s = SETTINGS_POLL_S };
	struct span line;
	unsigned seen = 0;

	while (arg.n) {
		*why = "a line is not one that is known, or is there twice";
		if (!take(&arg, '\n', &line) || take_line(&s, line, &seen) < 0)
			return -1;
	}
	*why = "there is no kind, or no host";
	if (!s.kind[0] || !s.n_hosts)
		return -1;
	*why = "a token endpoint belongs to xoauth2, and xoauth2 to it";
	if ((s.auth == AUTH_XOAUTH2) != (s.token[0] != 0))
		return -1;
	*why = "only a server of this network is spoken to without TLS";
	if (s.plain && !s.private)
		return -1;
	*ret = s;
	return 0;
}
