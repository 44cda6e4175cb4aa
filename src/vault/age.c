/* age: see age.h. The primitives are libcrypto's. */
#include "age.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "armor.h"
#include "base/b64.h"
#include "base/str.h"
#include "bech32.h"
#include "prim.h"

enum {
	FILE_KEY = 16,
	WRAPPED = FILE_KEY + PRIM_TAG,
	BODY_MAX = 4096, /* of a stanza, decoded; what we know has 32 */
	ARGS_MAX = 16,
	COLUMNS = 64,
	NONCE = 16,
	CHUNK = 64 << 10,
	SALT = 16,
};

static const char version_line[] = "age-encryption.org/v1\n";
static const char x25519_info[] = "age-encryption.org/v1/X25519";
static const char scrypt_salt[] = "age-encryption.org/v1/scrypt";

struct stanza {
	struct span args[ARGS_MAX]; /* borrowed, the first is its type */
	size_t n;
	uint8_t body[BODY_MAX];
	size_t body_n;
};

struct header {
	struct span bytes; /* up to and with "---" */
	uint8_t mac[32];
	size_t n;
	struct stanza stanzas[AGE_STANZAS];
	struct span rest; /* behind it */
};

const char *age_result_text(enum age_result r)
{
	static const char *const texts[] = {
		[AGE_OK] = "opened",
		[AGE_HEADER] = "it is not an age file (header)",
		[AGE_NO_MATCH] = "it is encrypted for another key: name the "
				 "identity that it is for",
		[AGE_HMAC] = "its header was changed after it was written: "
			     "restore it from a backup",
		[AGE_PAYLOAD] = "its content was changed after it was written, "
				"or cut off: restore it from a backup",
		[AGE_ARMOR] = "its armor is damaged: restore it from a backup",
		[AGE_HYBRID] = "it is encrypted for a hybrid (mlkem768x25519) "
			       "key alone, which this version does not read: "
			       "encrypt it for an X25519 key",
		[AGE_ROOM] = "it is too large, or memory is short",
	};

	static_assert(ARRAY_SIZE(texts) == AGE_RESULT_MAX, "a text each");
	return (unsigned)r < AGE_RESULT_MAX ? texts[r] : "unknown";
}

/* The header, line by line: each has its LF, and no other blank than ' '. */

static bool take_line(struct span *s, struct span *line)
{
	const uint8_t *end = s->n ? memchr(s->p, '\n', s->n) : NULL;

	if (!end || end - s->p > AGE_HEADER_MAX)
		return false;
	*line = span_of(s->p, (size_t)(end - s->p));
	*s = span_of(end + 1, s->n - line->n - 1);
	return true;
}

/* "-> type arg arg": words of printable ASCII, one space between. */
static bool parse_args(struct stanza *st, struct span line)
{
	size_t at = 3, begin;

	if (line.n < 4 || memcmp(line.p, "-> ", 3) != 0)
		return false;
	while (at <= line.n) {
		for (begin = at; at < line.n && line.p[at] != ' '; at++)
			if (line.p[at] < 33 || line.p[at] > 126)
				return false;
		if (at == begin || st->n == ARGS_MAX)
			return false;
		st->args[st->n++] = span_of(line.p + begin, at - begin);
		at++;
	}
	return true;
}

/* Full lines, and a last one that is not: empty, where the body fills them. */
static bool parse_body(struct stanza *st, struct span *s)
{
	struct span line;
	int n;

	do {
		if (!take_line(s, &line) || line.n > COLUMNS)
			return false;
		n = b64_decode_bare(st->body + st->body_n,
				    BODY_MAX - st->body_n, line);
		if (n < 0)
			return false;
		st->body_n += (size_t)n;
	} while (line.n == COLUMNS);
	return true;
}

/* "--- mac" */
static bool parse_mac(struct header *h, struct span file, struct span line)
{
	h->bytes = span_of(file.p, (size_t)(line.p - file.p) + 3);
	return line.n == 4 + 43 && line.p[3] == ' ' &&
	       b64_decode_bare(h->mac, sizeof(h->mac),
			       span_of(line.p + 4, line.n - 4)) == 32;
}

static bool begins_with_version(struct span file)
{
	const size_t n = sizeof(version_line) - 1;

	return file.n >= n && memcmp(file.p, version_line, n) == 0;
}

