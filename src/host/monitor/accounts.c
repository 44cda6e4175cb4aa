/*
 * accounts: what accounts need beside a process each: the vault, which has
 * their secrets, and netd, which has a network. Both are there only where the
 * configuration has an account.
 *
 * An account is started with three channels that lead away from us: to the
 * broker, to the vault, on which its one secret comes and nothing else, and to
 * netd, which knows by the channel whose table it is. So who is lost and comes
 * again has new ones: a connector brings its own, and netd's end ends all
 * accounts. The vault is asked once at an account's start, and may be started
 * again alone.
 *
 * Secrets never pass here: the monitor opens the vault's files, and reads none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/netaddr.h"
#include "base/str.h"
#include "base/tty.h"
#include "host/monitor/monitor.h"

bool accounts_wanted(const struct monitor *m)
{
	uint32_t i;

	for (i = 0; i < m->conf.n_connectors; i++)
		if (conf_is_account(&m->conf.connectors[i]))
			return true;
	return false;
}

bool vault_wanted(const struct monitor *m)
{
	uint32_t i;

	for (i = 0; i < m->conf.n_connectors; i++)
		if (*m->conf.connectors[i].secret)
			return true;
	return false;
}

bool core_is_connector(const struct core *c)
{
	return c->proc == PROC_CONNECTOR || c->proc == PROC_ONLINE;
}

uint8_t account_sort(const struct conf_connector *cc)
{
	if (cc->approvals)
		return 0;
	switch (cc->kind) {
	case CONNECTOR_MAILDIR:
	case CONNECTOR_IMAP:
		return SORT_EMAIL;
	case CONNECTOR_TELEGRAM:
		return SORT_TELEGRAM;
	case CONNECTOR_SLACK:
		return SORT_SLACK;
	case CONNECTOR_OUTBOX:
	case CONNECTOR_SMTP:
	case CONNECTOR_HTTP:
	case CONNECTOR_MODEL:
	case CONNECTOR_KIND_MAX:
		break;
	}
	return 0;
}

uint8_t account_ways(const struct conf_connector *cc)
{
	if (cc->approvals)
		return WAY_APPROVALS;
	switch (cc->kind) {
	case CONNECTOR_MAILDIR:
	case CONNECTOR_IMAP:
		return WAY_IN;
	case CONNECTOR_TELEGRAM:
	case CONNECTOR_SLACK:
		return WAY_IN | WAY_OUT | WAY_CHAT;
	case CONNECTOR_MODEL:
		return cc->chosen ? WAY_MODEL : 0;
	case CONNECTOR_OUTBOX:
	case CONNECTOR_SMTP:
	case CONNECTOR_HTTP:
	case CONNECTOR_KIND_MAX:
		break;
	}
	return WAY_OUT;
}

/* --- netd ---------------------------------------------------------------- */

/* The name servers of resolv.conf(5) that are addresses in numbers: "a b c". */
static void read_servers(char ret[ACCOUNTS_SERVERS])
{
	CLEAN_FD int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	char text[8192], *line, *rest = text;
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, text, sizeof(text) - 1);
	size_t at = 0;

	ret[0] = 0;
	text[n > 0 ? n : 0] = 0;
	while ((line = strsep(&rest, "\n"))) {
		static const char key[] = "nameserver";
		char *word = line + strspn(line, " \t");
		struct netaddr a;
		int more;

		if (strncmp(word, key, strlen(key)) != 0)
			continue;
		word += strlen(key);
		word += strspn(word, " \t");
		word[strcspn(word, " \t\r")] = 0;
		if (netaddr_parse(word, &a) < 0)
			continue;
		more = str_printf(ret + at, ACCOUNTS_SERVERS - at, "%s%s",
				  at ? " " : "", word);
		if (more < 0) {
			ret[at] = 0;
			return;
		}
		at += (size_t)more;
	}
}

int start_netd(struct monitor *m, struct core *c, struct err *err)
{
	int r = start_spawn(m, c, (struct spawn){ .fds = { -1 } }, err);

	read_servers(m->servers);
	return r < 0 ? r : start_hello(m, c, "netd", m->servers, err);
}

void accounts_look(struct monitor *m)
{
	char now[ACCOUNTS_SERVERS];

	if (!core_hears(&m->netd))
		return;
	read_servers(now);
	if (!strcmp(now, m->servers))
		return;
	memcpy(m->servers, now, sizeof(now));
	m->out.type = MSG_HELLO;
	m->out.ids = m->ids;
	m->out.hello = (struct m_hello){ SPAN_LIT("netd"), span_str(now) };
	core_send(m, &m->netd, NULL, 0);
}

