/*
 * age_file: for tests, opens a file of age's: the path is its argument, what
 * opens it comes on standard input, a line each: "identity
 * AGE-SECRET-KEY-1...", "passphrase ...". Says what became of it in the words
 * of the public vectors, and the SHA-256 of the content.
 */
#include <fcntl.h>
#include <stdio.h>

#include "age.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"

static const char *const classes[] = {
	[AGE_OK] = "success",
	[AGE_HEADER] = "header failure",
	[AGE_NO_MATCH] = "no match",
	[AGE_HMAC] = "HMAC failure",
	[AGE_PAYLOAD] = "payload failure",
	[AGE_ARMOR] = "armor failure",
	[AGE_HYBRID] = "hybrid",
	[AGE_ROOM] = "no room",
};

static struct age_identity identities[AGE_KEYS];
static char passphrase[256];

/* False: a key that is none. */
static bool take_line(struct age_keys *keys, char *line)
{
	struct span s;

	line[strcspn(line, "\n")] = 0;
	if (strncmp(line, "passphrase ", 11) == 0) {
		s = span_str(line + 11);
		keys->passphrase = span_str(passphrase);
		if (str_copy(passphrase, sizeof(passphrase), s) < 0)
			return false;
		keys->passphrase = span_str(passphrase);
		return true;
	}
	if (strncmp(line, "identity ", 9) != 0 || keys->n == AGE_KEYS)
		return false;
	s = span_str(line + 9);
	if (age_identity_parse(&identities[keys->n], s) < 0) {
		printf("%s\n", age_key_why(s));
		return false;
	}
	keys->n++;
	return true;
}

/* "identities" and no file: those on stdin, and for whom they open. */
static int show_identities(void)
{
	static uint8_t text[16 << 10];
	ssize_t n = fd_read_all(0, text, sizeof(text));
	char public[AGE_KEY_TEXT];
	size_t line, at = 0;
	int found, i;

	if (n < 0)
		return 2;
	found = age_identities(identities, span_of(text, (size_t)n), &line);
	for (i = 0; i < found; i++) {
		age_recipient_text(public, identities[i].public);
		printf("%s\n", public);
	}
	if (found >= 0)
		return 0;
	while (line > 1 && at < (size_t)n)
		line -= text[at++] == '\n';
	printf("%s\n", age_key_why(span_of(text + at, (size_t)n - at)));
	return 1;
}

int main(int argc, char **argv)
{
	struct age_keys keys = { .identities = identities };
	static uint8_t file[AGE_FILE_MAX + 1];
	uint8_t *content, sum[32];
	struct sha256 hash;
	char line[512], hex[65];
	enum age_result r;
	ssize_t n;
	size_t m;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (argc == 2 && !strcmp(argv[1], "identities"))
		return show_identities();
	n = fd < 0 ? -1 : fd_read_all(fd, file, sizeof(file));
	if (n < 0)
		return 2;
	while (fgets(line, sizeof(line), stdin))
		if (!take_line(&keys, line))
			return 1;
	r = age_open(span_of(file, (size_t)n), &keys, &content, &m);
	if (r == AGE_OK) {
		sha256_init(&hash);
		sha256_add(&hash, span_of(content, m));
		sha256_final(&hash, sum);
		hex_encode(hex, sum, sizeof(sum));
		printf("%s %s\n", classes[r], hex);
	} else {
		printf("%s\n", classes[r]);
	}
	age_free(content, m);
	return 0;
}
