/* note: see note.h. */
#include "tlog/note.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/str.h"
#include "base/b64.h"
#include "tlog/tree.h"

enum {
	TYPE_ED25519 = 1,
	SIGNATURE = 64,
	SIG_MAX = 8 << 10, /* decoded; other people's keys may be larger */
};

const char *note_fault_name(enum note_fault f)
{
	static const char *const names[] = {
		[NOTE_OK] = "ok",
		[NOTE_MALFORMED] = "malformed",
		[NOTE_UNVERIFIED] = "unverified",
		[NOTE_BAD_SIGNATURE] = "bad-signature",
		[NOTE_AMBIGUOUS] = "ambiguous-key",
	};

	static_assert(ARRAY_SIZE(names) == NOTE_FAULT_MAX, "a name per fault");
	return f < NOTE_FAULT_MAX ? names[f] : "unknown";
}

/* Splits *rest at the first c: the part before it; false if there is no c. */
static bool split(struct span *rest, uint8_t c, struct span *ret)
{
	const uint8_t *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
	size_t n;

	if (!at)
		return false;
	n = (size_t)(at - rest->p);
	*ret = span_of(rest->p, n);
	*rest = span_of(at + 1, rest->n - n - 1);
	return true;
}

/* The Unicode spaces, in UTF-8, that a key's name must not hold. */
static bool has_space(struct span s)
{
	static const char *const spaces[] = {
		" ",
		"\t",
		"\n",
		"\v",
		"\f",
		"\r",
		"\xc2\x85",
		"\xc2\xa0",
		"\xe1\x9a\x80",
		"\xe2\x80\x80",
		"\xe2\x80\x81",
		"\xe2\x80\x82",
		"\xe2\x80\x83",
		"\xe2\x80\x84",
		"\xe2\x80\x85",
		"\xe2\x80\x86",
		"\xe2\x80\x87",
		"\xe2\x80\x88",
		"\xe2\x80\x89",
		"\xe2\x80\x8a",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xe2\x80\xaf",
		"\xe2\x81\x9f",
		"\xe3\x80\x80",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		if (memmem(s.p, s.n, spaces[i], strlen(spaces[i])))
			return true;
	return false;
}

static bool name_ok(struct span s)
{
	return s.n > 0 && !memchr(s.p, '+', s.n) && !has_space(s) &&
	       utf8_valid(s);
}

/* SHA-256(name, newline, type, public key), its first four bytes. */
static int key_id(const char *name, const uint8_t pub[NOTE_PUBLIC],
		  uint8_t ret[4])
{
	uint8_t tail[2 + NOTE_PUBLIC] = { '\n', TYPE_ED25519 };
	uint8_t hash[TLOG_HASH];

	memcpy(tail + 2, pub, NOTE_PUBLIC);
	if (hash_bytes(hash, span_str(name), span_of(tail, sizeof(tail))) < 0)
		return -1;
	memcpy(ret, hash, 4);
	return 0;
}

/* "NAME+ID+BASE64(type, 32 bytes)"; the bytes are a public key or a seed. */
static int key_fields(struct span text, struct note_vkey *ret,
		      uint8_t bytes[NOTE_PUBLIC])
{
	uint8_t raw[1 + NOTE_PUBLIC];
	struct span name, id;
	int n;

	if (!split(&text, '+', &name) || !split(&text, '+', &id) ||
	    !name_ok(name) || str_copy(ret->name, sizeof(ret->name), name) < 0)
		return -1;
	if (hex_decode(ret->id, sizeof(ret->id), id) < 0)
		return -1;
	n = b64_decode(raw, sizeof(raw), text);
	if (n == sizeof(raw))
		memcpy(bytes, raw + 1, NOTE_PUBLIC);
	if (n != sizeof(raw) || raw[0] != TYPE_ED25519)
		n = -1;
	OPENSSL_cleanse(raw, sizeof(raw));
	return n < 0 ? -1 : 0;
}

static int check_id(const struct note_vkey *k)
{
	uint8_t id[4];

	if (key_id(k->name, k->pub, id) < 0)
		return -1;
	return memcmp(id, k->id, sizeof(id)) == 0 ? 0 : -1;
}

int note_vkey_parse(struct span text, struct note_vkey *ret)
{
	struct note_vkey k = { 0 };

	if (key_fields(text, &k, k.pub) < 0 || check_id(&k) < 0)
		return -1;
	*ret = k;
	return 0;
}

static void key_text(char *dst, size_t cap, const char *prefix,
		     const struct note_vkey *k, const uint8_t bytes[32])
{
	uint8_t raw[1 + NOTE_PUBLIC] = { TYPE_ED25519 };
	char b64[B64_LEN(sizeof(raw)) + 1];
	char id[9];

	memcpy(raw + 1, bytes, NOTE_PUBLIC);
	b64_encode(b64, span_of(raw, sizeof(raw)));
	hex_encode(id, k->id, sizeof(k->id));
	(void)str_printf(dst, cap, "%s%s+%s+%s", prefix, k->name, id, b64);
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse(b64, sizeof(b64));
}

void note_vkey_format(const struct note_vkey *k, char dst[NOTE_VKEY_MAX])
{
	key_text(dst, NOTE_VKEY_MAX, "", k, k->pub);
}

/* The key pair of a 32-byte seed. */
static int load_seed(struct note_key *k, const uint8_t seed[32])
{
	size_t n = NOTE_PUBLIC;

	k->pkey =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	if (!k->pkey ||
	    EVP_PKEY_get_raw_public_key(k->pkey, k->vkey.pub, &n) != 1 ||
	    n != NOTE_PUBLIC) {
		note_key_done(k);
		return -1;
	}
	return 0;
}

/* PREFIX/HEX, by the public half. */
static int name_key(const char *prefix, struct note_key *k)
{
	uint8_t hash[TLOG_HASH];
	char hex[9];

	if (hash_bytes(hash, span_of(k->vkey.pub, NOTE_PUBLIC),
		       span_of(NULL, 0)) < 0)
		return -EIO;
	hex_encode(hex, hash, 4);
	return str_printf(k->vkey.name, sizeof(k->vkey.name), "%s/%s", prefix,
			  hex) < 0
		       ? -EIO
		       : 0;
}

static int new_key(const char *prefix, const char *name, struct note_key *ret,
		   char text[NOTE_KEY_MAX])
{
	struct note_key k = { 0 };
	uint8_t seed[32] = { 0 };
	int r = 0;

	if (RAND_bytes(seed, 32) != 1 || load_seed(&k, seed) < 0)
		r = -EIO;
	if (r == 0)
		r = name ? str_copy(k.vkey.name, sizeof(k.vkey.name),
				    span_str(name))
			 : name_key(prefix, &k);
	if (r >= 0)
		r = key_id(k.vkey.name, k.vkey.pub, k.vkey.id);
	if (r == 0) {
		key_text(text, NOTE_KEY_MAX, "PRIVATE+KEY+", &k.vkey, seed);
		*ret = k;
	} else {
		note_key_done(&k);
	}
	OPENSSL_cleanse(seed, sizeof(seed));
	return r < 0 ? -EIO : 0;
}

int note_key_new(const char *prefix, struct note_key *ret,
		 char text[NOTE_KEY_MAX])
{
	return new_key(prefix, NULL, ret, text);
}

int note_key_named(const char *name, struct note_key *ret,
		   char text[NOTE_KEY_MAX])
{
	return new_key(NULL, name, ret, text);
}

int note_key_parse(struct span text, struct note_key *ret)
{
	static const char prefix[] = "PRIVATE+KEY+";
	const size_t skip = sizeof(prefix) - 1;
	struct note_key k = { 0 };
	uint8_t seed[32] = { 0 };
	int r = -1;

	if (text.n < skip || memcmp(text.p, prefix, skip) != 0)
		return -1;
	text = span_of(text.p + skip, text.n - skip);
	if (key_fields(text, &k.vkey, seed) == 0)
		r = load_seed(&k, seed);
	OPENSSL_cleanse(seed, sizeof(seed));
	if (r == 0 && check_id(&k.vkey) < 0) {
		note_key_done(&k);
		r = -1;
	}
	if (r == 0)
		*ret = k;
	return r;
}

void note_key_done(struct note_key *k)
{
	EVP_PKEY_free(k->pkey);
	*k = (struct note_key){ 0 };
}

static void free_md_ctx(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

#define CLEAN_MD_CTX __attribute__((cleanup(free_md_ctx)))

int note_sign(struct buf *b, struct span text, const struct note_key *k)
{
	CLEAN_MD_CTX EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[4 + SIGNATURE];
	char b64[B64_LEN(sizeof(raw)) + 1];
	size_t n = SIGNATURE;

	memcpy(raw, k->vkey.id, 4);
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, raw + 4, &n, text.p, text.n) != 1 ||
	    n != SIGNATURE)
		return -EIO;
	b64_encode(b64, span_of(raw, sizeof(raw)));
	buf_span(b, text);
	buf_printf(b, "\n\u2014 %s %s\n", k->vkey.name, b64);
	return buf_ok(b) ? 0 : -EIO;
}

