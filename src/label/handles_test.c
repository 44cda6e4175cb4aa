/* handles_test: numbers, fields, other tasks, bounds. */
#include "base/testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "label/handles.h"

static struct label mail;

static struct handle_value value(enum arg_type type, const char *bytes)
{
	return (struct handle_value){ .kind = SPAN_LIT("mail.body"),
				      .type = type,
				      .origin = ORIGIN_HANDLE,
				      .bytes = span_str(bytes),
				      .item = 17,
				      .label = &mail };
}

static const struct handle *add(struct handles *h, enum arg_type type,
				const char *bytes)
{
	struct handle_value v = value(type, bytes);
	const struct handle *k = NULL;

	assert_int_equal(handles_add(h, &v, &k), 0);
	return k;
}

static void test_find(void **)
{
	static const char *const bad[] = {
		"",	"@",	    "12",	"@11",
		"@14",	"@012",	    "@12 ",	"@+12",
		"@12.", "@13.none", "@13.NAME", "@13.name.x",
		"@0",	"@-1",	    "@12.name", "@4294967308"
	};
	struct handles *h = handles_new(12);
	struct handle_value v = value(TYPE_EMAIL, "Lea@EXAMPLE.org");
	const struct handle *a = add(h, TYPE_TEXT, "hello"),
			    *b = add(h, TYPE_TEXT, "from"), *f, *g;
	struct buf ref CLEAN_BUF = { .max = 64 };
	size_t i;

	assert_int_equal(a->id, 12);
	assert_int_equal(handles_add_field(h, b, "name", &v, &f), 0);
	assert_int_equal(handles_add_field(h, b, "addr", &v, &g), 0);
	assert_int_equal(handles_add_field(h, b, "name", &v, &g), -EEXIST);
	assert_true(span_is(f->value, "Lea@example.org"));
	assert_ptr_equal(handles_find(h, SPAN_LIT("@12")), a);
	assert_ptr_equal(handles_find(h, SPAN_LIT("@13")), b);
	assert_ptr_equal(handles_find(h, SPAN_LIT("@13.name")), f);
	assert_ptr_equal(handles_find(h, SPAN_LIT("@13.addr")), g);
	handle_ref(&ref, f);
	assert_string_equal(buf_cstr(&ref), "@13.name");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (handles_find(h, span_str(bad[i])))
			fail_msg("%s is found", bad[i]);
	handles_free(h);
}

/* Each task's numbers are its own. */
static void test_other_task(void **)
{
	struct handles *one = handles_new(1), *two;
	uint32_t i;

	for (i = 0; i < 5; i++)
		(void)add(one, TYPE_TEXT, "x");
	two = handles_new(handles_next(one));
	assert_int_equal(add(two, TYPE_TEXT, "y")->id, 6);
	assert_null(handles_find(two, SPAN_LIT("@5")));
	assert_null(handles_find(one, SPAN_LIT("@6")));
	handles_free(one);
	handles_free(two);
}

/* A part of another table: its numbers, and none between them. */
static void test_part(void **)
{
	struct handles *h = handles_new(12);
	struct handle_value v = value(TYPE_TEXT, "x");
	const struct handle *k = NULL, *f = NULL;

	assert_int_equal(handles_add_at(h, 11, &v, &k), -EINVAL);
	assert_int_equal(handles_add_at(h, 12 + HANDLES_MAX, &v, &k), -EINVAL);
	assert_int_equal(handles_add_at(h, 14, &v, &k), 0);
	assert_int_equal(k->id, 14);
	assert_int_equal(handles_add_field(h, k, "name", &v, &f), 0);
	assert_int_equal(handles_add_at(h, 14, &v, &k), -EINVAL);
	assert_int_equal(handles_add_at(h, 13, &v, &k), -EINVAL);
	assert_int_equal(add(h, TYPE_TEXT, "y")->id, 15);
	assert_int_equal(handles_add_at(h, 11 + HANDLES_MAX, &v, &k), 0);
	assert_int_equal(handles_add_at(h, 12 + HANDLES_MAX, &v, &k), -EINVAL);
	assert_null(handles_find(h, SPAN_LIT("@12")));
	assert_null(handles_find(h, SPAN_LIT("@13")));
	assert_null(handles_find(h, SPAN_LIT("@16")));
	assert_ptr_equal(handles_find(h, SPAN_LIT("@14.name")), f);
	handles_free(h);
}

