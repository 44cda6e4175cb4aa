/*
 * connectors: the map `connectors` of bulkhead.yaml.
 *
 * One table has the keys of all kinds, and beside each key the kinds that have
 * it: a key that a kind does not have is an error, since nothing would enforce
 * it. What a kind needs is checked when its row is read.
 */
#include "conf/loader.h"

#include <assert.h>
#include <string.h>

#include "base/netaddr.h"
#include "base/str.h"
#include "conf/value.h"
#include "proto/limits.h"

enum {
	POLL_S_MIN = 10,
	POLL_S_MAX = 86400,
	POLL_S_DEFAULT = 60,
	PORT_TEXT = 9, /* "[]:65535 " */
};

enum {
	MAILDIR = 1U << CONNECTOR_MAILDIR,
	OUTBOX = 1U << CONNECTOR_OUTBOX,
	IMAP = 1U << CONNECTOR_IMAP,
	SMTP = 1U << CONNECTOR_SMTP,
	TELEGRAM = 1U << CONNECTOR_TELEGRAM,
	SLACK = 1U << CONNECTOR_SLACK,
	HTTP = 1U << CONNECTOR_HTTP,
	FOLDERS = MAILDIR | OUTBOX,
	MAIL = IMAP | SMTP,
	CHAT = TELEGRAM | SLACK,
	ACCOUNTS = MAIL | CHAT | HTTP,
};

static const char *const kind_names[] = {
	[CONNECTOR_MAILDIR] = "maildir",   [CONNECTOR_OUTBOX] = "outbox",
	[CONNECTOR_IMAP] = "imap",	   [CONNECTOR_SMTP] = "smtp",
	[CONNECTOR_TELEGRAM] = "telegram", [CONNECTOR_SLACK] = "slack",
	[CONNECTOR_HTTP] = "http",	   [CONNECTOR_MODEL] = "model",
};

static_assert(ARRAY_SIZE(kind_names) == CONNECTOR_KIND_MAX, "a name each");

const char *conf_connector_name(enum conf_connector_kind k)
{
	return (unsigned)k < CONNECTOR_KIND_MAX ? kind_names[k] : NULL;
}

static const char *const auth_names[] = {
	[AUTH_PASSWORD] = "password",
	[AUTH_XOAUTH2] = "xoauth2",
	[AUTH_GITHUB_APP] = "github-app",
};

static_assert(ARRAY_SIZE(auth_names) == AUTH_MAX, "a name each");

const char *conf_auth_name(enum conf_auth a)
{
	return (unsigned)a < AUTH_MAX ? auth_names[a] : NULL;
}

bool conf_is_account(const struct conf_connector *cc)
{
	return cc->kind >= CONNECTOR_IMAP && cc->kind < CONNECTOR_KIND_MAX;
}

bool conf_goes_in(const struct conf_connector *cc)
{
	return !cc->approvals && 1U << cc->kind & (MAILDIR | IMAP | CHAT);
}

bool conf_goes_out(const struct conf_connector *cc)
{
	return !cc->approvals && 1U << cc->kind & (OUTBOX | SMTP | CHAT | HTTP);
}

static const struct load_word kind_words[] = {
	{ "maildir", CONNECTOR_MAILDIR, false },
	{ "outbox", CONNECTOR_OUTBOX, false },
	{ "imap", CONNECTOR_IMAP, false },
	{ "smtp", CONNECTOR_SMTP, false },
	{ "telegram", CONNECTOR_TELEGRAM, false },
	{ "slack", CONNECTOR_SLACK, false },
	{ "http", CONNECTOR_HTTP, false },
};

static void set_kind(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, LOAD_TABLE(kind_words));

	if (v > 0)
		l->connector->kind = (enum conf_connector_kind)v;
}

static void set_connector_path(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	uint32_t i;

	conf_path(l, n, l->connector->path);
	for (i = 0; i < l->c.n_connectors; i++)
		if (*l->connector->path &&
		    !strcmp(l->c.connectors[i].path, l->connector->path))
			conf_fault(l, n,
				   "\"%s\" has this path already: mail that "
				   "goes out would come in again; name another",
				   l->c.connectors[i].name);
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + 'a' - 'A');
}

