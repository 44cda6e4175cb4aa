/*
 * sops_test: in each format, what is written reads back, and says what was
 * there; what is not changed stays as it was; a file that was changed in any
 * byte gives out nothing, or what it gave before.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/testing.h"
#include "secrets.h"
#include "sops_in.h"

static struct age_identity id;
static struct age_recipient to;
static struct age_keys keys = { &id, 1, { NULL, 0 } };

static int set_up(void **)
{
	if (age_generate(&id) < 0)
		return -1;
	memcpy(to.public, id.public, sizeof(to.public));
	return 0;
}

/* A text with sops' rules in it and nothing encrypted, as sops would make a
 * file of it. */
static void encrypt(enum sops_format format, const char *text, struct buf *ret)
{
	struct err err = { 0 };
	struct sops *s = sops_alloc(format, &err);
	uint32_t i;

	assert_non_null(s);
	assert_int_equal(sops_load(s, span_str(text), &err), 0);
	for (i = 0; i < s->t.n; i++)
		if (sops_is_sealed(s, i)) {
			s->t.nodes[i].plain = sops_node_text(&s->t, i);
			s->t.nodes[i].plain_kind = s->t.nodes[i].kind;
			s->t.nodes[i].kind = SOPS_STR;
			s->plain_n += s->t.nodes[i].plain.n;
		}
	assert_int_equal(sops_put_secrets(s, &err), 0);
	/* The texts move when there are more of them. */
	s->plain = OPENSSL_secure_malloc(s->plain_room = s->plain_n + 1);
	s->plain_n = 0;
	for (i = 0; i < s->t.n; i++)
		if (sops_is_sealed(s, i) && s->t.nodes[i].plain.n) {
			struct span *p = &s->t.nodes[i].plain;

			memcpy(s->plain + s->plain_n, p->p, p->n);
			p->p = s->plain + s->plain_n;
			s->plain_n += p->n;
		}
	assert_int_equal(sops_rotate(s, &to, 1, &err), 0);
	if (sops_save(s, sops_secrets(s), ret, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	sops_free(s);
}

static struct sops *opened(struct span file)
{
	struct err err = { 0 };
	struct sops *s = sops_open(file, &keys, &err);

	if (!s)
		fail_msg("%s:\n%.*s", err.msg, (int)file.n,
			 (const char *)file.p);
	return s;
}

static void check_secrets(struct span file, const char *want)
{
	struct sops *s = opened(file);
	struct span got = sops_secrets(s);

	if (!span_is(got, want))
		fail_msg("%.*s, not %s", (int)got.n, (const char *)got.p, want);
	sops_free(s);
}

static bool contains(const struct buf *b, const char *text)
{
	return memmem(b->p, b->n, text, strlen(text));
}

static const struct {
	enum sops_format format;
	const char *text, *secrets;
	const char *clear;  /* stays in the clear */
	const char *hidden; /* and this does not */
} shapes[] = {
	{ SOPS_YAML,
	  "a: secret-1\nlist:\n    - secret-2\n    - 7\nmap:\n"
	  "    deep: \"secret 3\"\n    empty: \"\"\n    no: null\n"
	  "plain_unencrypted: clear-text\nn_unencrypted: 1e3\n"
	  "t_unencrypted: 2024-01-02\nb_unencrypted: [true]\n"
	  "sops:\n    lastmodified: x\n",
	  "{\n  \"a\": \"secret-1\",\n  \"list.0\": \"secret-2\",\n  "
	  "\"list.1\": \"7\",\n  \"map.deep\": \"secret 3\"\n}\n",
	  "clear-text", "secret" },
	{ SOPS_YAML,
	  "kind: Secret\ndata:\n    a/b: secret-1\n"
	  "sops:\n    encrypted_regex: ^(data|stringData)$\n---\n"
	  "stringData:\n    c: secret-2\n",
	  "{\n  \"data.a_b\": \"secret-1\",\n  \"stringData.c\": "
	  "\"secret-2\"\n}\n",
	  "kind: Secret", "secret-" },
	{ SOPS_JSON,
	  "{\"a\": \"secret\\n\\u00e4\", \"b_pub\": \"clear-text\", \"c\": "
	  "[1.50, true, null, {}, []], \"sops\": {\"unencrypted_regex\": "
	  "\"_pub$\", \"mac_only_encrypted\": true}}",
	  "{\n  \"a\": \"secret\\n\xc3\xa4\",\n  \"c.0\": \"1.5\",\n  "
	  "\"c.1\": \"True\"\n}\n",
	  "clear-text", "secret" },
	{ SOPS_JSON,
	  "{\"x_enc\": {\"y\": \"secret\"}, \"z\": 12, \"sops\": "
	  "{\"encrypted_suffix\": \"_enc\", \"pgp\": []}}",
	  "{\n  \"x_enc.y\": \"secret\"\n}\n", "\"z\": 12", "secret" },
	{ SOPS_ENV,
	  "# a comment\nA=secret one\\ntwo\nB =secret\n\n"
	  "C_unencrypted=clear-text\nsops_mac=\n",
	  "{\n  \"A\": \"secret one\\ntwo\",\n  \"B_\": \"secret\"\n}\n",
	  "# a comment\n", "secret" },
	{ SOPS_INI,
	  "top = secret-0\n; a comment\n[one]\nk: \"secret-1\"\n"
	  "m = \"\"\"secret-2\nsecret-3\"\"\"\nc_unencrypted = clear ; no\n"
	  "[sops]\nversion = 3\n",
	  "{\n  \"DEFAULT.top\": \"secret-0\",\n  \"one.k\": \"secret-1\",\n"
	  "  \"one.m\": \"secret-2\\nsecret-3\"\n}\n",
	  "c_unencrypted = clear\n", "secret" },
};

static void test_shapes(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		CLEAN_BUF struct buf file;

		buf_init(&file, SOPS_FILE_MAX);
		encrypt(shapes[i].format, shapes[i].text, &file);
		check_secrets(buf_view(&file), shapes[i].secrets);
		assert_true(contains(&file, shapes[i].clear));
		assert_false(contains(&file, shapes[i].hidden));
	}
}

/* --- changes ---------------------------------------------------------------
 */

#define OURS                                                                   \
	"{\"bulkhead_vault\": 1, \"secrets\": {"                               \
	"\"imap\": {\"value\": \"pass\", \"connector\": \"inbox\", "           \
	"\"hosts\": [\"a:1\", \"b:2\"]}, \"tg\": {\"value\": \"1:x\"}}}"

static void check_value(struct span file, const char *name, const char *want)
{
	struct sops *s = opened(file);
	struct secret_row row;
	struct secrets all;

	assert_null(secrets_parse(&all, sops_secrets(s)));
	assert_int_equal(secrets_find(&all, name, &row), want != NULL);
	if (want)
		assert_true(jval_is(row.value, want));
	sops_free(s);
}

static void save(struct sops *s, const char *text, struct buf *ret)
{
	struct err err = { 0 };

	buf_reset(ret);
	if (sops_save(s, span_str(text), ret, &err) < 0)
		fail_msg("%s", err.msg);
	sops_free(s);
}

static void test_ours(void **)
{
	static const enum sops_format formats[] = { SOPS_YAML, SOPS_JSON };
	struct err err = { 0 };
	struct secret_row row;
	struct secrets all;
	struct sops *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		CLEAN_BUF struct buf file, next;

		buf_init(&file, SOPS_FILE_MAX);
		buf_init(&next, SOPS_FILE_MAX);
		save(sops_new(formats[i], &to, 1, &err), OURS, &file);
		assert_false(contains(&file, "pass"));
		assert_false(contains(&file, "inbox"));
		s = opened(buf_view(&file));
		assert_null(secrets_parse(&all, sops_secrets(s)));
		assert_true(secrets_find(&all, "imap", &row));
		assert_string_equal(row.connector, "inbox");
		assert_int_equal(row.n_hosts, 2);
		assert_string_equal(row.hosts[1], "b:2");
		/* One goes, one comes, and the hosts of none are other ones. */
		save(s,
		     "{\"bulkhead_vault\": 1, \"secrets\": {\"imap\": "
		     "{\"value\": \"pass\", \"hosts\": [\"b:2\"]}, \"new\": "
		     "\"n\"}}",
		     &next);
		check_value(buf_view(&next), "imap", "pass");
		check_value(buf_view(&next), "new", "n");
		check_value(buf_view(&next), "tg", NULL);
	}
}