static void test_refused(void **)
{
	struct handles *h = handles_new(1), *other = handles_new(1);
	const struct handle *k = NULL, *foreign = add(other, TYPE_TEXT, "x"),
			    *own = add(h, TYPE_TEXT, "x"), *field;
	struct handle_value v = value(TYPE_EMAIL, "no address");

	assert_int_equal(handles_add(h, &v, &k), -EINVAL);
	v = value(TYPE_TEXT, "\xff");
	assert_int_equal(handles_add(h, &v, &k), -EINVAL);
	v = value(TYPE_TEXT, "x");
	v.kind = SPAN_LIT("");
	assert_int_equal(handles_add(h, &v, &k), -EINVAL);
	v.kind = SPAN_LIT("mail.body");
	assert_int_equal(handles_add_field(h, own, "No", &v, &k), -EINVAL);
	assert_int_equal(handles_add_field(h, own, "", &v, &k), -EINVAL);
	assert_int_equal(handles_add_field(h, foreign, "a", &v, &k), -EINVAL);
	assert_int_equal(handles_add_field(h, own, "a", &v, &field), 0);
	assert_int_equal(handles_add_field(h, field, "b", &v, &k), -EINVAL);
	assert_null(k);
	/* what was refused has taken no number */
	assert_int_equal(add(h, TYPE_TEXT, "x")->id, 2);
	handles_free(h);
	handles_free(other);
}

static void test_text_is_cleaned(void **)
{
	struct handles *h = handles_new(1);

	assert_true(span_is(add(h, TYPE_TEXT,
				"a\r\nb\x1b[1m\tc\xc2\x85"
				"d\xc2\xa9")
				    ->value,
			    "a\nb[1m\tcd\xc2\xa9"));
	handles_free(h);
}

static void test_bounds(void **)
{
	struct handles *h = handles_new(HANDLE_LAST);
	struct handle_value v = value(TYPE_TEXT, "x");
	const struct handle *k;
	char *big;
	int i;

	(void)add(h, TYPE_TEXT, "x");
	assert_int_equal(handles_add(h, &v, &k), -ENOSPC);
	handles_free(h);
	h = handles_new(1);
	for (i = 0; i < HANDLES_MAX; i++)
		(void)add(h, TYPE_TEXT, "x");
	assert_int_equal(handles_add(h, &v, &k), -ENOSPC);
	handles_free(h);
	h = handles_new(1);
	big = malloc(HANDLES_BYTES);
	assert_non_null(big);
	memset(big, 'x', HANDLES_BYTES);
	v.bytes = span_of(big, HANDLES_BYTES - 1);
	assert_int_equal(handles_add(h, &v, &k), 0);
	v.bytes = span_of(big, 2);
	assert_int_equal(handles_add(h, &v, &k), -ENOSPC);
	v.bytes.n = 1;
	assert_int_equal(handles_add(h, &v, &k), 0);
	free(big);
	handles_free(h);
}

/* What goes along to another table keeps its fields, its bytes and its label,
 * and has a new number. */
static void test_copy(void **)
{
	struct handles *from = handles_new(12), *to = handles_new(100);
	struct handle_value v = value(TYPE_EMAIL, "lea@example.org");
	const struct handle *a = add(from, TYPE_TEXT, "hello"), *name, *k;

	(void)add(from, TYPE_TEXT, "other");
	assert_int_equal(handles_add_field(from, a, "name", &v, &name), 0);
	assert_int_equal(handles_add_field(from, a, "addr", &v, &k), 0);
	assert_int_equal(handles_copy(to, from, a, &k), 0);
	assert_int_equal(k->id, 100);
	assert_true(span_is(k->value, "hello"));
	assert_true(label_eq(&k->label, &a->label));
	assert_int_equal(k->item, a->item);
	assert_non_null(handles_find(to, SPAN_LIT("@100.name")));
	assert_non_null(handles_find(to, SPAN_LIT("@100.addr")));
	assert_null(handles_find(to, SPAN_LIT("@12")));
	assert_int_equal(handles_copy(to, from, name, &k), 0);
	assert_true(span_is(handles_find(to, SPAN_LIT("@101"))->value,
			    "lea@example.org"));
	assert_null(handles_find(to, SPAN_LIT("@101.addr")));
	assert_int_equal(handles_first(to), 100);
	assert_int_equal(handles_next(to), 102);
	handles_free(from);
	handles_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_other_task),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text_is_cleaned),
		cmocka_unit_test(test_bounds),
	};

	mail = label_of(ATOM_FIRST, INTEGRITY_EXTERNAL);
	return cmocka_run_group_tests_name("label/handles", tests, NULL, NULL);
}