static void free_pkey(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static bool signature_holds(const struct note_vkey *k, struct span text,
			    struct span sig)
{
	__attribute__((cleanup(free_pkey))) EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->pub,
					    NOTE_PUBLIC);
	CLEAN_MD_CTX EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return sig.n == SIGNATURE && pkey && ctx &&
	       EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(ctx, sig.p, sig.n, text.p, text.n) == 1;
}

/* Valid UTF-8, no control character but newline, a newline at the end. */
static bool note_text_ok(struct span s)
{
	size_t i;

	if (s.n == 0 || s.n > NOTE_MAX || s.p[s.n - 1] != '\n')
		return false;
	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 && s.p[i] != '\n')
			return false;
	return utf8_valid(s);
}

/* The text before the last empty line, and the signature lines after it. */
static bool note_split(struct span note, struct span *text, struct span *sigs)
{
	size_t i;

	if (!note_text_ok(note))
		return false;
	for (i = note.n - 1; i > 0; i--)
		if (note.p[i] == '\n' && note.p[i - 1] == '\n')
			break;
	if (i == 0 || i + 1 == note.n)
		return false;
	*text = span_of(note.p, i);
	*sigs = span_of(note.p + i + 1, note.n - i - 1);
	return true;
}

struct sig_line {
	struct span name;
	uint8_t raw[SIG_MAX]; /* key id, signature */
	size_t n;
};

