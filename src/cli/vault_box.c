/* vault_box: see vault_box.h. */
#include "cli/vault_box.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/tty.h"
#include "cli/cli.h"
#include "privsep/sandbox.h"

enum {
	LOCKED = 8 << 20, /* a power of two */
	BLOCK = 64,
	KEYS_FILE_MAX = 16 << 10,
	SEALED_MAX = 2 * SECRETS_TEXT_MAX,
};

/* A comment of an identities file that names one more who may open it. */
static const char also[] = "# also for: ";

int box_prepare(void)
{
	struct err err = { 0 };

	if (sandbox_basic(&err) < 0) {
		cli_error("%s", err.msg);
		return CLI_NO;
	}
	if (!CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_init(LOCKED, BLOCK) == 0) {
		cli_error("there is no memory that can be locked");
		return CLI_NO;
	}
	return CLI_OK;
}

int box_find(struct vault_box *b, const struct conf *c, const char *file)
{
	const struct conf_vault *v = &c->vault;

	*b = (struct vault_box){ 0 };
	if (!v->n_files) {
		cli_error("bulkhead.yaml has no vault: `bulkhead vault init` "
			  "makes one and says what to write there");
		return CLI_USAGE;
	}
	if (*v->credential) {
		cli_error("the vault's key is a credential of systemd, which "
			  "bulkhead alone is given: name the identity file "
			  "that it was made of as `vault: {identity: ...}` in "
			  "a file for --config");
		return CLI_USAGE;
	}
	(void)str_copy(b->identity, sizeof(b->identity), span_str(v->identity));
	if (str_copy(b->file, sizeof(b->file),
		     span_str(file ? file : v->files[0])) < 0) {
		cli_error("the path is too long");
		return CLI_USAGE;
	}
	return CLI_OK;
}

/* --- what opens it ------------------------------------------------------- */

/* "# also for: age1...", a line each. */
static int read_others(struct vault_box *b, struct span text)
{
	const size_t skip = sizeof(also) - 1;
	size_t at = 0, end;

	for (; at < text.n; at = end + 1) {
		for (end = at; end < text.n && text.p[end] != '\n'; end++)
			;
		if (end - at <= skip || memcmp(text.p + at, also, skip) != 0)
			continue;
		if (b->n_to == AGE_KEYS ||
		    age_recipient_parse(
			    &b->to[b->n_to],
			    span_of(text.p + at + skip, end - at - skip)) < 0)
			return -1;
		b->n_to++;
	}
	return 0;
}

static int take_identities(struct vault_box *b, struct span text)
{
	size_t line;
	int n, i;

	b->identities =
		OPENSSL_secure_zalloc(AGE_KEYS * sizeof(*b->identities));
	n = b->identities ? age_identities(b->identities, text, &line) : -1;
	if (n < 0 && b->identities && line)
		cli_error("%s:%zu: this is no age key of the kind that is read "
			  "(AGE-SECRET-KEY-1...)",
			  b->identity, line);
	else if (n < 0)
		cli_error("%s: has no key, or more than %d", b->identity,
			  AGE_KEYS);
	if (n < 0)
		return CLI_NO;
	b->n_identities = (size_t)n;
	for (i = 0; i < n; i++)
		memcpy(b->to[b->n_to++].public, b->identities[i].public, 32);
	if (read_others(b, text) < 0) {
		cli_error("%s: a line \"%s...\" names no age recipient",
			  b->identity, also);
		return CLI_NO;
	}
	return CLI_OK;
}