static bool parse_header(struct header *h, struct span file)
{
	const size_t skip = sizeof(version_line) - 1;
	struct span s, line;

	if (!begins_with_version(file))
		return false;
	s = span_of(file.p + skip, file.n - skip);
	for (;;) {
		if (!take_line(&s, &line) || line.p - file.p > AGE_HEADER_MAX ||
		    line.n < 3)
			return false;
		if (memcmp(line.p, "---", 3) == 0)
			break;
		if (h->n == AGE_STANZAS)
			return false;
		h->stanzas[h->n] = (struct stanza){ .n = 0 };
		if (!parse_args(&h->stanzas[h->n], line) ||
		    !parse_body(&h->stanzas[h->n], &s))
			return false;
		h->n++;
	}
	h->rest = s;
	return h->n && parse_mac(h, file, line);
}

/* One stanza's file key, by one key of ours. */

static enum age_result x25519_wrap_key(uint8_t key[32],
				       const uint8_t shared[32],
				       const uint8_t share[32],
				       const uint8_t public[32])
{
	uint8_t salt[64];

	memcpy(salt, share, 32);
	memcpy(salt + 32, public, 32);
	return prim_hkdf(key, span_of(shared, 32), span_of(salt, 64),
			 span_str(x25519_info)) < 0
		       ? AGE_ROOM
		       : AGE_OK;
}

static const uint8_t zero_nonce[PRIM_NONCE];

static enum age_result open_x25519(uint8_t key[FILE_KEY],
				   const struct stanza *st,
				   const struct age_identity *id)
{
	uint8_t share[32], shared[32], wrap[32];
	enum age_result r = AGE_HEADER;

	if (st->n != 2 || st->body_n != WRAPPED ||
	    b64_decode_bare(share, sizeof(share), st->args[1]) != 32)
		return AGE_HEADER;
	/* One of low order gives no secret. */
	if (prim_x25519(shared, id->secret, share) == 0) {
		r = x25519_wrap_key(wrap, shared, share, id->public);
		if (r == AGE_OK && prim_open(key, wrap, zero_nonce,
					     span_of(st->body, WRAPPED)) < 0)
			r = AGE_NO_MATCH;
	}
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(wrap, sizeof(wrap));
	return r;
}

static int scrypt_key(uint8_t key[32], struct span passphrase,
		      const uint8_t salt[SALT], unsigned work)
{
	const size_t skip = sizeof(scrypt_salt) - 1;
	uint8_t all[sizeof(scrypt_salt) - 1 + SALT];

	memcpy(all, scrypt_salt, skip);
	memcpy(all + skip, salt, SALT);
	return prim_scrypt(key, passphrase, span_of(all, sizeof(all)), work);
}

static enum age_result open_scrypt(uint8_t key[FILE_KEY],
				   const struct stanza *st,
				   struct span passphrase)
{
	uint8_t salt[SALT], wrap[32];
	enum age_result r = AGE_OK;
	uint64_t work;

	if (st->n != 3 || st->body_n != WRAPPED ||
	    b64_decode_bare(salt, sizeof(salt), st->args[1]) != SALT ||
	    num_parse(st->args[2], 1, AGE_WORK_MAX, &work) < 0)
		return AGE_HEADER;
	if (!passphrase.n)
		return AGE_NO_MATCH;
	if (scrypt_key(wrap, passphrase, salt, (unsigned)work) < 0)
		return AGE_ROOM;
	if (prim_open(key, wrap, zero_nonce, span_of(st->body, WRAPPED)) < 0)
		r = AGE_NO_MATCH;
	OPENSSL_cleanse(wrap, sizeof(wrap));
	return r;
}

static enum age_result open_stanza(uint8_t key[FILE_KEY],
				   const struct header *h, size_t i,
				   const struct age_keys *keys)
{
	const struct stanza *st = &h->stanzas[i];
	enum age_result r = AGE_NO_MATCH;
	size_t k;

	/* A passphrase is for one file and nobody else. */
	if (span_is(st->args[0], "scrypt"))
		return h->n > 1 ? AGE_HEADER
				: open_scrypt(key, st, keys->passphrase);
	if (!span_is(st->args[0], "X25519"))
		return AGE_NO_MATCH;
	for (k = 0; k < keys->n && r == AGE_NO_MATCH; k++)
		r = open_x25519(key, st, &keys->identities[k]);
	return r;
}