static bool sig_parse(struct span line, struct sig_line *ret)
{
	static const char dash[] = "\u2014 ";
	const size_t skip = sizeof(dash) - 1;
	int n;

	if (line.n < skip || memcmp(line.p, dash, skip) != 0)
		return false;
	line = span_of(line.p + skip, line.n - skip);
	if (!split(&line, ' ', &ret->name) || !name_ok(ret->name))
		return false;
	n = b64_decode(ret->raw, sizeof(ret->raw), line);
	ret->n = n < 0 ? 0 : (size_t)n;
	return n > 4;
}

/* Judges one signature; *verified is set when a known key's holds. */
static enum note_fault sig_check(const struct sig_line *s, struct span text,
				 const struct note_vkey *keys, size_t n_keys,
				 bool *verified)
{
	const struct note_vkey *k = NULL;
	size_t i;

	for (i = 0; keys && i < n_keys; i++) {
		if (!span_is(s->name, keys[i].name) ||
		    memcmp(s->raw, keys[i].id, 4) != 0)
			continue;
		if (k)
			return NOTE_AMBIGUOUS;
		k = &keys[i];
	}
	if (!k)
		return NOTE_OK;
	if (!signature_holds(k, text, span_of(s->raw + 4, s->n - 4)))
		return NOTE_BAD_SIGNATURE;
	*verified = true;
	return NOTE_OK;
}

enum note_fault note_open(struct span note, const struct note_vkey *keys,
			  size_t n_keys, struct span *text)
{
	enum note_fault worst = NOTE_OK;
	struct span body, sigs, line;
	bool verified = false;
	size_t n = 0;

	if (!note_split(note, &body, &sigs))
		return NOTE_MALFORMED;
	while (split(&sigs, '\n', &line)) {
		enum note_fault f;
		struct sig_line s;

		if (++n > NOTE_SIGNATURES || !sig_parse(line, &s))
			return NOTE_MALFORMED;
		f = sig_check(&s, body, keys, n_keys, &verified);
		if (worst == NOTE_OK)
			worst = f;
	}
	if (worst != NOTE_OK)
		return worst;
	if (!verified)
		return NOTE_UNVERIFIED;
	*text = body;
	return NOTE_OK;
}

void checkpoint_format(struct buf *b, const struct checkpoint *c)
{
	char root[B64_LEN(TLOG_HASH) + 1];

	b64_encode(root, span_of(c->root, TLOG_HASH));
	buf_span(b, c->origin);
	buf_printf(b, "\n%llu\n%s\n", (unsigned long long)c->size, root);
}

int checkpoint_parse(struct span text, struct checkpoint *ret)
{
	struct span origin, size, root, extension;
	struct checkpoint c;

	if (!split(&text, '\n', &origin) || !split(&text, '\n', &size) ||
	    !split(&text, '\n', &root) || origin.n == 0)
		return -1;
	if (num_parse(size, 0, INT64_MAX, &c.size) < 0 ||
	    b64_decode(c.root, TLOG_HASH, root) != TLOG_HASH)
		return -1;
	/* Opaque lines may follow; none of them may be empty. */
	while (split(&text, '\n', &extension))
		if (extension.n == 0)
			return -1;
	if (text.n != 0)
		return -1;
	c.origin = origin;
	*ret = c;
	return 0;
}