static void set_authserv(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	char *dst = l->connector->authserv;

	if (!text)
		return;
	if (str_copy(dst, sizeof(l->connector->authserv), span_str(text)) < 0 ||
	    !*dst) {
		conf_fault(l, n,
			   "the name of a mail server, e.g. mx.example.org");
		return;
	}
	lower(dst);
	if (strspn(dst, "abcdefghijklmnopqrstuvwxyz0123456789._-") !=
	    strlen(dst))
		conf_fault(l, n,
			   "the name of a mail server, e.g. mx.example.org");
}

/* "imap.example.org:993", "192.0.2.1:993", "[2001:db8::1]:993". */
static int parse_host(const char *text, struct conf_host *ret)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';
	struct netaddr a;
	uint64_t port;

	*ret = (struct conf_host){ 0 };
	if (!colon ||
	    num_parse(span_str(colon + 1), 1, UINT16_MAX, &port) < 0 ||
	    str_copy(ret->name, sizeof(ret->name),
		     v6 ? span_of(text + 1, n - 2) : span_of(text, n)) < 0)
		return -1;
	lower(ret->name);
	ret->port = (uint16_t)port;
	if (netaddr_parse(ret->name, &a) == 0)
		return a.v6 == v6 ? 0 : -1;
	return !v6 && netaddr_name_ok(ret->name) ? 0 : -1;
}

static void add_host(struct loader *l, const struct yaml_node *n)
{
	struct conf_connector *cc = l->connector;
	struct conf_host *h = &cc->hosts[cc->n_hosts];
	const char *text = conf_scalar(l, n);
	uint32_t i;

	if (!text)
		return;
	if (parse_host(text, h) < 0) {
		conf_fault(l, n,
			   "NAME:PORT belongs here, e.g. imap.example.org:993; "
			   "or an address as usual, 192.0.2.1:993 or "
			   "[2001:db8::1]:993");
		return;
	}
	for (i = 0; i < cc->n_hosts; i++)
		if (cc->hosts[i].port == h->port &&
		    !strcmp(cc->hosts[i].name, h->name))
			conf_fault(l, n, "it is listed twice: remove one");
	cc->n_hosts++;
}

void conf_set_hosts(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t all = 0, i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > CONF_HOSTS) {
		conf_fault(l, n,
			   "a list of 1 to %d, e.g. [\"imap.example.org:993\"]",
			   CONF_HOSTS);
		return;
	}
	l->connector->n_hosts = 0;
	for (i = 0; i < yaml_count(n); i++)
		add_host(l, yaml_at(n, i));
	/* As messages have it: each with its port and a blank. */
	for (i = 0; i < l->connector->n_hosts; i++)
		all += strlen(l->connector->hosts[i].name) + PORT_TEXT;
	if (all > LIMIT_HOSTS)
		conf_fault(l, n,
			   "all names together are longer than %d bytes: use "
			   "two connectors",
			   LIMIT_HOSTS);
}

void conf_set_private(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->connector->private = conf_bool(l, n);
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* A word without blanks and control characters, into dst. */
static void set_word(struct loader *l, const struct yaml_node *n, char *dst,
		     size_t cap, const char *what)
{
	const char *text = conf_scalar(l, n);

	if (text &&
	    (!printable(text) || str_copy(dst, cap, span_str(text)) < 0))
		conf_fault(l, n,
			   "%s has no blanks and at most %zu bytes: write "
			   "another",
			   what, cap - 1);
}

static void set_user(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_word(l, n, l->connector->user, sizeof(l->connector->user),
		 "the account");
}

static void set_from(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	char *dst = l->connector->from;
	const char *at;

	set_word(l, n, dst, sizeof(l->connector->from), "an address");
	at = strchr(dst, '@');
	if (*dst && (!at || at == dst || strchr(at + 1, '@') ||
		     strpbrk(dst, "<>,;:\"()[]\\") || !netaddr_name_ok(at + 1)))
		conf_fault(l, n, "one mail address, e.g. me@example.org");
}

void conf_set_secret(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text &&
	    (!conf_secret_ok(text) ||
	     str_copy(l->connector->secret, sizeof(l->connector->secret),
		      span_str(text)) < 0))
		conf_fault(l, n,
			   "a secret's name has 1 to %d of a-z A-Z 0-9 . _ - /",
			   CONF_NAME_MAX - 1);
}

