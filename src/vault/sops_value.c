/*
 * sops_value: one encrypted value of sops, and the MAC over all of them. See
 * sops_in.h.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/b64.h"
#include "prim.h"
#include "sops_in.h"

static const char *const types[SOPS_KINDS] = {
	[SOPS_STR] = "str",	    [SOPS_INT] = "int",
	[SOPS_FLOAT] = "float",	    [SOPS_BOOL] = "bool",
	[SOPS_BYTES] = "bytes",	    [SOPS_TIME] = "time",
	[SOPS_COMMENT] = "comment",
};

struct value {
	struct span data, iv, tag, type;
};

/* Takes `word` off, and gives what is before the next one. */
static bool field(struct span *s, const char *word, const char *next,
		  struct span *ret)
{
	const size_t n = strlen(word);
	const uint8_t *end;

	if (s->n < n || memcmp(s->p, word, n) != 0)
		return false;
	*s = span_of(s->p + n, s->n - n);
	end = s->n ? memmem(s->p, s->n, next, strlen(next)) : NULL;
	if (!end)
		return false;
	*ret = span_of(s->p, (size_t)(end - s->p));
	*s = span_of(end, s->n - ret->n);
	return true;
}

static bool take_apart(struct span s, struct value *v)
{
	return field(&s, "ENC[AES256_GCM,data:", ",iv:", &v->data) &&
	       field(&s, ",iv:", ",tag:", &v->iv) &&
	       field(&s, ",tag:", ",type:", &v->tag) &&
	       field(&s, ",type:", "]", &v->type) && s.n == 1;
}

size_t sops_value_room(struct span text)
{
	struct value v;

	return take_apart(text, &v) && v.data.n ? v.data.n : 0;
}

int sops_value_open(const uint8_t key[SOPS_KEY], struct span text,
		    struct span aad, uint8_t *to, struct span *plain,
		    enum sops_kind *kind)
{
	uint8_t iv[PRIM_GCM_IV], tag[PRIM_TAG];
	struct value v;
	int n;

	if (!take_apart(text, &v) ||
	    b64_decode(iv, sizeof(iv), v.iv) != sizeof(iv) ||
	    b64_decode(tag, sizeof(tag), v.tag) != sizeof(tag))
		return -1;
	for (*kind = 0; *kind < SOPS_KINDS; (*kind)++)
		if (types[*kind] && span_is(v.type, types[*kind]))
			break;
	if (*kind == SOPS_KINDS)
		return -1;
	n = b64_decode(to, v.data.n, v.data);
	if (n < 0 ||
	    prim_gcm_open(to, tag, key, iv, aad, span_of(to, (size_t)n)) < 0)
		return -1;
	*plain = span_of(to, (size_t)n);
	return 0;
}

int sops_value_seal(const uint8_t key[SOPS_KEY], struct span plain,
		    enum sops_kind kind, struct span aad, struct buf *ret)
{
	uint8_t iv[PRIM_GCM_IV], tag[PRIM_TAG];
	CLEAN_BUF struct buf sealed;
	uint8_t *p;

	if (!plain.n)
		return 0;
	buf_init(&sealed, SOPS_TEXTS_MAX);
	p = buf_extend(&sealed, plain.n);
	if (!p || RAND_bytes(iv, sizeof(iv)) != 1 ||
	    prim_gcm_seal(p, tag, key, iv, aad, plain) < 0)
		return -EIO;
	buf_str(ret, "ENC[AES256_GCM,data:");
	b64_put(ret, buf_view(&sealed), false);
	buf_str(ret, ",iv:");
	b64_put(ret, span_of(iv, sizeof(iv)), false);
	buf_str(ret, ",tag:");
	b64_put(ret, span_of(tag, sizeof(tag)), false);
	buf_printf(ret, ",type:%s]", types[kind]);
	return buf_ok(ret) ? 0 : -EIO;
}

/* --- the MAC ---------------------------------------------------------------
 */

struct mac {
	const struct sops_tree *t;
	EVP_MD_CTX *md;
	bool encrypted_only;
	bool bad;
};

static void take(struct mac *m, struct span s)
{
	if (s.n && EVP_DigestUpdate(m->md, s.p, s.n) != 1)
		m->bad = true;
}

/* In the order that the file will have, which after a change is not that of
 * the table. */
static void take_children(struct mac *m, uint32_t up)
{
	uint32_t i = sops_next(m->t, up, SOPS_ROOT);

	for (; i != SOPS_ROOT; i = sops_next(m->t, up, i)) {
		const struct sops_node *n = &m->t->nodes[i];

		if (sops_in_meta(m->t, i) || n->kind == SOPS_COMMENT)
			continue;
		if (!sops_is_scalar(n->kind))
			take_children(m, i);
		else if (n->encrypted && n->kind != SOPS_NULL)
			take(m, n->plain);
		else if (!m->encrypted_only)
			take(m, sops_node_text(m->t, i));
	}
}

/* What a MAC over encrypted values alone begins with: the SHA-256 of "sops",
 * so that it is no MAC over all. */
static void begin_encrypted_only(struct mac *m)
{
	uint8_t sum[32];

	if (EVP_Digest("sops", 4, sum, NULL, EVP_sha256(), NULL) != 1)
		m->bad = true;
	take(m, span_of(sum, sizeof(sum)));
}

int sops_mac(const struct sops_tree *t, char ret[SOPS_MAC])
{
	static const char digits[] = "0123456789ABCDEF";
	struct mac m = { .t = t, .md = EVP_MD_CTX_new() };
	uint8_t sum[SOPS_MAC / 2];
	struct span word;
	uint32_t root = sops_next(t, SOPS_ROOT, SOPS_ROOT);
	size_t i;

	if (!m.md || EVP_DigestInit_ex(m.md, EVP_sha512(), NULL) != 1)
		m.bad = true;
	m.encrypted_only = sops_meta_text(t, "mac_only_encrypted", &word) &&
			   (span_is(word, "True") || span_is(word, "true"));
	if (!m.bad && m.encrypted_only)
		begin_encrypted_only(&m);
	for (; !m.bad && root != SOPS_ROOT;
	     root = sops_next(t, SOPS_ROOT, root))
		take_children(&m, root);
	if (!m.bad && EVP_DigestFinal_ex(m.md, sum, NULL) != 1)
		m.bad = true;
	for (i = 0; !m.bad && i < sizeof(sum); i++) {
		ret[2 * i] = digits[sum[i] >> 4];
		ret[2 * i + 1] = digits[sum[i] & 15];
	}
	EVP_MD_CTX_free(m.md);
	return m.bad ? -EIO : 0;
}
