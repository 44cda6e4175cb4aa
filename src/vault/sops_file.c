/*
 * sops_file: for the conformance test: opens the file of an argument with the
 * identities on stdin, and writes the key of its values, and each value with
 * its path, its type and its bytes, as lines of JSON; or says why not.
 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/jcur.h"
#include "base/str.h"
#include "sops_in.h"

static const char *const names[SOPS_KINDS] = {
	[SOPS_STR] = "str",   [SOPS_INT] = "int",     [SOPS_FLOAT] = "float",
	[SOPS_BOOL] = "bool", [SOPS_BYTES] = "bytes", [SOPS_TIME] = "time",
	[SOPS_NULL] = "null",
};

static void show(const struct sops *s, uint32_t i, struct buf *b)
{
	const struct sops_node *n = &s->t.nodes[i];
	const bool sealed = sops_is_sealed(s, i) && sops_node_text(&s->t, i).n;
	const struct span value = sealed ? n->plain : sops_node_text(&s->t, i);
	struct buf path;

	buf_reset(b);
	buf_init(&path, SOPS_PATH_MAX);
	sops_path(&s->t, i, 0x1f, true, &path);
	path.n -= path.n > 0;
	buf_str(b, "{\"path\": ");
	json_quote(b, buf_view(&path));
	buf_printf(b, ", \"encrypted\": %s, \"type\": \"%s\", \"value\": ",
		   sealed ? "true" : "false",
		   names[sealed ? n->plain_kind : n->kind]);
	if (n->kind == SOPS_NULL)
		buf_str(b, "null");
	else
		json_quote(b, value);
	printf("%s}\n", buf_cstr(b));
	buf_done(&path);
}

int main(int argc, char **argv)
{
	static uint8_t file[SOPS_FILE_MAX + 1], text[16 << 10];
	static struct age_identity ids[AGE_KEYS];
	struct age_keys keys = { .identities = ids };
	char hex[2 * SOPS_KEY + 1];
	struct err err = { 0 };
	struct sops *s;
	struct buf b;
	ssize_t n, m;
	size_t line;
	uint32_t i;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int k;

	n = fd < 0 ? -1 : fd_read_all(fd, file, sizeof(file));
	m = fd_read_all(0, text, sizeof(text));
	if (n < 0 || m < 0 || CRYPTO_secure_malloc_init(16 << 20, 64) == 0)
		return 2;
	k = age_identities(ids, span_of(text, (size_t)m), &line);
	if (k < 0) {
		printf("%s\n", age_key_why(span_of(text, (size_t)m)));
		return 1;
	}
	keys.n = (size_t)k;
	s = sops_open(span_of(file, (size_t)n), &keys, &err);
	if (!s) {
		printf("%s\n", err.msg);
		return 1;
	}
	hex_encode(hex, s->key, SOPS_KEY);
	printf("{\"key\": \"%s\"}\n", hex);
	buf_init(&b, SOPS_TEXTS_MAX);
	for (i = 0; i < s->t.n; i++)
		if (sops_is_scalar(s->t.nodes[i].kind) &&
		    !sops_in_meta(&s->t, i))
			show(s, i, &b);
	buf_done(&b);
	sops_free(s);
	return 0;
}
