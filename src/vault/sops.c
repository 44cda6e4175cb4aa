/* sops: see sops.h. Opening; sops_save.c writes. */
#include "sops.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/jcur.h"
#include "base/str.h"
#include "secrets.h"
#include "sops_in.h"

struct sops *sops_alloc(enum sops_format format, struct err *err)
{
	struct sops *s = calloc(1, sizeof(*s));

	if (s)
		s->key = OPENSSL_secure_zalloc(SOPS_KEY);
	if (s && s->key && sops_tree_init(&s->t, format) == 0)
		return s;
	sops_free(s);
	(void)err_set(err, -ENOMEM, "memory is short");
	return NULL;
}

void sops_free(struct sops *s)
{
	if (!s)
		return;
	sops_tree_done(&s->t);
	OPENSSL_secure_clear_free(s->key, SOPS_KEY);
	OPENSSL_secure_clear_free(s->plain, s->plain_room);
	OPENSSL_secure_clear_free(s->text, s->text_room);
	OPENSSL_secure_clear_free(s->added, s->added_room);
	free(s);
}

struct span sops_secrets(const struct sops *s)
{
	return span_of(s->text, s->text_n);
}

uint8_t *sops_take_secrets(struct sops *s, size_t *n)
{
	uint8_t *r = s->text;

	*n = s->text_n;
	s->text = NULL;
	return r;
}

/* --- the file's key --------------------------------------------------------
 */

/* One armored age file of SOPS_KEY bytes. */
static enum age_result try_key(struct sops *s, struct span enc,
			       const struct age_keys *keys)
{
	uint8_t *content;
	size_t n;
	enum age_result r = age_open(enc, keys, &content, &n);

	if (r == AGE_OK && n != SOPS_KEY)
		r = AGE_PAYLOAD;
	else if (r == AGE_OK)
		memcpy(s->key, content, SOPS_KEY);
	age_free(content, n);
	return r;
}

static int unlock(struct sops *s, const struct age_keys *keys, struct err *err)
{
	enum age_result worst = AGE_NO_MATCH, r;
	struct span enc;
	unsigned i;

	if (!keys->n)
		return err_set(err, -EINVAL,
			       "a file of sops is opened by an identity, not "
			       "by a passphrase");
	for (i = 0; i < SOPS_AGE_MAX && sops_meta_age(&s->t, i, "enc", &enc);
	     i++) {
		r = try_key(s, enc, keys);
		if (r == AGE_OK)
			return 0;
		if (r != AGE_NO_MATCH)
			worst = r;
	}
	if (i)
		return err_set(err, -EINVAL, "%s", age_result_text(worst));
	return err_set(err, -EINVAL, "it is for no age key: add one with sops");
}

size_t sops_recipients(const struct sops *s, struct age_recipient ret[AGE_KEYS])
{
	struct span text;
	unsigned i;
	size_t n = 0;

	for (i = 0; i < SOPS_AGE_MAX && n < AGE_KEYS &&
		    sops_meta_age(&s->t, i, "recipient", &text);
	     i++)
		if (age_recipient_parse(&ret[n], text) == 0)
			n++;
	return n;
}

/* --- its values ------------------------------------------------------------
 */

bool sops_is_sealed(const struct sops *s, uint32_t i)
{
	const struct sops_node *n = &s->t.nodes[i];

	return n->encrypted && !n->gone && sops_is_scalar(n->kind) &&
	       n->kind != SOPS_NULL && !sops_in_meta(&s->t, i);
}

/* Where a value is that does not open, by its path. */
static int bad_value(const struct sops *s, uint32_t i, struct err *err)
{
	CLEAN_BUF struct buf path;

	buf_init(&path, SOPS_PATH_MAX);
	sops_path(&s->t, i, '.', true, &path);
	return err_set(err, -EINVAL,
		       "the value at %.200s does not fit its place, or was "
		       "changed: restore it from a backup",
		       buf_cstr(&path));
}

