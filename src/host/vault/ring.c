/* ring: see ring.h. #syscalls:vault pread64 */
#include "ring.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "vault/sops.h"

enum {
	LOCKED = 4 << 20, /* bytes of locked memory, a power of two */
	BLOCK = 64,	  /* the least of them that is given out */
	IDENTITY_FILE_MAX = 16 << 10,
	PASSPHRASE_MAX = 1024,
};

/* A file of sops, made and read. */
static bool try_sops(const struct age_recipient *to,
		     const struct age_keys *keys)
{
	struct err err = { 0 };
	struct sops *made = sops_new(SOPS_YAML, to, 1, &err), *read = NULL;
	struct buf file;
	bool ok;

	buf_init(&file, 64 << 10);
	if (made && sops_save(made, secrets_empty(), &file, &err) == 0)
		read = sops_open(buf_view(&file), keys, &err);
	ok = read;
	sops_free(made);
	sops_free(read);
	buf_done(&file);
	return ok;
}

void ring_prepare(void)
{
	static const char once[] = "bulkhead";
	struct age_recipient to;
	struct age_identity id;
	struct age_keys keys = { &id, 1, { NULL, 0 } };
	struct buf sealed;
	uint8_t *content;
	size_t n;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		die("libcrypto cannot start");
	/* 2: it is there, but not all of it is locked (RLIMIT_MEMLOCK): it
	 * still is in no core and is wiped. */
	if (CRYPTO_secure_malloc_init(LOCKED, BLOCK) == 0)
		die("no memory for secrets");
	buf_init(&sealed, 4096);
	if (age_generate(&id) < 0)
		die("libcrypto has no X25519");
	memcpy(to.public, id.public, sizeof(to.public));
	if (age_seal(&sealed, &to, 1, SPAN_LIT(""), false, span_str(once)) <
		    0 ||
	    age_open(buf_view(&sealed), &keys, &content, &n) != AGE_OK ||
	    !try_sops(&to, &keys))
		die("libcrypto does not do what it should");
	age_free(content, n);
	buf_done(&sealed);
	OPENSSL_cleanse(&id, sizeof(id));
}

/* All of a file into locked memory. *n bytes, NULL: why. */
static uint8_t *read_locked(int fd, size_t max, size_t *n, const char **why)
{
	uint8_t *p = OPENSSL_secure_malloc(max + 1);
	ssize_t got = p ? fd_pread_all(fd, p, max + 1, 0) : -ENOMEM;

	*why = !p		   ? "memory is short"
	       : got < 0	   ? "it cannot be read"
	       : (size_t)got > max ? "it is too large"
				   : NULL;
	if (!*why) {
		*n = (size_t)got;
		return p;
	}
	OPENSSL_secure_clear_free(p, max + 1);
	return NULL;
}

const char *ring_identity(struct ring *r, int fd)
{
	const size_t room = AGE_KEYS * sizeof(*r->identities);
	const char *why;
	size_t n, line;
	uint8_t *text;
	int keys;

	if (r->identities)
		return "there is an identity already";
	text = read_locked(fd, IDENTITY_FILE_MAX, &n, &why);
	if (!text)
		return why;
	r->identities = OPENSSL_secure_malloc(room);
	keys = r->identities
		       ? age_identities(r->identities, span_of(text, n), &line)
		       : -1;
	OPENSSL_secure_clear_free(text, IDENTITY_FILE_MAX + 1);
	if (keys > 0) {
		r->n_identities = (size_t)keys;
		return NULL;
	}
	OPENSSL_secure_clear_free(r->identities, room);
	r->identities = NULL;
	return "it is no identities file of age (AGE-SECRET-KEY-1..., a line "
	       "each): `bulkhead vault check` says where";
}

const char *ring_passphrase(struct ring *r, int fd)
{
	const char *why;
	size_t n;

	if (r->passphrase)
		return "there is a passphrase already";
	r->passphrase = read_locked(fd, PASSPHRASE_MAX, &n, &why);
	if (!r->passphrase)
		return why;
	r->passphrase_n = n;
	return n ? NULL : "it is empty";
}

static const char *open_sops(struct ring *r, struct span sealed,
			     const struct age_keys *keys, struct ring_file *f)
{
	struct sops *s = sops_open(sealed, keys, &r->err);

	if (!s)
		return r->err.msg;
	f->text = sops_take_secrets(s, &f->n);
	sops_free(s);
	return NULL;
}

static const char *open_age(struct span sealed, const struct age_keys *keys,
			    struct ring_file *f)
{
	const enum age_result result = age_open(sealed, keys, &f->text, &f->n);

	return result == AGE_OK ? NULL : age_result_text(result);
}

