/* vault_new: see vault_new.h. */
#include "cli/vault_new.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/vault_box.h"

static int hosts_listed(const char *list, struct secret_row *ret)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (ret->n_hosts == SECRETS_HOSTS ||
		    str_copy(ret->hosts[ret->n_hosts], SECRETS_HOST_MAX,
			     span_of(list, n)) < 0)
			return -1;
		ret->n_hosts++;
		list += n + (list[n] == ' ');
	}
	return 0;
}

static int hosts_of(const struct conf *conf, const char *connector,
		    struct secret_row *ret)
{
	const struct conf_connector *c = NULL;
	uint32_t i;

	for (i = 0; i < conf->n_connectors; i++)
		if (strcmp(conf->connectors[i].name, connector) == 0)
			c = &conf->connectors[i];
	if (!c || c->n_hosts > SECRETS_HOSTS)
		return -1;
	for (i = 0; i < c->n_hosts; i++)
		conf_host_text(&c->hosts[i], ret->hosts[i]);
	ret->n_hosts = c->n_hosts;
	return 0;
}

/* The row of a secret; -1: there is no such connector, or a name is none. */
static int row_of(const struct vault_new_secret *s, const struct conf *conf,
		  struct secret_row *ret)
{
	*ret = (struct secret_row){ 0 };
	if (!secret_name_ok(s->name) ||
	    str_copy(ret->name, sizeof(ret->name), span_str(s->name)) < 0 ||
	    str_copy(ret->connector, sizeof(ret->connector),
		     span_str(s->connector)) < 0)
		return -1;
	return s->hosts ? hosts_listed(s->hosts, ret)
			: hosts_of(conf, s->connector, ret);
}

static void wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_done(b);
}

/* The whole text, a secret after the other. */
static int text_of(const struct vault_new_secret *secrets, size_t n,
		   const struct conf *conf, struct buf *ret)
{
	struct buf before;
	struct secret_row row;
	struct secrets s;
	size_t i;
	int r = 0;

	buf_span(ret, secrets_empty());
	for (i = 0; i < n && r == 0; i++) {
		before = *ret;
		buf_init(ret, SECRETS_TEXT_MAX);
		if (secrets_parse(&s, buf_view(&before)) ||
		    row_of(&secrets[i], conf, &row) < 0)
			r = -1;
		else
			r = secrets_write(ret, &s, row.name, &row,
					  secrets[i].value);
		wipe(&before);
	}
	if (r < 0)
		cli_error("a secret is not UTF-8, has a NUL in it, or is for "
			  "no connector: nothing was written");
	return r;
}

static int make_files(struct vault_box *b, struct span text)
{
	struct age_identity id;
	int r = box_new_identity(b->identity, &id);

	OPENSSL_cleanse(&id, sizeof(id));
	if (r < 0) {
		cli_error("%s: %s", b->identity, strerror(-r));
		return CLI_NO;
	}
	r = box_keys(b, true);
	if (r == CLI_OK)
		r = box_save(b, text);
	if (r != CLI_OK)
		(void)unlink(b->identity);
	return r;
}

static int paths(struct vault_box *b, const char *dir)
{
	*b = (struct vault_box){ 0 };
	return str_printf(b->file, sizeof(b->file), "%s/" VAULT_NEW_FILE, dir) <
				       0 ||
			       str_printf(b->identity, sizeof(b->identity),
					  "%s/" VAULT_NEW_IDENTITY, dir) < 0
		       ? -1
		       : 0;
}

int vault_new(const char *dir, const struct conf *conf,
	      const struct vault_new_secret *secrets, size_t n)
{
	struct vault_box b;
	struct buf text;
	int r = CLI_NO;

	if (paths(&b, dir) < 0) {
		cli_error("the directory's path is too long");
		return CLI_NO;
	}
	if (access(b.file, F_OK) == 0 || access(b.identity, F_OK) == 0) {
		cli_error("%s has a vault already: nothing was changed", dir);
		return CLI_NO;
	}
	buf_init(&text, SECRETS_TEXT_MAX);
	if (text_of(secrets, n, conf, &text) == 0)
		r = make_files(&b, buf_view(&text));
	wipe(&text);
	box_done(&b);
	return r;
}

void vault_new_undo(const char *dir)
{
	struct vault_box b;

	if (paths(&b, dir) == 0) {
		(void)unlink(b.file);
		(void)unlink(b.identity);
	}
}