/* The ENC[...] of a key stands in the file, to the byte. */
static struct span sealed_at(const struct buf *file, const char *key)
{
	const char *at = memmem(file->p, file->n, key, strlen(key));
	const char *end;

	assert_non_null(at);
	at = strstr(at, "ENC[");
	end = strchr(at, ']');
	return span_of(at, (size_t)(end - at));
}

static void test_others(void **)
{
	struct err err = { 0 };
	CLEAN_BUF struct buf file, next;
	struct sops *s;

	buf_init(&file, SOPS_FILE_MAX);
	buf_init(&next, SOPS_FILE_MAX);
	encrypt(SOPS_YAML,
		"keep: one\nmap:\n    change: two\n    go: three\n"
		"x_unencrypted: clear\nsops: {}\n",
		&file);
	(void)buf_cstr(&file);
	s = opened(buf_view(&file));
	save(s, "{\"keep\": \"one\", \"map.change\": \"TWO\", \"new\": \"n\"}",
	     &next);
	(void)buf_cstr(&next);
	check_secrets(buf_view(&next),
		      "{\n  \"keep\": \"one\",\n  \"map.change\": \"TWO\",\n"
		      "  \"new\": \"n\"\n}\n");
	assert_true(
		span_eq(sealed_at(&file, "keep:"), sealed_at(&next, "keep:")));
	assert_false(span_eq(sealed_at(&file, "change:"),
			     sealed_at(&next, "change:")));
	assert_true(contains(&next, "x_unencrypted: clear\n"));
	/* For whom, it has no place to say. */
	s = opened(buf_view(&next));
	assert_int_not_equal(
		sops_save(s,
			  SPAN_LIT("{\"bulkhead_vault\": 1, \"secrets\": "
				   "{\"keep\": {\"value\": \"one\", "
				   "\"connector\": \"inbox\"}}}"),
			  &file, &err),
		0);
	assert_non_null(strstr(err.msg, "for whom"));
	sops_free(s);
	/* What its rule would leave in the clear is not put into it. */
	s = opened(buf_view(&next));
	assert_int_not_equal(
		sops_save(s, SPAN_LIT("{\"a_unencrypted\": \"secret\"}"), &file,
			  &err),
		0);
	assert_non_null(strstr(err.msg, "rule"));
	sops_free(s);
}