static int open_value(struct sops *s, uint32_t i, struct err *err)
{
	struct sops_node *n = &s->t.nodes[i];
	const struct span text = sops_node_text(&s->t, i);
	CLEAN_BUF struct buf aad;

	/* An empty one stays empty. */
	n->plain_kind = SOPS_STR;
	if (n->kind == SOPS_STR && !text.n)
		return 0;
	buf_init(&aad, SOPS_PATH_MAX);
	sops_path(&s->t, i, ':', false, &aad);
	if (n->kind != SOPS_STR || !sops_value_room(text) || !buf_ok(&aad) ||
	    sops_value_open(s->key, text, buf_view(&aad), s->plain + s->plain_n,
			    &n->plain, &n->plain_kind) < 0)
		return bad_value(s, i, err);
	s->plain_n += n->plain.n;
	return 0;
}

static int open_values(struct sops *s, struct err *err)
{
	uint32_t i;
	int r = 0;

	s->plain_room = 1;
	for (i = 0; i < s->t.n; i++)
		if (sops_is_sealed(s, i))
			s->plain_room +=
				sops_value_room(sops_node_text(&s->t, i));
	s->plain = OPENSSL_secure_malloc(s->plain_room);
	if (!s->plain)
		return err_set(err, -ENOMEM, "locked memory is short");
	for (i = 0; r == 0 && i < s->t.n; i++)
		if (sops_is_sealed(s, i))
			r = open_value(s, i, err);
	return r;
}

static int check_mac(const struct sops *s, struct err *err)
{
	uint8_t room[2 * SOPS_MAC];
	char want[SOPS_MAC];
	struct span sealed, time, mac;
	enum sops_kind kind;

	if (!sops_meta_text(&s->t, "mac", &sealed) || !sealed.n)
		return err_set(err, -EINVAL,
			       "it has no MAC, so that nothing proves that it "
			       "is whole");
	if (!sops_meta_text(&s->t, "lastmodified", &time) ||
	    sops_mac(&s->t, want) < 0 || sops_value_room(sealed) > sizeof(room))
		return err_set(err, -EINVAL, "its MAC cannot be checked");
	if (sops_value_open(s->key, sealed, time, room, &mac, &kind) < 0 ||
	    mac.n != sizeof(want) || CRYPTO_memcmp(mac.p, want, mac.n) != 0)
		return err_set(err, -EINVAL,
			       "its MAC does not fit: it was changed, restore "
			       "it from a backup");
	return 0;
}

int sops_prove(struct sops *s, struct err *err)
{
	const int r = open_values(s, err);

	return r < 0 ? r : check_mac(s, err);
}

int sops_load(struct sops *s, struct span file, struct err *err)
{
	const char *why = NULL;
	int r = -EINVAL;

	if (file.n > SOPS_FILE_MAX)
		return err_set(err, -EINVAL, "it is larger than 1 MiB");
	if (s->t.format == SOPS_JSON)
		r = sops_read_json(&s->t, file, err);
	else if (s->t.format == SOPS_YAML)
		r = sops_read_yaml(&s->t, file, err);
	else if (s->t.format == SOPS_ENV)
		r = sops_read_env(&s->t, file, err);
	else if (s->t.format == SOPS_INI)
		r = sops_read_ini(&s->t, file, err);
	if (r < 0)
		return r;
	why = sops_meta_odd(&s->t, &s->others);
	if (why)
		return err_set(err, -EINVAL, "%s", why);
	return sops_rules(&s->t, err);
}

/* --- as secrets ------------------------------------------------------------
 */

bool sops_is_ours(const struct sops *s)
{
	const uint32_t i = sops_child(&s->t, 0, SPAN_LIT("bulkhead_vault"));

	return i != SOPS_ROOT && sops_is_scalar(s->t.nodes[i].kind);
}

void sops_secret_name(const struct sops *s, uint32_t i,
		      char ret[LIMIT_NAME + 1])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	CLEAN_BUF struct buf path;
	size_t k;

	*ret = 0;
	buf_init(&path, SOPS_PATH_MAX);
	sops_path(&s->t, i, '.', true, &path);
	if (!buf_ok(&path) || path.n < 2 || path.n - 1 > LIMIT_NAME)
		return;
	memcpy(ret, path.p, path.n - 1);
	ret[path.n - 1] = 0;
	for (k = 0; k < path.n - 1; k++)
		if (!sops_among(path.p[k], allowed))
			ret[k] = '_';
	if (*ret == '.' || *ret == '-')
		*ret = '_';
}

