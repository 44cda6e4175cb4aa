/* label_test: the laws of the join, the bounds, the store's form; the names
 * behind the numbers. */
#include "base/testing.h"

#include <stdlib.h>

#include "base/str.h"
#include "label/label.h"

enum { ROUNDS = 3000, POOL = 200 };

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (rnd_state >> 8) % below;
}

/* Any label: small and overflowing sets, of numbers that often meet. */
static struct label random_label(void)
{
	struct label l = label_empty();
	uint32_t n = rnd(3) ? rnd(8) : rnd(90), readers[LABEL_READERS + 8];
	uint32_t pool = rnd(2) ? 12 : POOL, i;

	while (n--)
		label_add_atom(&l, ATOM_FIRST + rnd(pool));
	if (rnd(40) == 0)
		label_add_atom(&l, ATOM_NONE);
	if (!l.many)
		l.integrity = (uint8_t)rnd(INTEGRITY_MAX);
	if (rnd(3) == 0)
		return l;
	n = rnd(4) ? rnd(6) : rnd(ARRAY_SIZE(readers));
	for (i = 0; i < n; i++)
		readers[i] = ATOM_FIRST + rnd(rnd(2) ? 6 : POOL);
	label_restrict(&l, readers, n);
	return l;
}

static struct label joined(struct label a, const struct label *b)
{
	label_join(&a, b);
	return a;
}

static void test_laws(void **)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct label a = random_label(), b = random_label(),
			     c = random_label();
		struct label ab = joined(a, &b), ba = joined(b, &a),
			     bc = joined(b, &c), left = joined(ab, &c),
			     right = joined(a, &bc), aa = joined(a, &a),
			     none = label_empty(), a0 = joined(a, &none),
			     oa = joined(none, &a);

		assert_true(label_eq(&ab, &ba));
		assert_true(label_eq(&left, &right));
		assert_true(label_eq(&aa, &a));
		assert_true(label_eq(&a0, &a) && label_eq(&oa, &a));
		assert_true(label_covers(&ab, &b) && label_covers(&left, &b));
	}
}

static void test_monotone(void **)
{
	int i;
	uint32_t who;

	for (i = 0; i < ROUNDS; i++) {
		struct label a = random_label(), b = random_label(),
			     ab = joined(a, &b);

		assert_true(ab.integrity <= a.integrity &&
			    ab.integrity <= b.integrity);
		for (who = 0; who < ATOM_FIRST + POOL; who++) {
			if (label_may_read(&ab, who))
				assert_true(label_may_read(&a, who) &&
					    label_may_read(&b, who));
			if (label_has_atom(&a, who) || label_has_atom(&b, who))
				assert_true(label_has_atom(&ab, who));
		}
		assert_true(label_may_read(&ab, PRINCIPAL_OWNER));
	}
}

static void test_origins_bound(void **)
{
	struct label l = label_empty();
	uint32_t i;

	for (i = 0; i < LABEL_ATOMS; i++)
		label_add_atom(&l, ATOM_FIRST + 2 * i);
	assert_int_equal(l.n_atoms, LABEL_ATOMS);
	label_add_atom(&l, ATOM_FIRST); /* there already */
	assert_false(l.many);
	assert_int_equal(l.integrity, INTEGRITY_CONFIG);
	assert_false(label_has_atom(&l, ATOM_FIRST + 1));
	label_add_atom(&l, ATOM_FIRST + 1);
	assert_true(l.many);
	assert_int_equal(l.n_atoms, LABEL_ATOMS);
	assert_int_equal(l.integrity, INTEGRITY_EXTERNAL);
	assert_true(label_has_atom(&l, 60000));
}

static void test_readers_bound(void **)
{
	struct label l = label_empty();
	uint32_t readers[LABEL_READERS + 1], i;

	for (i = 0; i < ARRAY_SIZE(readers); i++)
		readers[i] = ATOM_FIRST + i;
	label_restrict(&l, readers, LABEL_READERS);
	assert_int_equal(l.n_readers, LABEL_READERS);
	assert_true(label_may_read(&l, readers[LABEL_READERS - 1]));
	l = label_empty();
	label_restrict(&l, readers, ARRAY_SIZE(readers));
	assert_int_equal(l.n_readers, LABEL_READERS);
	assert_false(label_may_read(&l, readers[LABEL_READERS]));
}