static void test_lines(void **)
{
	struct err err = { 0 };
	CLEAN_BUF struct buf file, next;
	struct sops *s;

	buf_init(&file, SOPS_FILE_MAX);
	buf_init(&next, SOPS_FILE_MAX);
	save(sops_new(SOPS_INI, &to, 1, &err), "{\"one.a\": \"x y\"}", &file);
	save(opened(buf_view(&file)),
	     "{\"one.a\": \"x y\", \"one.b\": \"#1\", \"two.c\": \"z\"}",
	     &next);
	check_value(buf_view(&next), "one.a", "x y");
	check_value(buf_view(&next), "one.b", "#1");
	check_value(buf_view(&next), "two.c", "z");
	s = opened(buf_view(&next));
	assert_int_not_equal(
		sops_save(s, SPAN_LIT("{\"nodot\": \"x\"}"), &file, &err), 0);
	sops_free(s);
	buf_reset(&file);
	save(sops_new(SOPS_ENV, &to, 1, &err), "{\"A\": \"a\\nb\"}", &file);
	check_value(buf_view(&file), "A", "a\nb");
}

static void test_recipients(void **)
{
	struct age_recipient both[2], got[AGE_KEYS];
	struct age_identity other;
	struct age_keys theirs = { &other, 1, { NULL, 0 } };
	struct err err = { 0 };
	CLEAN_BUF struct buf file, next;
	struct sops *s;

	buf_init(&file, SOPS_FILE_MAX);
	buf_init(&next, SOPS_FILE_MAX);
	assert_int_equal(age_generate(&other), 0);
	both[0] = to;
	memcpy(both[1].public, other.public, 32);
	save(sops_new(SOPS_YAML, both, 2, &err), OURS, &file);
	s = sops_open(buf_view(&file), &theirs, &err);
	assert_non_null(s);
	assert_int_equal(sops_recipients(s, got), 2);
	assert_int_equal(sops_rotate(s, both, 1, &err), 0);
	save(s, OURS, &next);
	check_value(buf_view(&next), "tg", "1:x");
	assert_null(sops_open(buf_view(&next), &theirs, &err));
	assert_string_equal(err.msg, age_result_text(AGE_NO_MATCH));
}

/* --- what is refused --------------------------------------------------------
 */

/* Nothing of a file that was changed is given, but where the change was in what
 * does not count: who it is for, a version. */