/* A file with a passphrase has one stanza; whatever fails ends the search. */
static enum age_result open_header(uint8_t key[FILE_KEY],
				   const struct header *h,
				   const struct age_keys *keys)
{
	enum age_result r = AGE_NO_MATCH;
	bool hybrid = false;
	uint8_t mac_key[32], mac[32];
	size_t i;

	for (i = 0; i < h->n && r == AGE_NO_MATCH; i++) {
		hybrid |= span_is(h->stanzas[i].args[0], "mlkem768x25519");
		r = open_stanza(key, h, i, keys);
	}
	/* Keys behind the one that fits are looked at for their form alone. */
	for (i = 0; i < h->n; i++)
		if (h->n > 1 && span_is(h->stanzas[i].args[0], "scrypt"))
			return AGE_HEADER;
	if (r == AGE_NO_MATCH && hybrid)
		return AGE_HYBRID;
	if (r != AGE_OK)
		return r;
	if (prim_hkdf(mac_key, span_of(key, FILE_KEY), SPAN_LIT(""),
		      SPAN_LIT("header")) < 0 ||
	    prim_hmac(mac, mac_key, h->bytes) < 0)
		r = AGE_ROOM;
	else if (CRYPTO_memcmp(mac, h->mac, sizeof(mac)) != 0)
		r = AGE_HMAC;
	OPENSSL_cleanse(mac_key, sizeof(mac_key));
	return r;
}

/* The payload: chunks of 64 KiB, each with its number; the last says so. */

static void chunk_nonce(uint8_t nonce[PRIM_NONCE], uint64_t number, bool last)
{
	int i;

	memset(nonce, 0, PRIM_NONCE);
	for (i = 0; i < 8; i++)
		nonce[PRIM_NONCE - 2 - i] = (uint8_t)(number >> (8 * i));
	nonce[PRIM_NONCE - 1] = last;
}

static enum age_result open_payload(uint8_t *dst, const uint8_t key[32],
				    struct span s)
{
	uint8_t nonce[PRIM_NONCE];
	uint64_t number;

	for (number = 0;; number++) {
		bool last = s.n <= CHUNK + PRIM_TAG;
		size_t n = last ? s.n : CHUNK + PRIM_TAG;

		/* Only a file with nothing in it has an empty last chunk. */
		if (n < PRIM_TAG || (n == PRIM_TAG && number))
			return AGE_PAYLOAD;
		chunk_nonce(nonce, number, last);
		if (prim_open(dst, key, nonce, span_of(s.p, n)) < 0)
			return AGE_PAYLOAD;
		dst += n - PRIM_TAG;
		s = span_of(s.p + n, s.n - n);
		if (last)
			return AGE_OK;
	}
}

static size_t chunks_of(size_t n)
{
	return n ? (n + CHUNK - 1) / CHUNK : 1;
}

static enum age_result open_content(const uint8_t file_key[FILE_KEY],
				    struct span rest, uint8_t **content,
				    size_t *n)
{
	enum age_result r;
	uint8_t key[32];
	size_t chunks;

	if (rest.n < NONCE)
		return AGE_HEADER;
	if (prim_hkdf(key, span_of(file_key, FILE_KEY), span_of(rest.p, NONCE),
		      SPAN_LIT("payload")) < 0)
		return AGE_ROOM;
	rest = span_of(rest.p + NONCE, rest.n - NONCE);
	chunks = (rest.n + CHUNK + PRIM_TAG - 1) / (CHUNK + PRIM_TAG);
	if (rest.n < PRIM_TAG * chunks || !chunks)
		return AGE_PAYLOAD;
	*n = rest.n - PRIM_TAG * chunks;
	*content = OPENSSL_secure_malloc(*n ? *n : 1);
	r = *content ? open_payload(*content, key, rest) : AGE_ROOM;
	OPENSSL_cleanse(key, sizeof(key));
	if (r != AGE_OK) {
		age_free(*content, *n);
		*content = NULL;
		*n = 0;
	}
	return r;
}

void age_free(uint8_t *content, size_t n)
{
	OPENSSL_secure_clear_free(content, n);
}

static enum age_result open_binary(struct span file,
				   const struct age_keys *keys,
				   uint8_t **content, size_t *n)
{
	struct header *h = OPENSSL_zalloc(sizeof(*h));
	uint8_t key[FILE_KEY];
	enum age_result r = AGE_ROOM;

	if (h)
		r = parse_header(h, file) ? open_header(key, h, keys)
					  : AGE_HEADER;
	if (r == AGE_OK)
		r = open_content(key, h->rest, content, n);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_free(h);
	return r;
}

enum age_result age_open(struct span file, const struct age_keys *keys,
			 uint8_t **content, size_t *n)
{
	CLEAN_BUF struct buf bytes;

	*content = NULL;
	*n = 0;
	buf_init(&bytes, AGE_FILE_MAX);
	if (file.n > AGE_FILE_MAX)
		return AGE_ROOM;
	/* A binary file may have the armor's first line in its content. */
	if (begins_with_version(file) || !armor_is(file))
		return open_binary(file, keys, content, n);
	if (armor_decode(&bytes, file) < 0)
		return AGE_ARMOR;
	return open_binary(buf_view(&bytes), keys, content, n);
}