static const struct load_word auth_words[] = {
	{ "password", AUTH_PASSWORD, false },
	{ "xoauth2", AUTH_XOAUTH2, false },
	{ "github-app", AUTH_GITHUB_APP, false },
};

static void set_auth(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, LOAD_TABLE(auth_words));

	if (v >= 0)
		l->connector->auth = (enum conf_auth)v;
}

/* The host of a URL is looked up in the table when the row is read. */
static void set_token(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text && (strncmp(text, "https://", 8) != 0 || !printable(text) ||
		     strpbrk(text, "@#\\") ||
		     str_copy(l->connector->token, sizeof(l->connector->token),
			      span_str(text)) < 0))
		conf_fault(l, n,
			   "https://NAME/PATH, e.g. "
			   "https://oauth2.googleapis.com/token");
}

static void set_folder(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n), *c;

	if (!text)
		return;
	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			break;
	if (*c || str_copy(l->connector->folder, sizeof(l->connector->folder),
			   span_str(text)) < 0)
		conf_fault(l, n,
			   "a mailbox as the server writes it (other than "
			   "ASCII in modified UTF-7), at most %d bytes",
			   CONF_USER_MAX - 1);
}

static const struct load_word role_words[] = {
	{ "agent", 0, false },
	{ "approvals", 1, false },
};

static void set_role(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->connector->approvals =
		load_choose(&l->load, n, LOAD_TABLE(role_words)) > 0;
}

static void set_requests(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->connector->requests);
}

void conf_set_ca(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->connector->ca);
}

static const struct load_word first_words[] = {
	{ "next", 0, false },
	{ "all", 1, false },
};

static void set_first(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->connector->all =
		load_choose(&l->load, n, LOAD_TABLE(first_words)) > 0;
}

static void set_poll(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_duration(text, &v) < 0 || v < POLL_S_MIN || v > POLL_S_MAX)
		conf_fault(l, n, "a duration, %ds to 24h, e.g. 30s or 5m",
			   POLL_S_MIN);
	else
		l->connector->poll_s = (uint32_t)v;
}

const struct load_rule conf_connector_rules[CONF_CONNECTOR_RULES] = {
	{ { "kind", true, false,
	    "maildir: mail in; outbox: mail out, into a Maildir; the others "
	    "are accounts, see connectors.md" },
	  set_kind,
	  LOAD_TABLE(kind_words) },
	{ { "path", false, false,
	    "maildir, outbox: the Maildir; no two connectors share one",
	    "a path", NULL },
	  set_connector_path },
	{ { "hosts", false, false, "accounts: all that it may be connected to",
	    "a list of 1 to 8 NAME:PORT", NULL },
	  conf_set_hosts },
	{ { "private", false, false,
	    "accounts: its hosts may have private addresses, or be this "
	    "machine",
	    "true, false", "false" },
	  conf_set_private },
	{ { "user", false, false,
	    "imap, smtp: what it logs in as; http with github-app: the app and "
	    "its installation, APP/INSTALLATION",
	    "at most 255 bytes", NULL },
	  set_user },
	{ { "secret", false, false, "accounts: the secret's name in the vault",
	    "a name", NULL },
	  conf_set_secret },
	{ { "auth", false, false,
	    "imap, smtp: password, or xoauth2, where the secret is a refresh "
	    "token; http: password, or github-app, where it is the app's key",
	    NULL, "password" },
	  set_auth,
	  LOAD_TABLE(auth_words) },
	{ { "token", false, false,
	    "with xoauth2: where a token is had for the secret; its host is "
	    "one of `hosts`, too",
	    "https://NAME/PATH", NULL },
	  set_token },
	{ { "folder", false, false, "imap: the mailbox", "at most 255 bytes",
	    "INBOX" },
	  set_folder },
	{ { "authserv", false, false,
	    "maildir, imap: whose Authentication-Results count: what your mail "
	    "server calls itself in the one that it puts on top of each mail. "
	    "Then the sender of a mail that passed DMARC is known, and only "
	    "then",
	    "a name", "nobody's: no sender is known" },
	  set_authserv },
	{ { "from", false, false, "smtp: the sender's address",
	    "a mail address", "`user`, where it is one" },
	  set_from },
	{ { "role", false, false,
	    "telegram, slack: approvals: it carries the owner's questions and "
	    "answers, and no messages of others",
	    NULL, "agent" },
	  set_role,
	  LOAD_TABLE(role_words) },
	{ { "requests", false, false,
	    "http: the file of the requests that it may make", "a path", NULL },
	  set_requests },
	{ { "ca", false, false,
	    "accounts: the certificates that its servers' are signed with, PEM",
	    "a path", "the system's" },
	  conf_set_ca },
	{ { "first", false, false,
	    "imap: what is read of the mailbox when it is met for the first "
	    "time: what comes from then on, or all that is there",
	    NULL, "next" },
	  set_first,
	  LOAD_TABLE(first_words) },
	{ { "poll", false, false,
	    "imap: how often it looks for mail where the server does not say "
	    "so by itself (IDLE)",
	    "10s to 24h", "60s" },
	  set_poll },
};