static void test_flips(void **)
{
	static const char text[] = "a: secret-1\nm:\n    b: secret-2\n"
				   "c_unencrypted: \"34\"\nsops: {}\n";
	CLEAN_BUF struct buf file, want;
	struct err err = { 0 };
	size_t i, same = 0;

	buf_init(&file, SOPS_FILE_MAX);
	buf_init(&want, SOPS_FILE_MAX);
	encrypt(SOPS_YAML, text, &file);
	buf_str(&want, "{\n  \"a\": \"secret-1\",\n  \"m.b\": "
		       "\"secret-2\"\n}\n");
	for (i = 0; i < file.n; i++) {
		const uint8_t was = file.p[i];
		struct sops *s;

		file.p[i] = was ^ 1;
		s = sops_open(buf_view(&file), &keys, &err);
		if (s && !span_eq(sops_secrets(s), buf_view(&want)))
			fail_msg("byte %zu: other secrets", i);
		same += s != NULL;
		sops_free(s);
		file.p[i] = was;
	}
	/* Blanks, the recipient's name, a version: less than one in four. */
	assert_true(same < file.n / 4);
}

static void refused(const char *file, const char *why)
{
	struct err err = { 0 };

	if (sops_open(span_str(file), &keys, &err))
		fail_msg("opened: %s", file);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" of %s", err.msg, file);
}

/* What stands in the clear is in the MAC, too, unless the file says that only
 * what is encrypted is: of a changed one nothing is given out. */
static void test_clear(void **)
{
	size_t i, met = 0;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		bool counts = !strstr(shapes[i].text, "mac_only_encrypted");
		struct err err = { 0 };
		CLEAN_BUF struct buf file;
		struct sops *s;
		char *at;

		buf_init(&file, SOPS_FILE_MAX);
		encrypt(shapes[i].format, shapes[i].text, &file);
		at = memmem(file.p, file.n, "clear-text", 10);
		if (!at)
			continue;
		met++;
		at[0] = 'C';
		s = sops_open(buf_view(&file), &keys, &err);
		assert_int_equal(s == NULL, counts);
		sops_free(s);
	}
	assert_int_equal(met, 3);
}

static void test_refused(void **)
{
	CLEAN_BUF struct buf deep;
	int i;

	refused("", "no file of sops");
	refused("{}", "nothing of sops");
	refused("{\"sops\": {}", "no JSON");
	refused("a: 1\nsops:\n    x: &y 1\n", "anchors");
	refused("a: 1\na: 2\nsops: {}\n", "duplicate");
	refused("{\"a\": 1, \"a\": 2, \"sops\": {}}", "twice");
	refused("sops:\n    key_groups: [1]\n", "Shamir");
	refused("sops:\n    encrypted_regex: a\n    encrypted_suffix: b\n",
		"two rules");
	refused("a: 1\nsops:\n    encrypted_regex: \"(\"\n", "none");
	refused("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!: 1\nsops:\n"
		"    encrypted_regex: ^(a+)+$\n",
		"cannot be applied");
	refused("sops:\n    encrypted_comment_regex: a\n", "comments");
	refused("a: 1\nsops: {}\n", "no age key");
	refused("sops_mac=\nnothing\n", "line 2");
	refused("[sops]\nx\n", "line 2");
	refused("[sops]\nx = \"\"\"y\n", "not closed");
	buf_init(&deep, 1 << 20);
	buf_str(&deep, "{\"sops\": {}, \"a\": ");
	for (i = 0; i < 30; i++)
		buf_str(&deep, "[");
	for (i = 0; i < 30; i++)
		buf_str(&deep, "]");
	buf_str(&deep, "}");
	refused(buf_cstr(&deep), "deeper");
}

/* A passphrase opens none of them. */
static void test_passphrase(void **)
{
	const struct age_keys pass = { NULL, 0, SPAN_LIT("x") };
	struct err err = { 0 };

	assert_null(sops_open(SPAN_LIT("a: 1\nsops: {}\n"), &pass, &err));
	assert_non_null(strstr(err.msg, "passphrase"));
}

static void test_floats(void **)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "1234.56789", "1234.56789" },
		{ "1e3", "1000" },
		{ "0.1", "0.1" },
		{ "1.50", "1.5" },
		{ "-2.5e-3", "-0.0025" },
		{ "1e21", "1000000000000000000000" },
		{ "123456789012", "123456789012" },
		{ "0", "0" },
		{ "1e999", NULL },
		{ "1x", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 1024);
		if (!rows[i].want) {
			assert_int_equal(sops_float(&b, span_str(rows[i].text)),
					 -1);
			continue;
		}
		assert_int_equal(sops_float(&b, span_str(rows[i].text)), 0);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_floats),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