/* --- the vault ----------------------------------------------------------- */

/* A file of the vault's; one that holds keys is its owner's alone. */
static int vault_open(const char *path, bool keys, struct err *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno,
			       "vault: %s: cannot be opened: %s: `bulkhead "
			       "vault init` makes it, or name another in "
			       "bulkhead.yaml",
			       path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "vault: %s: is no file", path);
	if (keys && st.st_mode & 077)
		return err_set(err, -EPERM,
			       "vault: %s: others may read it: chmod 600 %s",
			       path, path);
	return take_fd(&fd);
}

static int vault_give_file(struct monitor *m, const char *path,
			   enum v_file what, struct err *err)
{
	CLEAN_FD int fd = vault_open(path, what != V_SECRETS, err);

	if (fd < 0)
		return fd;
	m->out.type = MSG_V_FILE;
	m->out.ids = m->ids;
	m->out.v_file = (struct m_v_file){ (uint8_t)what, span_str(path) };
	core_send(m, &m->vault, &fd, 1);
	return 0;
}

/* What opens the files: before them, so that each can be read at once. */
static int vault_give_key(struct monitor *m, struct err *err)
{
	const struct conf_vault *v = &m->conf.vault;
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[CONF_PATH_MAX];

	if (v->passphrase) {
		m->out.type = MSG_V_FILE;
		m->out.ids = m->ids;
		m->out.v_file = (struct m_v_file){ V_PASSPHRASE,
						   SPAN_LIT("passphrase") };
		core_send(m, &m->vault, &m->passphrase_fd, 1);
		return 0;
	}
	if (!*v->credential)
		return vault_give_file(m, v->identity, V_IDENTITY, err);
	if (!dir)
		return err_set(err, -ENOENT,
			       "vault: no credentials of systemd are here: "
			       "start bulkhead by its unit with "
			       "LoadCredentialEncrypted=%s, or set identity",
			       v->credential);
	if (str_printf(path, sizeof(path), "%s/%s", dir, v->credential) < 0)
		return err_set(err, -ENAMETOOLONG, "vault: path too long");
	return vault_give_file(m, path, V_IDENTITY, err);
}

/* The passphrase goes from the terminal to a descriptor, and from there to each
 * vault that is started. */