/* Which kinds have a key, and which have to. */
static const struct {
	const char *key;
	unsigned has, needs; /* kinds */
} keys[] = {
	{ "path", FOLDERS, FOLDERS },
	{ "hosts", ACCOUNTS, ACCOUNTS },
	{ "private", ACCOUNTS, 0 },
	{ "user", MAIL | HTTP, MAIL },
	{ "secret", ACCOUNTS, MAIL | CHAT },
	{ "auth", MAIL | HTTP, 0 },
	{ "token", MAIL, 0 },
	{ "folder", IMAP, 0 },
	{ "authserv", MAILDIR | IMAP, 0 },
	{ "from", SMTP, 0 },
	{ "role", CHAT, 0 },
	{ "requests", HTTP, HTTP },
	{ "ca", ACCOUNTS, 0 },
	{ "first", IMAP, 0 },
	{ "poll", IMAP, 0 },
};

static_assert(ARRAY_SIZE(keys) == CONF_CONNECTOR_RULES - 1, "all but kind");

static const char *help_of(const char *key)
{
	size_t i;

	for (i = 0; i < CONF_CONNECTOR_RULES; i++)
		if (!strcmp(conf_connector_rules[i].field.name, key))
			return conf_connector_rules[i].field.help;
	return "";
}

static void check_keys(struct loader *l, const struct yaml_node *row)
{
	unsigned kind = 1U << l->connector->kind;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct yaml_node *v = yaml_get(row, keys[i].key);

		if (v && !(keys[i].has & kind))
			conf_fault(l, v, "%s has no \"%s\": remove it",
				   conf_connector_name(l->connector->kind),
				   keys[i].key);
		if (!v && keys[i].needs & kind)
			conf_fault(l, row, "\"%s\" is missing: %s", keys[i].key,
				   help_of(keys[i].key));
	}
}

/* What is an address in the table is judged now, names when they lead
 * somewhere (host/netd). */
void conf_check_hosts(struct loader *l, const struct yaml_node *hosts)
{
	const struct conf_connector *cc = l->connector;
	struct netaddr a;
	uint32_t i;

	for (i = 0; i < cc->n_hosts; i++) {
		enum netaddr_range r;

		if (netaddr_parse(cc->hosts[i].name, &a) < 0)
			continue;
		r = netaddr_range(&a);
		if (netaddr_allowed(r, cc->private))
			continue;
		if (netaddr_allowed(r, true))
			conf_fault(l, hosts,
				   "%s is %s: set private: true, or name "
				   "another",
				   cc->hosts[i].name, netaddr_range_name(r));
		else
			conf_fault(l, hosts,
				   "%s is %s, which nothing is connected to: "
				   "name another",
				   cc->hosts[i].name, netaddr_range_name(r));
	}
}

/* The host of https://NAME[:PORT]/... is in the table. */
static bool url_in_hosts(const struct conf_connector *cc)
{
	const char *host = cc->token + strlen("https://");
	size_t n = strcspn(host, ":/?");
	uint64_t port = 443;
	uint32_t i;

	if (host[n] == ':' &&
	    num_parse(span_of(host + n + 1, strcspn(host + n + 1, "/?")), 1,
		      UINT16_MAX, &port) < 0)
		return false;
	for (i = 0; i < cc->n_hosts; i++)
		if (cc->hosts[i].port == port &&
		    strlen(cc->hosts[i].name) == n &&
		    !strncasecmp(cc->hosts[i].name, host, n))
			return true;
	return false;
}

