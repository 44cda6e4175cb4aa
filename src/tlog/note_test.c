/* note_test: keys, notes, checkpoints, base64, proofs, tile paths. */
#include "tlog/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/b64.h"
#include "tlog/layout.h"
#include "tlog/proof.h"
#include "tlog/tree.h"

static void base64(void **state)
{
	static const struct {
		const char *text;
		int n; /* -1: refused */
		const char *bytes;
	} rows[] = {
		{ "", 0, "" },
		{ "Zg==", 1, "f" },
		{ "Zm8=", 2, "fo" },
		{ "Zm9v", 3, "foo" },
		{ "Zm9vYg==", 4, "foob" },
		{ "Zg=", -1, "" },
		{ "Zg", -1, "" },
		{ "Zh==", -1, "" },
		{ "Zm9=", -1, "" },
		{ "Z===", -1, "" },
		{ "====", -1, "" },
		{ "Zg==Zm9v", -1, "" },
		{ "Zm 9", -1, "" },
		{ "Zm9v\n", -1, "" },
		{ "Zm9vYmE=", 5, "fooba" },
		{ "Zm9vYmFyYmF6", -1, "" }, /* over the buffer */
		{ "Zm9-", -1, "" },
		{ "Z=9v", -1, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t out[8] = { 0 };
		char back[16];

		assert_int_equal(
			b64_decode(out, sizeof(out), span_str(rows[i].text)),
			rows[i].n);
		if (rows[i].n < 0)
			continue;
		assert_memory_equal(out, rows[i].bytes, (size_t)rows[i].n);
		b64_encode(back, span_of(out, (size_t)rows[i].n));
		assert_string_equal(back, rows[i].text);
	}
}

static void keys(void **state)
{
	char text[NOTE_KEY_MAX];
	char vkey[NOTE_VKEY_MAX];
	struct note_key k, again;
	struct note_vkey v;
	size_t n, i;

	(void)state;
	assert_int_equal(note_key_new("bulkhead", &k, text), 0);
	assert_memory_equal(k.vkey.name, "bulkhead/", 9);
	assert_int_equal(strlen(k.vkey.name), 17);
	assert_int_equal(note_key_parse(span_str(text), &again), 0);
	assert_memory_equal(again.vkey.pub, k.vkey.pub, NOTE_PUBLIC);
	note_key_done(&again);
	note_vkey_format(&k.vkey, vkey);
	assert_int_equal(note_vkey_parse(span_str(vkey), &v), 0);
	assert_memory_equal(&v, &k.vkey, sizeof(v));
	n = strlen(vkey);
	for (i = 0; i < n; i++) {
		assert_int_equal(note_vkey_parse(span_of(vkey, i), &v), -1);
		if (i)
			assert_int_equal(
				note_vkey_parse(span_of(vkey + i, n - i), &v),
				-1);
		vkey[i]++;
		assert_int_equal(note_vkey_parse(span_of(vkey, n), &v), -1);
		vkey[i]--;
	}
	note_key_done(&k);
}

static void notes(void **state)
{
	struct note_key k, other;
	char text[NOTE_KEY_MAX];
	struct span got;
	struct buf b;
	size_t i;

	(void)state;
	assert_int_equal(note_key_new("a", &k, text), 0);
	assert_int_equal(note_key_new("b", &other, text), 0);
	buf_init(&b, NOTE_MAX + 1000);
	assert_int_equal(note_sign(&b, SPAN_LIT("one\n\ntwo\n"), &k), 0);
	assert_int_equal(note_open(buf_view(&b), &k.vkey, 1, &got), NOTE_OK);
	assert_true(span_is(got, "one\n\ntwo\n"));
	assert_int_equal(note_open(buf_view(&b), &other.vkey, 1, &got),
			 NOTE_UNVERIFIED);
	assert_int_equal(note_open(buf_view(&b), NULL, 0, &got),
			 NOTE_UNVERIFIED);
	for (i = 0; i < b.n; i++) {
		assert_int_not_equal(
			note_open(span_of(b.p, i), &k.vkey, 1, &got), NOTE_OK);
		b.p[i] ^= 1;
		assert_int_not_equal(note_open(buf_view(&b), &k.vkey, 1, &got),
				     NOTE_OK);
		b.p[i] ^= 1;
	}
	buf_done(&b);
	note_key_done(&k);
	note_key_done(&other);
}

/* As many signatures as allowed, and one more. */
static void signature_limit(void **state)
{
	char text[NOTE_KEY_MAX];
	struct note_key k;
	struct span got;
	struct buf b;
	size_t n, i, tail;

	(void)state;
	assert_int_equal(note_key_new("a", &k, text), 0);
	for (n = NOTE_SIGNATURES - 1; n <= NOTE_SIGNATURES + 1; n++) {
		buf_init(&b, NOTE_MAX);
		assert_int_equal(note_sign(&b, SPAN_LIT("t\n"), &k), 0);
		tail = b.n - 3;
		for (i = 1; i < n; i++) {
			uint8_t *dst = buf_extend(&b, tail);

			assert_non_null(dst);
			memcpy(dst, b.p + 3, tail);
		}
		assert_int_equal(note_open(buf_view(&b), &k.vkey, 1, &got),
				 n <= NOTE_SIGNATURES ? NOTE_OK
						      : NOTE_MALFORMED);
		buf_done(&b);
	}
	note_key_done(&k);
}

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void checkpoints(void **state)
{
	static const struct {
		const char *text;
		int want;
		uint64_t size;
	} rows[] = {
		{ "log\n12\n" ROOT "\n", 0, 12 },
		{ "log\n0\n" ROOT "\n", 0, 0 },
		{ "log\n12\n" ROOT "\nmore\nyet more\n", 0, 12 },
		{ "log\n12\n" ROOT "\n\n", -1, 0 },
		{ "log\n12\n" ROOT "\nmore", -1, 0 },
		{ "log\n12\n" ROOT, -1, 0 },
		{ "\n12\n" ROOT "\n", -1, 0 },
		{ "log\n012\n" ROOT "\n", -1, 0 },
		{ "log\n-1\n" ROOT "\n", -1, 0 },
		{ "log\n0x1\n" ROOT "\n", -1, 0 },
		{ "log\n\n" ROOT "\n", -1, 0 },
		{ "log\n9223372036854775807\n" ROOT "\n", 0, INT64_MAX },
		{ "log\n9223372036854775808\n" ROOT "\n", -1, 0 },
		{ "log\n1\nAAAA" ROOT "\n", -1, 0 },
		{ "log\n1\nAAAA\n", -1, 0 },
		{ "", -1, 0 },
	};
	struct checkpoint c;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(checkpoint_parse(span_str(rows[i].text), &c),
				 rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(c.size, rows[i].size);
	}
	assert_int_equal(checkpoint_parse(span_str(rows[0].text), &c), 0);
	checkpoint_format(&b, &c);
	assert_string_equal(buf_cstr(&b), rows[0].text);
	buf_done(&b);
}

static void paths(void **state)
{
	static const struct {
		unsigned set;
		uint64_t n;
		uint32_t width;
		const char *want;
	} rows[] = {
		{ 0, 0, 0, "tile/0/000" },
		{ 0, 999, 0, "tile/0/999" },
		{ 0, 1000, 0, "tile/0/x001/000" },
		{ 1, 1234067, 0, "tile/1/x001/x234/067" },
		{ 5, 123456078, 2, "tile/5/x123/x456/078.p/2" },
		{ LAYOUT_ENTRIES, 1, 255, "tile/entries/001.p/255" },
		{ LAYOUT_ENTRIES, UINT64_MAX, 0,
		  "tile/entries/x018/x446/x744/x073/x709/x551/615" },
	};
	char path[LAYOUT_PATH];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		layout_path(path, rows[i].set, rows[i].n, rows[i].width);
		assert_string_equal(path, rows[i].want);
	}
}

