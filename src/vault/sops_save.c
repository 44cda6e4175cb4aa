/*
 * sops_save: files of sops, made and changed. See sops.h. A change is made in
 * the tree, value by value, so that all that is not changed is written as it
 * was read.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"
#include "secrets.h"
#include "sops_in.h"

/* --- who may open it -------------------------------------------------------
 */

static int wrap_key(struct sops *s, const struct age_recipient *to, size_t n,
		    struct err *err)
{
	char name[AGE_KEY_TEXT];
	unsigned i;

	if (!n || n > AGE_KEYS)
		return err_set(err, -EINVAL,
			       "it is for nobody, or for more "
			       "than %d",
			       AGE_KEYS);
	for (i = 0; i < n; i++) {
		CLEAN_BUF struct buf enc;

		buf_init(&enc, 4096);
		age_recipient_text(name, to[i].public);
		if (age_seal(&enc, &to[i], 1, SPAN_LIT(""), true,
			     span_of(s->key, SOPS_KEY)) < 0)
			return err_set(err, -EIO, "its key cannot be sealed");
		if (sops_meta_add_age(&s->t, i, span_str(name), buf_view(&enc),
				      err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int new_key(struct sops *s, struct err *err)
{
	s->rekey = true;
	return RAND_bytes(s->key, SOPS_KEY) == 1
		       ? 0
		       : err_set(err, -EIO, "there are no random bytes");
}

int sops_rotate(struct sops *s, const struct age_recipient *to, size_t n,
		struct err *err)
{
	if (s->others)
		return err_set(err, -EINVAL,
			       "keys of other kinds than age open it, too: "
			       "rotate it with sops");
	if (new_key(s, err) < 0)
		return -EIO;
	sops_meta_drop_age(&s->t);
	return wrap_key(s, to, n, err);
}

static uint32_t add(struct sops *s, uint32_t up, enum sops_kind kind,
		    const char *key, struct err *err)
{
	return sops_add(&s->t, up, kind, span_str(key), SPAN_LIT(""), err);
}

/* A value that is to be sealed. */
static int add_value(struct sops *s, uint32_t up, const char *key,
		     enum sops_kind kind, struct span plain, struct err *err)
{
	const uint32_t i = add(s, up, SOPS_STR, key, err);

	if (i == SOPS_ROOT)
		return -EINVAL;
	s->t.nodes[i].plain = plain;
	s->t.nodes[i].plain_kind = kind;
	s->t.nodes[i].fresh = true;
	return 0;
}

static int fill_new(struct sops *s, const struct age_recipient *to, size_t n,
		    struct err *err)
{
	const bool maps = s->t.format == SOPS_JSON || s->t.format == SOPS_YAML;

	if (add(s, SOPS_ROOT, SOPS_MAP, "", err) == SOPS_ROOT ||
	    (maps && add_value(s, 0, "bulkhead_vault", SOPS_INT, SPAN_LIT("1"),
			       err) < 0) ||
	    (maps && add(s, 0, SOPS_MAP, "secrets", err) == SOPS_ROOT))
		return -EINVAL;
	s->t.meta = add(s, 0, SOPS_MAP, "sops", err);
	if (s->t.meta == SOPS_ROOT || new_key(s, err) < 0 ||
	    wrap_key(s, to, n, err) < 0)
		return -EINVAL;
	return sops_meta_set(&s->t, "unencrypted_suffix",
			     SPAN_LIT("_unencrypted"), err) < 0 ||
			       sops_meta_set(&s->t, "version",
					     SPAN_LIT("3.9.0"), err) < 0
		       ? -EINVAL
		       : 0;
}

struct sops *sops_new(enum sops_format format, const struct age_recipient *to,
		      size_t n, struct err *err)
{
	struct sops *s = sops_alloc(format, err);

	if (s && fill_new(s, to, n, err) < 0) {
		sops_free(s);
		return NULL;
	}
	return s;
}

/* --- what changes ----------------------------------------------------------
 */

/* The characters of a value, in locked memory that lives as long as s. */
static int keep(struct sops *s, struct jval v, struct span *ret,
		struct err *err)
{
	char *at = (char *)s->added + s->added_n;

	if (!jval_text(v, at, s->added_room - s->added_n, ret)) {
		(void)err_set(err, -ENOMEM, "locked memory is short");
		return -ENOMEM;
	}
	s->added_n += ret->n;
	return 0;
}

static int keep_text(struct sops *s, const char *text, struct span *ret,
		     struct err *err)
{
	const size_t n = strlen(text);

	if (n > s->added_room - s->added_n) {
		(void)err_set(err, -ENOMEM, "locked memory is short");
		return -ENOMEM;
	}
	memcpy(s->added + s->added_n, text, n);
	*ret = span_of(s->added + s->added_n, n);
	s->added_n += n;
	return 0;
}

static void change(struct sops *s, uint32_t i, struct span plain)
{
	struct sops_node *n = &s->t.nodes[i];

	if (span_eq(n->plain, plain) && n->plain_kind == SOPS_STR)
		return;
	n->plain = plain;
	n->plain_kind = SOPS_STR;
	n->fresh = true;
}

/* The member of that name, with that text; without a text it goes. */
static int set_member(struct sops *s, uint32_t up, const char *key,
		      struct span plain, struct err *err)
{
	const uint32_t i = sops_child(&s->t, up, span_str(key));

	if (i != SOPS_ROOT && plain.n && sops_is_sealed(s, i)) {
		change(s, i, plain);
		return 0;
	}
	if (i != SOPS_ROOT)
		sops_remove(&s->t, i);
	return plain.n ? add_value(s, up, key, SOPS_STR, plain, err) : 0;
}

static bool same_hosts(const struct sops *s, uint32_t list,
		       const struct secret_row *row)
{
	uint32_t i = sops_next(&s->t, list, SOPS_ROOT);
	size_t k = 0;

	for (; i != SOPS_ROOT; i = sops_next(&s->t, list, i), k++)
		if (k >= row->n_hosts ||
		    !span_is(s->t.nodes[i].plain, row->hosts[k]))
			return false;
	return k == row->n_hosts;
}

static int set_hosts(struct sops *s, uint32_t up, const struct secret_row *row,
		     struct err *err)
{
	uint32_t list = sops_child(&s->t, up, SPAN_LIT("hosts"));
	struct span plain = { 0 };
	size_t k;

	if (list != SOPS_ROOT && same_hosts(s, list, row))
		return 0;
	if (list != SOPS_ROOT)
		sops_remove(&s->t, list);
	if (!row->n_hosts)
		return 0;
	list = add(s, up, SOPS_LIST, "hosts", err);
	for (k = 0; k < row->n_hosts; k++)
		if (list == SOPS_ROOT ||
		    keep_text(s, row->hosts[k], &plain, err) < 0 ||
		    add_value(s, list, "", SOPS_STR, plain, err) < 0)
			return -EINVAL;
	return 0;
}

/* In a file of ours: a map of value, connector and hosts. */
static int set_ours(struct sops *s, uint32_t all, const struct secret_row *row,
		    struct err *err)
{
	uint32_t i = sops_child(&s->t, all, span_str(row->name));
	struct span value = { 0 }, connector = { 0 };

	if (i != SOPS_ROOT && s->t.nodes[i].kind != SOPS_MAP) {
		sops_remove(&s->t, i);
		i = SOPS_ROOT;
	}
	if (i == SOPS_ROOT)
		i = add(s, all, SOPS_MAP, row->name, err);
	return i == SOPS_ROOT || keep(s, row->value, &value, err) < 0 ||
			       set_member(s, i, "value", value, err) < 0 ||
			       keep_text(s, row->connector, &connector, err) <
				       0 ||
			       set_member(s, i, "connector", connector, err) <
				       0 ||
			       set_hosts(s, i, row, err) < 0
		       ? -EINVAL
		       : 0;
}

static int update_ours(struct sops *s, const struct secrets *now,
		       struct err *err)
{
	uint32_t all = sops_child(&s->t, 0, SPAN_LIT("secrets")), i;
	struct jiter it = secrets_all(now);
	struct secret_row row;
	char name[LIMIT_NAME + 1];

	if (all == SOPS_ROOT)
		return err_set(err, -EINVAL, "it has no \"secrets\"");
	for (i = sops_next(&s->t, all, SOPS_ROOT); i != SOPS_ROOT;
	     i = sops_next(&s->t, all, i))
		if (str_copy(name, sizeof(name), sops_key(&s->t, i)) < 0 ||
		    !secrets_find(now, name, &row))
			sops_remove(&s->t, i);
	while (secrets_next(&it, &row))
		if (set_ours(s, all, &row, err) < 0)
			return -EINVAL;
	return 0;
}

/* The value that has this name as a secret, or SOPS_ROOT. */
static uint32_t find_flat(const struct sops *s, const char *want)
{
	char name[LIMIT_NAME + 1];
	uint32_t i;

	for (i = 0; i < s->t.n; i++) {
		if (!sops_is_sealed(s, i))
			continue;
		sops_secret_name(s, i, name);
		if (!strcmp(name, want))
			return i;
	}
	return SOPS_ROOT;
}

/* A new one of a file that is not ours: beside all others; in INI its section
 * is what stands before the first dot. */
static int add_flat(struct sops *s, const char *name, struct span plain,
		    struct err *err)
{
	const char *dot = strchr(name, '.');
	const struct span section =
		span_of(name, dot ? (size_t)(dot - name) : 0);
	uint32_t up = 0;

	if (s->t.format != SOPS_INI)
		return add_value(s, 0, name, SOPS_STR, plain, err);
	if (!section.n || !dot[1] || span_is(section, "sops"))
		return err_set(err, -EINVAL,
			       "in an INI file a secret is named "
			       "SECTION.KEY");
	up = sops_child(&s->t, 0, section);
	if (up == SOPS_ROOT)
		up = sops_add(&s->t, 0, SOPS_MAP, section, SPAN_LIT(""), err);
	return up == SOPS_ROOT
		       ? -EINVAL
		       : add_value(s, up, dot + 1, SOPS_STR, plain, err);
}

static int set_flat(struct sops *s, const struct secret_row *row,
		    struct err *err)
{
	const uint32_t i = find_flat(s, row->name);
	struct span plain = { 0 };

	if (*row->connector || row->n_hosts)
		return err_set(
			err, -EINVAL,
			"a file of sops that `bulkhead vault init` did "
			"not make cannot say for whom a secret is: leave "
			"that away, and the first connector that asks "
			"has it");
	if (keep(s, row->value, &plain, err) < 0)
		return -ENOMEM;
	if (i == SOPS_ROOT)
		return add_flat(s, row->name, plain, err);
	change(s, i, plain);
	return 0;
}

static int update_flat(struct sops *s, const struct secrets *now,
		       struct err *err)
{
	struct jiter it = secrets_all(now);
	struct secret_row row;
	char name[LIMIT_NAME + 1];
	uint32_t i;

	for (i = 0; i < s->t.n; i++) {
		if (!sops_is_sealed(s, i) || !sops_is_text(s->t.nodes[i].plain))
			continue;
		sops_secret_name(s, i, name);
		if (*name && !secrets_find(now, name, &row))
			sops_remove(&s->t, i);
	}
	while (secrets_next(&it, &row))
		if (set_flat(s, &row, err) < 0)
			return -EINVAL;
	return 0;
}

/* --- writing ---------------------------------------------------------------
 */

static int seal(struct sops *s, uint32_t i, struct err *err)
{
	const struct sops_node *n = &s->t.nodes[i];
	CLEAN_BUF struct buf aad, text;

	buf_init(&aad, SOPS_PATH_MAX);
	buf_init(&text, SOPS_TEXTS_MAX);
	sops_path(&s->t, i, ':', false, &aad);
	if (!buf_ok(&aad) ||
	    sops_value_seal(s->key, n->plain, n->plain_kind, buf_view(&aad),
			    &text) < 0 ||
	    sops_set_text(&s->t, i, buf_view(&text)) < 0)
		return err_set(err, -EIO, "a value cannot be sealed");
	return 0;
}

/* Each value that has changed, or all of them. One that the file's rule would
 * leave as it is must not get into it. */
static int seal_all(struct sops *s, struct err *err)
{
	uint32_t i;

	if (sops_rules(&s->t, err) < 0)
		return -EINVAL;
	for (i = 0; i < s->t.n; i++) {
		const struct sops_node *n = &s->t.nodes[i];

		if (n->gone)
			continue;
		if (n->fresh && !n->encrypted)
			return err_set(err, -EINVAL,
				       "by the file's own rule a value of that "
				       "name would not be encrypted");
		if ((n->fresh || (s->rekey && sops_is_sealed(s, i))) &&
		    seal(s, i, err) < 0)
			return -EIO;
	}
	return 0;
}

static int seal_mac(struct sops *s, struct err *err)
{
	char mac[SOPS_MAC], now[LOG_TIME];
	CLEAN_BUF struct buf text;
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec = 0;
	log_time(now, &t);
	(void)str_printf(now + strlen("2006-01-02T15:04:05"), 2, "Z");
	buf_init(&text, 1024);
	if (sops_mac(&s->t, mac) < 0 ||
	    sops_value_seal(s->key, span_of(mac, sizeof(mac)), SOPS_STR,
			    span_str(now), &text) < 0)
		return err_set(err, -EIO, "its MAC cannot be made");
	return sops_meta_set(&s->t, "lastmodified", span_str(now), err) < 0 ||
			       sops_meta_set(&s->t, "mac", buf_view(&text),
					     err) < 0
		       ? -EINVAL
		       : 0;
}

/* Each of one is in the other. */
static bool all_in(const struct secrets *a, const struct secrets *b)
{
	struct jiter it = secrets_all(a);
	struct secret_row row, other;
	bool ok = true;

	while (ok && secrets_next(&it, &row)) {
		const size_t room = row.value.raw.n;
		char *x = OPENSSL_secure_zalloc(2 * room);
		struct span v, w;

		ok = x && secrets_find(b, row.name, &other) &&
		     jval_text(row.value, x, room, &v) &&
		     (!v.n || (jval_text(other.value, x + room, room, &w) &&
			       span_eq(v, w)));
		OPENSSL_secure_clear_free(x, 2 * room);
	}
	return ok;
}

/* What is to be written opens, and has those secrets in it. */
static int read_back(const struct sops *s, struct span file,
		     const struct secrets *want, struct err *err)
{
	struct sops *again = sops_alloc(s->t.format, err);
	struct secrets got;
	int r = again ? 0 : -ENOMEM;

	if (r == 0) {
		memcpy(again->key, s->key, SOPS_KEY);
		r = sops_load(again, file, err);
	}
	if (r == 0)
		r = sops_prove(again, err);
	if (r == 0)
		r = sops_put_secrets(again, err);
	if (r == 0 && (secrets_parse(&got, sops_secrets(again)) ||
		       !all_in(want, &got) || !all_in(&got, want)))
		r = err_set(err, -EIO,
			    "what would be written does not read "
			    "back as it should");
	sops_free(again);
	return r;
}

int sops_save(struct sops *s, struct span secrets, struct buf *ret,
	      struct err *err)
{
	struct secrets now;
	const char *why = secrets_parse(&now, secrets);

	if (why)
		return err_set(err, -EINVAL, "%s", why);
	if (s->t.comments_lost)
		return err_set(err, -EINVAL,
			       "it has comments, which would be lost: change "
			       "it with sops");
	/* A value's characters fit where they stand escaped; names of
	 * connectors and hosts, too, are in the text. */
	s->added_room = secrets.n + 1;
	s->added = OPENSSL_secure_malloc(s->added_room);
	if (!s->added)
		return err_set(err, -ENOMEM, "locked memory is short");
	if ((sops_is_ours(s) ? update_ours(s, &now, err)
			     : update_flat(s, &now, err)) < 0 ||
	    seal_all(s, err) < 0 || seal_mac(s, err) < 0)
		return -EINVAL;
	sops_write_nodes(&s->t, ret);
	if (!buf_ok(ret))
		return err_set(err, -ENOMEM, "it is too large");
	return read_back(s, buf_view(ret), &now, err);
}