static void test_audience(void **)
{
	struct label l = label_of(ATOM_FIRST, INTEGRITY_KNOWN), other;
	const uint32_t lea = ATOM_FIRST + 1, max = ATOM_FIRST + 2;

	assert_true(label_may_read(&l, PRINCIPAL_EVERYONE));
	assert_true(label_may_read(&l, ATOM_NONE));
	label_restrict(&l, &lea, 1);
	assert_true(label_may_read(&l, lea));
	assert_false(label_may_read(&l, max));
	assert_false(label_may_read(&l, PRINCIPAL_EVERYONE));
	assert_false(label_may_read(&l, ATOM_NONE));
	other = label_empty();
	label_restrict(&other, &max, 1);
	label_join(&l, &other);
	assert_int_equal(l.audience, READ_BY_OWNER);
	assert_true(label_may_read(&l, PRINCIPAL_OWNER));
	assert_false(label_may_read(&l, lea));
	other = label_empty();
	label_restrict(&other, NULL, 0);
	assert_int_equal(other.audience, READ_BY_OWNER);
	other = label_empty();
	label_restrict(&other, (uint32_t[]){ PRINCIPAL_OWNER, ATOM_NONE }, 2);
	assert_int_equal(other.audience, READ_BY_OWNER);
}

static uint32_t origin(struct atoms *a, const char *item, const char *field)
{
	return atoms_origin(
		a, &(struct atom_origin){ .connector = SPAN_LIT("imap"),
					  .account = SPAN_LIT("me"),
					  .item = span_str(item),
					  .field = span_str(field) });
}

static void assert_name(const struct atoms *a, uint32_t id, const char *want)
{
	struct buf got CLEAN_BUF = { .max = 4096 };

	buf_span(&got, atoms_name(a, id));
	assert_string_equal(buf_cstr(&got), want);
}

static void test_names(void **)
{
	struct atoms *a = atoms_new(7);
	char longer[ATOM_PART_MAX + 2] = { 0 };
	uint32_t body, item, lea;

	assert_non_null(a);
	assert_name(a, ATOM_CONFIG, "config");
	assert_name(a, PRINCIPAL_EVERYONE, "=everyone");
	body = origin(a, "17", "body");
	item = origin(a, "17", "");
	assert_name(a, body, "imap/me/17/body");
	assert_name(a, item, "imap/me/17");
	assert_int_equal(atoms_item(a, body), item);
	assert_int_equal(atoms_item(a, item), item);
	assert_int_equal(atoms_item(a, ATOM_OWNER), ATOM_NONE);
	assert_int_equal(origin(a, "17", "body"), body);
	assert_int_not_equal(origin(a, "17/body", ""), body);
	assert_name(a, origin(a, "a/b%\xc3\xa9~,=", ""),
		    "imap/me/a%2fb%25%c3%a9%7e%2c%3d");
	lea = atoms_principal(a, SPAN_LIT("email"),
			      SPAN_LIT("lea@example.org"));
	assert_name(a, lea, "=email/lea@example.org");
	assert_true(atoms_is_principal(a, lea));
	assert_false(atoms_is_principal(a, body));
	memset(longer, 'x', ATOM_PART_MAX);
	assert_int_equal(atoms_name(a, origin(a, longer, "")).n,
			 8 + ATOM_PART_MAX);
	longer[ATOM_PART_MAX] = 'x';
	assert_int_equal(atoms_name(a, origin(a, longer, "")).n, 8 + 65);
	assert_int_equal(atoms_name(a, ATOMS_MAX).n, 0);
	atoms_free(a);
}

static void test_named(void **)
{
	static const char *const bad[] = { "",	     "a",	  "a/b",
					   "=",	     "=a",	  "=a/b/c",
					   "/",	     "a/b/c/d/e", "a b/c/d",
					   "=other", "a/b/c~" };
	struct atoms *a = atoms_new(7);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(atoms_named(a, span_str(bad[i])), ATOM_NONE);
	assert_int_equal(atoms_named(a, SPAN_LIT("config")), ATOM_CONFIG);
	assert_int_equal(atoms_named(a, SPAN_LIT("imap/me/17/body")),
			 origin(a, "17", "body"));
	assert_int_equal(
		atoms_named(a, SPAN_LIT("=email/x@y")),
		atoms_principal(a, SPAN_LIT("email"), SPAN_LIT("x@y")));
	atoms_free(a);
}

/* A full table gives no numbers, and everything labelled by them fails
 * closed; what was there is still found. */