/* Writing. */

static void put_stanza(struct buf *b, const uint8_t body[WRAPPED])
{
	buf_u8(b, '\n');
	b64_put(b, span_of(body, WRAPPED), true);
	buf_u8(b, '\n');
}

static int seal_x25519(struct buf *b, const uint8_t key[FILE_KEY],
		       const struct age_recipient *to)
{
	uint8_t shared[32], wrap[32], body[WRAPPED];
	struct age_identity once;
	int r = age_generate(&once);

	if (r == 0 && prim_x25519(shared, once.secret, to->public) < 0)
		r = -EINVAL;
	if (r == 0 &&
	    (x25519_wrap_key(wrap, shared, once.public, to->public) != AGE_OK ||
	     prim_seal(body, wrap, zero_nonce, span_of(key, FILE_KEY)) < 0))
		r = -EIO;
	if (r == 0) {
		buf_str(b, "-> X25519 ");
		b64_put(b, span_of(once.public, 32), true);
		put_stanza(b, body);
	}
	OPENSSL_cleanse(&once, sizeof(once));
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(wrap, sizeof(wrap));
	return r;
}

static int seal_scrypt(struct buf *b, const uint8_t key[FILE_KEY],
		       struct span passphrase)
{
	uint8_t salt[SALT], wrap[32], body[WRAPPED];
	int r = 0;

	if (RAND_bytes(salt, SALT) != 1 ||
	    scrypt_key(wrap, passphrase, salt, AGE_WORK) < 0 ||
	    prim_seal(body, wrap, zero_nonce, span_of(key, FILE_KEY)) < 0)
		r = -EIO;
	if (r == 0) {
		buf_str(b, "-> scrypt ");
		b64_put(b, span_of(salt, SALT), true);
		buf_printf(b, " %d", AGE_WORK);
		put_stanza(b, body);
	}
	OPENSSL_cleanse(wrap, sizeof(wrap));
	return r;
}

static int seal_mac(struct buf *b, const uint8_t file_key[FILE_KEY])
{
	uint8_t key[32], mac[32];
	int r;

	buf_str(b, "---");
	if (!buf_ok(b))
		return -ENOMEM;
	r = prim_hkdf(key, span_of(file_key, FILE_KEY), SPAN_LIT(""),
		      SPAN_LIT("header"));
	if (r == 0)
		r = prim_hmac(mac, key, buf_view(b));
	OPENSSL_cleanse(key, sizeof(key));
	if (r < 0)
		return -EIO;
	buf_u8(b, ' ');
	b64_put(b, span_of(mac, sizeof(mac)), true);
	buf_u8(b, '\n');
	return 0;
}

static int seal_payload(struct buf *b, const uint8_t file_key[FILE_KEY],
			struct span s)
{
	uint8_t nonce[NONCE], chunk[PRIM_NONCE], key[32];
	size_t chunks = chunks_of(s.n), i, n;
	uint8_t *dst;
	int r = 0;

	if (RAND_bytes(nonce, NONCE) != 1 ||
	    prim_hkdf(key, span_of(file_key, FILE_KEY), span_of(nonce, NONCE),
		      SPAN_LIT("payload")) < 0)
		return -EIO;
	buf_put(b, nonce, NONCE);
	for (i = 0; i < chunks && r == 0; i++) {
		n = s.n < CHUNK ? s.n : CHUNK;
		dst = buf_extend(b, n + PRIM_TAG);
		chunk_nonce(chunk, i, i + 1 == chunks);
		if (!dst)
			r = -ENOMEM;
		else if (prim_seal(dst, key, chunk, span_of(s.p, n)) < 0)
			r = -EIO;
		s = span_of(s.p + n, s.n - n);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return r;
}

static int seal_binary(struct buf *b, const struct age_recipient *to, size_t n,
		       struct span passphrase, struct span content)
{
	uint8_t key[FILE_KEY];
	size_t i;
	int r = RAND_priv_bytes(key, FILE_KEY) == 1 ? 0 : -EIO;