/* The example of the specification: a tree of 70,000. */
static void widths(void **state)
{
	(void)state;
	assert_int_equal(layout_full(70000, 0), 273);
	assert_int_equal(layout_width(70000, 0), 112);
	assert_int_equal(layout_full(70000, LAYOUT_ENTRIES), 273);
	assert_int_equal(layout_full(70000, 1), 1);
	assert_int_equal(layout_width(70000, 1), 17);
	assert_int_equal(layout_full(70000, 2), 0);
	assert_int_equal(layout_width(70000, 2), 1);
	assert_int_equal(layout_full(256, 0), 1);
	assert_int_equal(layout_width(256, 0), 0);
	assert_int_equal(layout_width(256, 1), 1);
}

static void empty_root(void **state)
{
	static const uint8_t want[] = { 0xe3, 0xb0, 0xc4, 0x42 };
	struct tree *t = calloc(1, sizeof(*t));
	uint8_t root[TLOG_HASH];

	(void)state;
	assert_non_null(t);
	assert_int_equal(tree_root(t, root), 0);
	assert_memory_equal(root, want, sizeof(want));
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64),
		cmocka_unit_test(keys),
		cmocka_unit_test(notes),
		cmocka_unit_test(signature_limit),
		cmocka_unit_test(checkpoints),
		cmocka_unit_test(paths),
		cmocka_unit_test(widths),
		cmocka_unit_test(empty_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