bool sops_is_text(struct span s)
{
	return s.n && utf8_valid(s) && !memchr(s.p, 0, s.n);
}

/* Of a file that is not ours: {"NAME": "value"}. */
static void put_flat(const struct sops *s, struct buf *b)
{
	char name[LIMIT_NAME + 1];
	bool any = false;
	uint32_t i;

	buf_u8(b, '{');
	for (i = 0; i < s->t.n; i++) {
		if (!sops_is_sealed(s, i) || !sops_is_text(s->t.nodes[i].plain))
			continue;
		sops_secret_name(s, i, name);
		if (!*name)
			continue;
		buf_str(b, any ? ",\n  " : "\n  ");
		any = true;
		json_quote(b, span_str(name));
		buf_str(b, ": ");
		json_quote(b, s->t.nodes[i].plain);
	}
	buf_str(b, any ? "\n}\n" : "}\n");
}

/* A value of ours: a text, or the number of the version. */
static bool put_value(const struct sops_node *n, struct buf *b)
{
	if (n->plain_kind == SOPS_INT)
		buf_span(b, n->plain);
	else
		json_quote(b, n->plain);
	return utf8_valid(n->plain);
}

/* Of ours: as it is, where all of it is encrypted. */
static bool put_ours(const struct sops *s, uint32_t up, struct buf *b)
{
	const bool map = s->t.nodes[up].kind == SOPS_MAP;
	uint32_t i = sops_next(&s->t, up, SOPS_ROOT);
	bool any = false, ok = true;

	buf_u8(b, map ? '{' : '[');
	for (; ok && i != SOPS_ROOT; i = sops_next(&s->t, up, i)) {
		const struct sops_node *n = &s->t.nodes[i];

		if (sops_in_meta(&s->t, i) || n->kind == SOPS_COMMENT)
			continue;
		if (any)
			buf_u8(b, ',');
		any = true;
		if (map) {
			json_quote(b, sops_key(&s->t, i));
			buf_u8(b, ':');
		}
		if (!sops_is_scalar(n->kind))
			ok = put_ours(s, i, b);
		else
			ok = sops_is_sealed(s, i) && put_value(n, b);
	}
	buf_u8(b, map ? '}' : ']');
	return ok;
}

/* Never more than this, each byte of a value escaped. */
static size_t text_room(const struct sops *s)
{
	size_t n = 64 + 6 * s->plain_n;
	uint32_t i;

	for (i = 0; i < s->t.n; i++)
		n += LIMIT_NAME + 16 + 6 * s->t.nodes[i].key.n;
	return n < SECRETS_TEXT_MAX ? n : SECRETS_TEXT_MAX;
}

int sops_put_secrets(struct sops *s, struct err *err)
{
	struct buf b = { 0 };
	bool ok = true;

	s->text_room = text_room(s);
	s->text = OPENSSL_secure_malloc(s->text_room);
	if (!s->text)
		return err_set(err, -ENOMEM, "locked memory is short");
	/* The memory is given: the buffer has no cause to look for more. */
	b.p = s->text;
	b.cap = s->text_room;
	b.max = s->text_room - 1;
	if (sops_is_ours(s))
		ok = put_ours(s, 0, &b);
	else
		put_flat(s, &b);
	s->text_n = b.n;
	if (!ok)
		return err_set(err, -EINVAL,
			       "a value of it is not encrypted, or no text");
	return buf_ok(&b) ? 0
			  : err_set(err, -EINVAL,
				    "its secrets are larger than 512 KiB: "
				    "split it");
}

struct sops *sops_open(struct span file, const struct age_keys *keys,
		       struct err *err)
{
	const enum sops_format format = sops_sniff(file);
	struct sops *s;
	int r;

	if (format == SOPS_NONE) {
		(void)err_set(err, -EINVAL, "it is no file of sops");
		return NULL;
	}
	s = sops_alloc(format, err);
	if (!s)
		return NULL;
	r = sops_load(s, file, err);
	if (r == 0)
		r = unlock(s, keys, err);
	if (r == 0)
		r = sops_prove(s, err);
	if (r == 0)
		r = sops_put_secrets(s, err);
	if (r == 0)
		return s;
	sops_free(s);
	return NULL;
}