static const char *open_file(struct ring *r, struct span sealed)
{
	const struct age_keys keys = { r->identities, r->n_identities,
				       span_of(r->passphrase,
					       r->passphrase_n) };
	struct ring_file *f = &r->files[r->n_files];
	const char *why = sops_sniff(sealed) == SOPS_NONE
				  ? open_age(sealed, &keys, f)
				  : open_sops(r, sealed, &keys, f);

	if (why)
		return why;
	why = secrets_parse(&f->secrets, span_of(f->text, f->n));
	if (why) {
		age_free(f->text, f->n);
		*f = (struct ring_file){ 0 };
		return why;
	}
	r->n_files++;
	return NULL;
}

const char *ring_secrets(struct ring *r, int fd)
{
	CLEAN_BUF struct buf file;
	uint8_t *p;
	ssize_t n;

	buf_init(&file, RING_FILE_MAX + 1);
	p = buf_extend(&file, RING_FILE_MAX + 1);
	if (r->n_files == RING_FILES)
		return "there are more files than 8";
	if (!p)
		return "memory is short";
	n = fd_pread_all(fd, p, RING_FILE_MAX + 1, 0);
	if (n < 0)
		return "it cannot be read";
	if (n > RING_FILE_MAX)
		return "it is larger than 1 MiB";
	return open_file(r, span_of(p, (size_t)n));
}

/* Of one that does not say for whom it is: whose it has become. */
static const char *bind(struct ring *r, const char *name, const char *connector,
			struct span hosts)
{
	struct ring_bound *b;
	size_t i;

	for (i = 0; i < r->n_bound; i++) {
		b = &r->bound[i];
		if (strcmp(b->name, name) != 0)
			continue;
		return !strcmp(b->connector, connector) &&
				       span_is(hosts, b->hosts)
			       ? NULL
			       : "it was given to another connector, or for "
				 "other hosts: have each its own, or say with "
				 "`bulkhead vault set --connector` for whom it "
				 "is";
	}
	if (r->n_bound == RING_BOUND)
		return "too many secrets do not say for whom they are";
	b = &r->bound[r->n_bound];
	if (str_copy(b->name, sizeof(b->name), span_str(name)) < 0 ||
	    str_copy(b->connector, sizeof(b->connector), span_str(connector)) <
		    0 ||
	    str_copy(b->hosts, sizeof(b->hosts), hosts) < 0)
		return "a name is too long";
	r->n_bound++;
	return NULL;
}

static const char *find(const struct ring *r, const char *name,
			struct secret_row *row)
{
	bool found = false;
	size_t i;

	for (i = 0; i < r->n_files; i++) {
		struct secret_row one;

		if (!secrets_find(&r->files[i].secrets, name, &one))
			continue;
		if (found)
			return "two files have a secret of that name: rename "
			       "one";
		*row = one;
		found = true;
	}
	return found ? NULL
	       : r->n_files
		       ? "there is no secret of that name: `bulkhead vault "
			 "set` makes it"
		       : "no file of secrets could be opened: the log "
			 "says why";
}

const char *ring_take(struct ring *r, struct span connector, struct span secret,
		      struct span hosts, struct ring_value *ret)
{
	char name[LIMIT_NAME + 1], to[LIMIT_NAME + 1];
	struct secret_row row;
	const char *why;

	*ret = (struct ring_value){ 0 };
	if (str_copy(name, sizeof(name), secret) < 0 ||
	    str_copy(to, sizeof(to), connector) < 0)
		return "a name is too long";
	why = find(r, name, &row);
	if (!why)
		why = secret_not_for(&row, to, hosts);
	if (!why && !*row.connector)
		why = bind(r, name, to, hosts);
	if (why)
		return why;
	ret->room = row.value.raw.n;
	ret->p = OPENSSL_secure_malloc(ret->room);
	if (!ret->p)
		return "memory is short";
	if (!jval_text(row.value, (char *)ret->p, ret->room, &ret->text) ||
	    !ret->text.n || ret->text.n > LIMIT_SECRET) {
		ring_give_back(ret);
		return "its value is empty, or larger than 16 KiB";
	}
	return NULL;
}

void ring_give_back(struct ring_value *v)
{
	OPENSSL_secure_clear_free(v->p, v->room);
	*v = (struct ring_value){ 0 };
}

void ring_wipe(struct ring *r)
{
	size_t i;

	for (i = 0; i < r->n_files; i++)
		age_free(r->files[i].text, r->files[i].n);
	OPENSSL_secure_clear_free(r->identities,
				  AGE_KEYS * sizeof(*r->identities));
	OPENSSL_secure_clear_free(r->passphrase, PASSPHRASE_MAX + 1);
	*r = (struct ring){ 0 };
}