static int ask_passphrase(struct monitor *m, struct err *err)
{
	CLEAN_FD int tty = -1;
	CLEAN_FD int fd = -1;
	char line[1024];
	ssize_t n;

	if (m->passphrase_fd >= 0)
		return lseek(m->passphrase_fd, 0, SEEK_SET) < 0 ? -errno : 0;
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	fd = memfd_create("passphrase", MFD_CLOEXEC);
	n = tty < 0 || fd < 0 ? -ENOTTY
			      : tty_read_hidden(tty, "Passphrase of the vault",
						line, sizeof(line));
	if (n > 0 && fd_write_all(fd, span_of(line, (size_t)n)) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		m->passphrase_fd = take_fd(&fd);
	explicit_bzero(line, sizeof(line));
	if (n == 0 || n == -EMSGSIZE || n == -ECANCELED)
		return err_set(err, -EINVAL,
			       "vault: no passphrase was typed, or one of "
			       "%zu bytes or more",
			       sizeof(line));
	return m->passphrase_fd >= 0
		       ? 0
		       : err_set(err, -ENOTTY,
				 "vault: there is no terminal to ask for the "
				 "passphrase on: use `bulkhead up "
				 "--foreground`, or identity or credential in "
				 "bulkhead.yaml");
}

int start_vault(struct monitor *m, struct core *c, struct err *err)
{
	const struct conf_vault *v = &m->conf.vault;
	int r = v->passphrase ? ask_passphrase(m, err) : 0;
	uint32_t i;

	if (r == 0)
		r = start_spawn(m, c, (struct spawn){ .fds = { -1 } }, err);
	if (r == 0)
		r = start_hello(m, c, "vault", "", err);
	if (r == 0 && v->n_files)
		r = vault_give_key(m, err);
	for (i = 0; r == 0 && i < v->n_files; i++)
		r = vault_give_file(m, v->files[i], V_SECRETS, err);
	return r;
}

void vault_given(struct monitor *m)
{
	const struct m_v_given *in = &m->in.v_given;

	audit_begin(&m->record, in->ok == 1 ? "vault.given" : "vault.refused",
		    &m->ids);
	audit_str(&m->record, "connector", in->connector);
	audit_str(&m->record, "secret", in->secret);
	if (in->ok != 1) {
		audit_str(&m->record, "why", in->why);
		log_warn("vault-refused", "connector=%.*s",
			 (int)in->connector.n, (const char *)in->connector.p);
	}
	monitor_audit(m);
}

void net_refused(struct monitor *m)
{
	const struct m_n_refused *in = &m->in.n_refused;

	audit_begin(&m->record, "net.refused", &m->ids);
	audit_str(&m->record, "connector", in->account);
	audit_str(&m->record, "host", in->host);
	audit_int(&m->record, "port", in->port);
	audit_str(&m->record, "why", in->why);
	monitor_audit(m);
	log_warn("net-refused", "connector=%.*s port=%u", (int)in->account.n,
		 (const char *)in->account.p, in->port);
}

/* --- one account --------------------------------------------------------- */

/* "name:port [2001:db8::1]:port". */
static void put_hosts(const struct conf_connector *cc, struct buf *b)
{
	char host[CONF_HOST_TEXT];
	uint32_t i;

	buf_init(b, LIMIT_HOSTS);
	for (i = 0; i < cc->n_hosts; i++) {
		conf_host_text(&cc->hosts[i], host);
		buf_printf(b, "%s%s", i ? " " : "", host);
	}
}

static void put_setting(struct buf *b, const char *key, const char *value)
{
	if (*value)
		buf_printf(b, "%s=%s\n", key, value);
}

/* What it is told of itself, a line each (host/online/settings.h). */
static void put_settings(const struct conf_connector *cc, const char *model,
			 struct span hosts, struct buf *b)
{
	buf_init(b, 8 << 10);
	buf_printf(b, "kind=%s\nhosts=", conf_connector_name(cc->kind));
	buf_span(b, hosts);
	buf_u8(b, '\n');
	put_setting(b, "secret", *cc->secret ? "yes" : "");
	put_setting(b, "user", cc->user);
	put_setting(b, "auth", conf_auth_name(cc->auth));
	put_setting(b, "token", cc->token);
	put_setting(b, "folder", cc->folder);
	if (cc->kind == CONNECTOR_IMAP)
		buf_printf(b, "first=%s\npoll=%u\n", cc->all ? "all" : "next",
			   cc->poll_s);
	put_setting(b, "from", cc->from);
	put_setting(b, "role", cc->approvals ? "approvals" : "");
	put_setting(b, "ca", *cc->ca ? "fd" : "");
	put_setting(b, "requests", *cc->requests ? "fd" : "");
	put_setting(b, "private", cc->private ? "yes" : "");
	if (cc->kind == CONNECTOR_MODEL)
		put_setting(b, "api", cc->anthropic ? "anthropic" : "openai");
	/* The one that the planner asks, and no other. */
	put_setting(b, "models", model && cc->chosen ? model : cc->models);
	put_setting(b, "plain", cc->plain ? "yes" : "");
}

/* A file of its own, or -1 where it has none; -2: it cannot be opened. */
static int open_own(const struct conf_connector *cc, const char *path,
		    struct err *err)
{
	int fd;

	if (!*path)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	(void)err_set(err, -errno,
		      "connector %s: %s: %s: name another file in "
		      "bulkhead.yaml",
		      cc->name, path, strerror(errno));
	return -2;
}

/* The files that it is given, in the order of the settings. */
static int tell_account(struct monitor *m, struct core *c, struct span hosts,
			struct err *err)
{
	const struct conf_connector *cc = c->conf;
	CLEAN_FD int ca = open_own(cc, cc->ca, err);
	CLEAN_FD int requests = open_own(cc, cc->requests, err);
	CLEAN_BUF struct buf settings = { 0 };
	int fds[2], r;
	size_t n = 0;

	if (ca == -2 || requests == -2)
		return err->code;
	if (ca >= 0)
		fds[n++] = ca;
	if (requests >= 0)
		fds[n++] = requests;
	put_settings(cc, m->conf.model, hosts, &settings);
	m->out.type = MSG_HELLO;
	m->out.ids = m->ids;
	m->out.hello =
		(struct m_hello){ span_str(cc->name), buf_view(&settings) };
	r = chan_send(&c->chan, &m->out, fds, n);
	return r < 0 ? err_set(err, r, "%s did not start: see the log", c->name)
		     : 0;
}

static void tell_netd(struct monitor *m, const struct conf_connector *cc,
		      struct span hosts, const int *fd)
{
	m->out.type = MSG_N_ACCOUNT;
	m->out.ids = m->ids;
	m->out.n_account = (struct m_n_account){ .account = span_str(cc->name),
						 .hosts = hosts,
						 .private_ok = cc->private };
	core_send(m, &m->netd, fd, 1);
}

static void tell_vault(struct monitor *m, const struct conf_connector *cc,
		       struct span hosts, const int *fd)
{
	m->out.type = MSG_V_GIVE;
	m->out.ids = m->ids;
	m->out.v_give = (struct m_v_give){ .connector = span_str(cc->name),
					   .secret = span_str(cc->secret),
					   .hosts = hosts };
	core_send(m, &m->vault, fd, 1);
}

/* The three ends that it gets, and ours of each until the others have them. */
struct ways {
	int broker[2], netd[2], vault[2];
};

static void ways_close(struct ways *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		fd_close(&w->broker[i]);
		fd_close(&w->netd[i]);
		fd_close(&w->vault[i]);
	}
}