static int read_identity(struct vault_box *b)
{
	CLEAN_FD int fd = open(b->identity, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	uint8_t *text = OPENSSL_secure_malloc(KEYS_FILE_MAX + 1);
	struct stat st;
	int r = CLI_NO;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		cli_error("%s: %s", b->identity, strerror(errno));
	else if (st.st_mode & 077)
		cli_error("%s: others may read it: chmod 600 %s", b->identity,
			  b->identity);
	else if (!text || (n = fd_read_all(fd, text, KEYS_FILE_MAX + 1)) < 0 ||
		 n > KEYS_FILE_MAX)
		cli_error("%s: cannot be read, or is too large", b->identity);
	else
		r = take_identities(b, span_of(text, (size_t)n));
	OPENSSL_secure_clear_free(text, KEYS_FILE_MAX + 1);
	return r;
}

int box_keys(struct vault_box *b, bool fresh)
{
	if (*b->identity)
		return read_identity(b);
	b->passphrase = box_line("Passphrase of the vault", -1, fresh,
				 &b->passphrase_n);
	return b->passphrase ? CLI_OK : CLI_NO;
}

/* --- the file ------------------------------------------------------------ */

/* Why not, or NULL. */
static const char *open_sealed(struct vault_box *b, struct span sealed,
			       struct err *err)
{
	const struct age_keys keys = { b->identities, b->n_identities,
				       span_of(b->passphrase,
					       b->passphrase_n) };
	enum age_result result;

	if (sops_sniff(sealed) == SOPS_NONE) {
		result = age_open(sealed, &keys, &b->text, &b->n);
		return result == AGE_OK ? NULL : age_result_text(result);
	}
	b->sops = sops_open(sealed, &keys, err);
	if (!b->sops)
		return err->msg;
	b->text = sops_take_secrets(b->sops, &b->n);
	return NULL;
}

int box_open(struct vault_box *b)
{
	struct err err = { 0 };
	CLEAN_FD int fd = open(b->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEAN_BUF struct buf sealed;
	const char *why;
	uint8_t *p;
	ssize_t n;

	buf_init(&sealed, SEALED_MAX);
	p = buf_extend(&sealed, SEALED_MAX);
	n = fd < 0 || !p ? -1 : fd_read_all(fd, p, SEALED_MAX);
	if (n < 0) {
		cli_error("%s: %s", b->file,
			  errno == ENOENT ? "is not there: `bulkhead vault "
					    "init` makes it"
					  : strerror(errno));
		return CLI_NO;
	}
	why = open_sealed(b, span_of(p, (size_t)n), &err);
	if (!why)
		why = secrets_parse(&b->secrets, span_of(b->text, b->n));
	if (!why)
		return CLI_OK;
	cli_error("%s: %s", b->file, why);
	return CLI_NO;
}

void box_close(struct vault_box *b)
{
	age_free(b->text, b->n);
	sops_free(b->sops);
	b->text = NULL;
	b->n = 0;
	b->sops = NULL;
}

int box_new_sops(struct vault_box *b)
{
	static const struct {
		const char *end;
		enum sops_format format;
	} formats[] = {
		{ ".yaml", SOPS_YAML }, { ".yml", SOPS_YAML },
		{ ".json", SOPS_JSON }, { ".env", SOPS_ENV },
		{ ".ini", SOPS_INI },
	};
	const char *end = strrchr(b->file, '.');
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!end || strcmp(end, formats[i].end) != 0)
			continue;
		b->sops = sops_new(formats[i].format, b->to, b->n_to, &err);
		if (!b->sops)
			cli_error("%s: %s", b->file, err.msg);
		return b->sops ? CLI_OK : CLI_NO;
	}
	cli_error("%s: a file of sops is named .yaml, .json, .env or .ini",
		  b->file);
	return CLI_USAGE;
}