static void check_auth(struct loader *l, const struct yaml_node *row)
{
	const struct conf_connector *cc = l->connector;
	const struct yaml_node *auth = yaml_get(row, "auth");
	const struct yaml_node *token = yaml_get(row, "token");
	bool http = cc->kind == CONNECTOR_HTTP;

	if (auth &&
	    (http ? cc->auth == AUTH_XOAUTH2 : cc->auth == AUTH_GITHUB_APP))
		conf_fault(l, auth, "%s has no \"%s\": use password or %s",
			   conf_connector_name(cc->kind),
			   conf_auth_name(cc->auth),
			   http ? "github-app" : "xoauth2");
	else if (cc->auth == AUTH_XOAUTH2 && !token)
		conf_fault(l, row, "\"token\" is missing: %s",
			   help_of("token"));
	else if (cc->auth == AUTH_GITHUB_APP && (!*cc->user || !*cc->secret))
		conf_fault(l, auth,
			   "github-app needs \"user\", APP/INSTALLATION, and "
			   "\"secret\", the app's key");
	if (token && cc->auth != AUTH_XOAUTH2)
		conf_fault(l, token,
			   "a token is for auth: xoauth2; set that, or remove "
			   "it");
	else if (*cc->token && !url_in_hosts(cc))
		conf_fault(l, token,
			   "its host is not in \"hosts\": add NAME:443 there");
}

/* Without `from`, mails are sent as `user`. */
static void settle_from(struct loader *l, const struct yaml_node *row)
{
	struct conf_connector *cc = l->connector;

	if (cc->kind != CONNECTOR_SMTP || yaml_get(row, "from"))
		return;
	if (strchr(cc->user, '@'))
		memcpy(cc->from, cc->user, sizeof(cc->from));
	else if (*cc->user)
		conf_fault(l, row,
			   "\"from\" is missing: \"user\" is no address");
}

static void check_connector(struct loader *l, const struct yaml_node *row)
{
	struct conf_connector *cc = l->connector;

	if (yaml_kind(row) != YAML_MAP || !cc->kind)
		return;
	check_keys(l, row);
	if (!conf_is_account(cc))
		return;
	if (cc->n_hosts)
		conf_check_hosts(l, yaml_get(row, "hosts"));
	if (cc->kind == CONNECTOR_IMAP || cc->kind == CONNECTOR_SMTP ||
	    cc->kind == CONNECTOR_HTTP)
		check_auth(l, row);
	settle_from(l, row);
	if (cc->kind == CONNECTOR_IMAP && !*cc->folder)
		memcpy(cc->folder, "INBOX", sizeof("INBOX"));
	if (cc->kind == CONNECTOR_IMAP && !cc->poll_s)
		cc->poll_s = POLL_S_DEFAULT;
}

void conf_set_connectors(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n) ||
	    yaml_count(n) > CONF_CONNECTORS) {
		conf_fault(l, n, "a map of 1 to %d connectors",
			   CONF_CONNECTORS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const struct yaml_node *row = yaml_at(n, i);

		l->connector = &l->c.connectors[l->c.n_connectors];
		*l->connector = (struct conf_connector){ 0 };
		if (!conf_name_ok(yaml_key(n, i)) ||
		    str_copy(l->connector->name, CONF_NAME_MAX,
			     span_str(yaml_key(n, i))) < 0)
			conf_fault(l, row,
				   "a connector's name has 1 to %d of a-z 0-9 "
				   ". _ -",
				   CONF_NAME_MAX - 1);
		conf_walk(l, row, conf_connector_rules, CONF_CONNECTOR_RULES);
		check_connector(l, row);
		l->c.n_connectors++;
	}
}

void conf_host_text(const struct conf_host *h, char ret[CONF_HOST_TEXT])
{
	bool v6 = strchr(h->name, ':') != NULL;

	(void)str_printf(ret, CONF_HOST_TEXT, "%s%s%s:%u", v6 ? "[" : "",
			 h->name, v6 ? "]" : "", h->port);
}