static void test_full(void **)
{
	struct atoms *a = atoms_new(7);
	uint32_t first = origin(a, "first", ""), i, id = 1;
	struct label l;
	char item[16];

	for (i = 0; id; i++) {
		str_printf(item, sizeof(item), "%u", i);
		id = origin(a, item, "");
	}
	assert_int_equal(i, ATOMS_MAX - ATOM_FIRST);
	assert_int_equal(origin(a, "first", ""), first);
	l = label_of(origin(a, "one-more", "body"), INTEGRITY_CONFIG);
	assert_true(l.many);
	assert_int_equal(l.integrity, INTEGRITY_EXTERNAL);
	atoms_free(a);
}

static void test_store(void **)
{
	struct atoms *a = atoms_new(7), *b = atoms_new(9);
	struct buf one CLEAN_BUF = { .max = 65536 },
		       two CLEAN_BUF = { .max = 65536 },
		       text CLEAN_BUF = { .max = 65536 };
	uint32_t lea = atoms_principal(a, SPAN_LIT("email"), SPAN_LIT("l@x"));
	struct label l = label_of(origin(a, "17", "body"), INTEGRITY_KNOWN),
		     got;
	size_t i;

	label_add_atom(&l, ATOM_OWNER);
	label_restrict(&l, &lea, 1);
	label_encode(&one, &l, a);
	(void)origin(b, "other", "subject");
	assert_int_equal(label_decode(buf_view(&one), b, &got), 0);
	label_encode(&two, &got, b);
	assert_int_equal(one.n, two.n);
	label_text(&text, &got, b);
	assert_string_equal(buf_cstr(&text), "known from=owner,imap/me/17/body "
					     "readers==email/l@x");
	for (i = 0; i < one.n; i++)
		assert_int_equal(label_decode(span_of(one.p, i), b, &got), -1);
	buf_u8(&one, 0);
	assert_int_equal(label_decode(buf_view(&one), b, &got), -1);
	for (i = 0; i < 6; i++) { /* every byte of the head is checked */
		two.p[i] ^= 0x40;
		assert_int_equal(label_decode(buf_view(&two), b, &got), -1);
		two.p[i] ^= 0x40;
	}
	atoms_free(a);
	atoms_free(b);
}

/* What a name does not stand for, or an origin in the place of a reader. */
static void test_store_fails_closed(void **)
{
	struct atoms *a = atoms_new(7);
	struct buf b CLEAN_BUF = { .max = 65536 };
	struct label l;

	buf_put(&b, (const uint8_t[]){ 1, INTEGRITY_CONFIG, 0, 0, 1, 0 }, 6);
	buf_blob(&b, SPAN_LIT("no name"));
	assert_int_equal(label_decode(buf_view(&b), a, &l), 0);
	assert_true(l.many && l.integrity == INTEGRITY_EXTERNAL);
	buf_reset(&b);
	buf_put(&b, (const uint8_t[]){ 1, INTEGRITY_CONFIG, 1, 0, 0, 1 }, 6);
	buf_blob(&b, SPAN_LIT("no name"));
	assert_int_equal(label_decode(buf_view(&b), a, &l), 0);
	assert_int_equal(l.audience, READ_BY_OWNER);
	buf_cut(&b, 6);
	buf_blob(&b, SPAN_LIT("imap/me/17"));
	assert_int_equal(label_decode(buf_view(&b), a, &l), -1);
	buf_reset(&b);
	buf_put(&b, (const uint8_t[]){ 1, INTEGRITY_CONFIG, 0, 0, 1, 0 }, 6);
	buf_blob(&b, SPAN_LIT("=owner"));
	assert_int_equal(label_decode(buf_view(&b), a, &l), -1);
	atoms_free(a);
}

static void test_text_is_cut(void **)
{
	struct atoms *a = atoms_new(7);
	struct buf text CLEAN_BUF = { .max = 4096 };
	struct label l = label_empty();
	char item[8];
	int i;

	for (i = 0; i < LABEL_TEXT_ATOMS + 1; i++) {
		str_printf(item, sizeof(item), "%d", i);
		label_add_atom(&l, origin(a, item, ""));
	}
	label_restrict(&l, NULL, 0);
	label_text(&text, &l, a);
	assert_non_null(strstr(buf_cstr(&text), "imap/me/7,+1 readers=secret"));
	label_add_atom(&l, ATOM_NONE);
	buf_reset(&text);
	label_text(&text, &l, a);
	assert_non_null(strstr(buf_cstr(&text), "external from=many:imap"));
	atoms_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_laws),
		cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_origins_bound),
		cmocka_unit_test(test_readers_bound),
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_store_fails_closed),
		cmocka_unit_test(test_text_is_cut),
	};

	return cmocka_run_group_tests_name("label/label", tests, NULL, NULL);
}