static int ways_open(struct ways *w, struct err *err)
{
	int r = start_pair(&w->broker[0], &w->broker[1], err);

	if (r == 0)
		r = start_pair(&w->netd[0], &w->netd[1], err);
	if (r == 0)
		r = start_pair(&w->vault[0], &w->vault[1], err);
	return r;
}

static int spawn_account(struct monitor *m, struct core *c,
			 const struct ways *w, struct err *err)
{
	CLEAN_FD int states = start_dir(m->state_fd, "connectors", err);
	CLEAN_FD int state =
		states < 0 ? -1 : start_dir(states, c->conf->name, err);

	if (state < 0)
		return err->code;
	return start_spawn(
		m, c,
		(struct spawn){ .fds = { -1, w->broker[1], w->netd[1],
					 w->vault[1], state, m->gate_fd } },
		err);
}

bool account_may_start(const struct monitor *m, const struct core *c)
{
	return core_hears(&m->netd) &&
	       (!*c->conf->secret || core_hears(&m->vault));
}

int start_online(struct monitor *m, struct core *c, struct err *err)
{
	const struct conf_connector *cc = c->conf;
	struct ways w = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	CLEAN_BUF struct buf hosts = { 0 };
	int r;

	if (!account_may_start(m, c))
		return err_set(err, -EAGAIN, "netd or the vault is not up");
	c->link = (struct link){ .state = ACCOUNT_CONNECTING,
				 .since_ms = now_ms() };
	put_hosts(cc, &hosts);
	r = ways_open(&w, err);
	if (r == 0)
		r = spawn_account(m, c, &w, err);
	if (r == 0)
		r = tell_account(m, c, buf_view(&hosts), err);
	if (r == 0) {
		tell_netd(m, cc, buf_view(&hosts), &w.netd[0]);
		if (*cc->secret)
			tell_vault(m, cc, buf_view(&hosts), &w.vault[0]);
		start_tell_broker(m, cc, &w.broker[0]);
	}
	ways_close(&w);
	return r;
}

void accounts_end(struct monitor *m, const char *why)
{
	int i;

	for (i = 0; i < m->n_connectors; i++) {
		struct core *c = &m->connectors[i];

		if (c->proc != PROC_ONLINE || !c->pid || c->dying)
			continue;
		core_kill(m, c);
		puts_orphan(m, c);
		sup_ended(&c->sup, now_ms(), why);
	}
}

void account_link(struct monitor *m, struct core *c)
{
	const struct m_link *in = &m->in.link;
	struct link *l = &c->link;

	if (in->state == 0 || in->state >= ACCOUNT_STATE_MAX) {
		core_lost(m, c, "says that it is in no state that there is");
		return;
	}
	if (l->state != in->state)
		l->since_ms = now_ms();
	l->state = in->state;
	l->again_ms = in->retry_s < ACCOUNTS_RETRY_S
			      ? now_ms() + in->retry_s * 1000
			      : 0;
	if (str_copy(l->detail, sizeof(l->detail), in->detail) < 0 ||
	    !utf8_valid(span_str(l->detail)))
		l->detail[0] = 0;
}

void account_skipped(struct monitor *m, struct core *c)
{
	c->link.skipped++;
	audit_begin(&m->record, "item.skipped", &m->ids);
	audit_str(&m->record, "connector", span_str(c->conf->name));
	audit_str(&m->record, "key", m->in.skipped.key);
	audit_str(&m->record, "why", m->in.skipped.why);
	monitor_audit_later(m);
}