	buf_str(b, version_line);
	if (r == 0 && !n)
		r = seal_scrypt(b, key, passphrase);
	for (i = 0; i < n && r == 0; i++)
		r = seal_x25519(b, key, &to[i]);
	if (r == 0)
		r = seal_mac(b, key);
	if (r == 0)
		r = seal_payload(b, key, content);
	OPENSSL_cleanse(key, sizeof(key));
	return r == 0 && !buf_ok(b) ? -ENOMEM : r;
}

int age_seal(struct buf *ret, const struct age_recipient *to, size_t n,
	     struct span passphrase, bool armored, struct span content)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, AGE_FILE_MAX);
	if (n > AGE_KEYS || (n == 0) == (passphrase.n == 0))
		return -EINVAL;
	r = seal_binary(&b, to, n, passphrase, content);
	if (r == 0 && armored)
		armor_encode(ret, buf_view(&b));
	else if (r == 0)
		buf_span(ret, buf_view(&b));
	return r == 0 && !buf_ok(ret) ? -ENOMEM : r;
}

/* Keys. */

int age_generate(struct age_identity *ret)
{
	return RAND_priv_bytes(ret->secret, sizeof(ret->secret)) == 1 &&
			       prim_public(ret->public, ret->secret) == 0
		       ? 0
		       : -EIO;
}

static bool is_case(struct span s, int (*one)(int))
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (isalpha(s.p[i]) && !one(s.p[i]))
			return false;
	return true;
}

int age_identity_parse(struct age_identity *ret, struct span text)
{
	uint8_t data[BECH32_DATA_MAX];
	int r = -1;

	if (is_case(text, isupper) &&
	    bech32_decode(data, "age-secret-key-", text) ==
		    (ssize_t)sizeof(ret->secret)) {
		memcpy(ret->secret, data, sizeof(ret->secret));
		r = prim_public(ret->public, ret->secret);
	}
	OPENSSL_cleanse(data, sizeof(data));
	return r;
}

void age_identity_text(char ret[AGE_KEY_TEXT], const struct age_identity *k)
{
	char text[BECH32_TEXT_MAX];
	size_t i;

	/* 15 characters of its name, 1, 52 of the key, 6 of the sum */
	if (bech32_encode(text, "age-secret-key-", k->secret,
			  sizeof(k->secret)) < 0)
		text[0] = 0;
	for (i = 0; i + 1 < AGE_KEY_TEXT && text[i]; i++)
		ret[i] = (char)toupper((unsigned char)text[i]);
	ret[i] = 0;
	OPENSSL_cleanse(text, sizeof(text));
}

int age_recipient_parse(struct age_recipient *ret, struct span text)
{
	uint8_t data[BECH32_DATA_MAX];

	if (!is_case(text, islower) ||
	    bech32_decode(data, "age", text) != (ssize_t)sizeof(ret->public))
		return -1;
	memcpy(ret->public, data, sizeof(ret->public));
	return 0;
}

void age_recipient_text(char ret[AGE_KEY_TEXT], const uint8_t public[32])
{
	char text[BECH32_TEXT_MAX];

	if (bech32_encode(text, "age", public, 32) < 0)
		text[0] = 0;
	(void)str_copy(ret, AGE_KEY_TEXT, span_str(text));
}

const char *age_key_why(struct span text)
{
	static const char pq_identity[] = "AGE-SECRET-KEY-PQ-1";
	static const char pq_recipient[] = "age1pq1";
	static const char plugin[] = "AGE-PLUGIN-";

	if ((text.n >= sizeof(pq_identity) - 1 &&
	     !memcmp(text.p, pq_identity, sizeof(pq_identity) - 1)) ||
	    (text.n >= sizeof(pq_recipient) - 1 &&
	     !memcmp(text.p, pq_recipient, sizeof(pq_recipient) - 1)))
		return "a hybrid (ML-KEM) key, which this version does not "
		       "read: use an X25519 key";
	if (text.n >= sizeof(plugin) - 1 &&
	    !memcmp(text.p, plugin, sizeof(plugin) - 1))
		return "a plugin's key: no program is run for keys, use an "
		       "X25519 key";
	if (text.n >= 4 && !memcmp(text.p, "ssh-", 4))
		return "an SSH key: use an age key (age1...)";
	return "no age key: AGE-SECRET-KEY-1... in an identities file, "
	       "age1... as a recipient";
}

int age_identities(struct age_identity ret[AGE_KEYS], struct span file,
		   size_t *line)
{
	size_t at = 0, end, number = 0;
	int n = 0;

	*line = 0;
	for (; at < file.n; at = end + 1) {
		struct span s;

		for (end = at; end < file.n && file.p[end] != '\n'; end++)
			;
		number++;
		s = span_of(file.p + at, end - at);
		if (s.n && s.p[s.n - 1] == '\r')
			s.n--;
		if (!s.n || s.p[0] == '#')
			continue;
		if (n == AGE_KEYS)
			return -1;
		if (age_identity_parse(&ret[n], s) < 0) {
			*line = number;
			return -1;
		}
		n++;
	}
	return n ? n : -1;
}