int box_folders(const char *path)
{
	char part[CONF_PATH_MAX];
	size_t i;

	for (i = 1; path[i] && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* All of it, or what was there before. */
static int write_over(const char *path, struct span s)
{
	char tmp[CONF_PATH_MAX + 16], folder[CONF_PATH_MAX];
	CLEAN_FD int dir = -1;
	CLEAN_FD int fd = -1;
	char *slash;
	int r;

	if (str_printf(tmp, sizeof(tmp), "%s.new.%d", path, (int)getpid()) <
		    0 ||
	    str_copy(folder, sizeof(folder), span_str(path)) < 0)
		return -ENAMETOOLONG;
	slash = strrchr(folder, '/');
	if (!slash)
		return -EINVAL;
	slash[slash == folder] = 0;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, s);
	if (r == 0 && (fsync(fd) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0) {
		(void)unlink(tmp);
		return r;
	}
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || fsync(dir) < 0 ? -errno : 0;
}

static int seal_text(struct vault_box *b, struct span text, struct buf *ret,
		     struct err *err)
{
	int r;

	if (b->sops)
		return sops_save(b->sops, text, ret, err);
	r = age_seal(ret, b->to, b->n_to,
		     span_of(b->passphrase, b->passphrase_n), true, text);
	return r < 0 ? err_set(err, r, "%s", strerror(-r)) : 0;
}

int box_save(struct vault_box *b, struct span text)
{
	struct err err = { 0 };
	CLEAN_BUF struct buf sealed;
	struct secrets s;
	const char *why = secrets_parse(&s, text);
	int r;

	buf_init(&sealed, AGE_FILE_MAX);
	if (why) {
		cli_error("%s: nothing was written: %s", b->file, why);
		return CLI_NO;
	}
	r = seal_text(b, text, &sealed, &err);
	if (r == 0) {
		r = write_over(b->file, buf_view(&sealed));
		if (r < 0)
			(void)err_set(&err, r, "%s", strerror(-r));
	}
	if (r < 0)
		cli_error("%s: was not written: %s", b->file, err.msg);
	return r < 0 ? CLI_NO : CLI_OK;
}

int box_new_identity(const char *path, struct age_identity *ret)
{
	char secret[AGE_KEY_TEXT], public[AGE_KEY_TEXT];
	CLEAN_FD int fd = -1;
	int r = age_generate(ret);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	age_identity_text(secret, ret);
	age_recipient_text(public, ret->public);
	r = fd_write_all(fd, SPAN_LIT("# bulkhead's vault: who has this file "
				      "has its secrets\n# public key: "));
	if (r == 0)
		r = fd_write_all(fd, span_str(public));
	if (r == 0)
		r = fd_write_all(fd, SPAN_LIT("\n"));
	if (r == 0)
		r = fd_write_all(fd, span_str(secret));
	if (r == 0)
		r = fd_write_all(fd, SPAN_LIT("\n"));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r < 0)
		(void)unlink(path);
	return r;
}

/* --- a secret from its owner --------------------------------------------- */

static uint8_t *ask_once(const char *prompt, int tty, size_t *n)
{
	uint8_t *p = OPENSSL_secure_zalloc(LINE_ROOM);
	ssize_t got = p ? tty_read_hidden(tty, prompt, p, LINE_ROOM) : -ENOMEM;

	if (got >= 0) {
		*n = (size_t)got;
		return p;
	}
	box_free_line(p);
	if (got == -ECANCELED)
		cli_error("interrupted: nothing was changed");
	else
		cli_error("nothing was typed, or it is longer than a "
			  "terminal's line: give it on a pipe, or as --fd N");
	return NULL;
}

static uint8_t *read_pipe(int fd, size_t *n)
{
	uint8_t *p = OPENSSL_secure_zalloc(LINE_ROOM);
	ssize_t got = p ? fd_read_all(fd, p, LINE_ROOM) : -ENOMEM;

	if (got > 0 && p[got - 1] == '\n')
		got--;
	if (got > 0 && got <= LIMIT_SECRET) {
		*n = (size_t)got;
		return p;
	}
	box_free_line(p);
	cli_error("the secret is empty, larger than 16 KiB, or cannot be read");
	return NULL;
}

uint8_t *box_line(const char *prompt, int fd, bool twice, size_t *n)
{
	CLEAN_FD int tty = -1;
	uint8_t *first, *second;
	size_t m = 0;
	bool same;

	if (fd < 0 && !isatty(STDIN_FILENO))
		fd = STDIN_FILENO;
	if (fd >= 0)
		return read_pipe(fd, n);
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		cli_error("there is no terminal to ask on: give it on a pipe");
		return NULL;
	}
	first = ask_once(prompt, tty, n);
	if (!first || !twice)
		return first;
	second = ask_once("Once more", tty, &m);
	same = second && m == *n && CRYPTO_memcmp(first, second, m) == 0;
	box_free_line(second);
	if (same)
		return first;
	box_free_line(first);
	cli_error("the two are not the same: nothing was changed");
	return NULL;
}

uint8_t *box_answer(const char *prompt, size_t *n)
{
	uint8_t *p;
	size_t i;

	if (isatty(STDIN_FILENO))
		return box_line(prompt, -1, false, n);
	p = OPENSSL_secure_zalloc(LINE_ROOM);
	for (i = 0; p && i <= LIMIT_SECRET; i++) {
		if (read(STDIN_FILENO, p + i, 1) == 1 && p[i] != '\n')
			continue;
		*n = i;
		return p;
	}
	box_free_line(p);
	cli_error("%s: the answer is too long", prompt);
	return NULL;
}

void box_free_line(uint8_t *line)
{
	OPENSSL_secure_clear_free(line, LINE_ROOM);
}

void box_done(struct vault_box *b)
{
	box_close(b);
	box_free_line(b->passphrase);
	OPENSSL_secure_clear_free(b->identities,
				  AGE_KEYS * sizeof(*b->identities));
	*b = (struct vault_box){ 0 };
}
