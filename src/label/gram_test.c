/* gram_test: copies and their disguises are found, what is no copy is not. */
#include "base/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "label/decode.h"
#include "label/fold.h"
#include "label/gram.h"

#define SECRET                                                                 \
	"Dear Lea, the code of the back door is seven four nine one; please "  \
	"keep it for yourself and tell nobody about the key under the pot."
#define OTHER                                                                  \
	"Minutes of Tuesday: the roof will be repaired in April by the usual " \
	"firm, the offer of 4200 euros was accepted without a vote."

static struct label mail_a, mail_b;

struct row {
	const char *value;
	uint32_t least, most; /* cover */
	enum gram_form form;
};

static const struct row rows[] = {
	{ SECRET, 1000, 1000, GRAM_PLAIN },
	{ "DEAR LEA - THE CODE OF THE BACK DOOR IS SEVEN FOUR NINE ONE", 1000,
	  1000, GRAM_PLAIN },
	{ "t-h-e c.o.d.e o f t h e b a c k d_o_o_r", 1000, 1000, GRAM_PLAIN },
	{ "Th\xc3\xa9 c\xc3\xb6"
	  "de \xef\xbd\x8f\xef\xbd\x86 the b\xc3\xa2"
	  "ck door",
	  1000, 1000, GRAM_PLAIN },
	{ "I was told that the code of the back door is something that I may "
	  "not pass on to you, sorry for that, ask again another day.",
	  150, 500, GRAM_PLAIN },
	{ "top eht rednu yek eht tuoba ydobon llet", 1000, 1000,
	  GRAM_REVERSED },
	{ "%74%68e%20c%6fde%20of%20the%20%62ack%20door%69s", 1000, 1000,
	  GRAM_URL },
	{ "%2574%2568%2565%2520code%2520of%2520the%2520ba%2563k%2520door", 900,
	  1000, GRAM_URL },
	/* the code of the back door is seven */
	{ "74686520636f6465206f6620746865206261636b20646f6f7220697320736576656"
	  "e",
	  1000, 1000, GRAM_HEX },
	{ "f7 46 86 52 06 36 f6 46 52 06 f6 62 07 46 86 52 06 26 16 36 b2 06 46"
	  " f6 f7 2",
	  900, 1000, GRAM_HEX },
	{ "\\x74\\x68\\x65\\x20\\x63\\x6f\\x64\\x65\\x20\\x6f\\x66\\x20\\x74"
	  "\\x68\\x65\\x20\\x62\\x61\\x63\\x6b",
	  1000, 1000, GRAM_HEX },
	{ "dGhlIGNvZGUgb2YgdGhlIGJhY2sgZG9vciBpcyBzZXZlbg==", 1000, 1000,
	  GRAM_BASE64 },
	{ "See: dGhlIGNvZGUgb2YgdGhlIGJhY2sgZG9vciBpcyBzZXZlbg==", 1000, 1000,
	  GRAM_BASE64 },
	{ "xx dGhlIGNv ZGUgb2Yg dGhlIGJh Y2sgZG9v ciBpcyBz ZXZlbg", 1000, 1000,
	  GRAM_BASE64 },
	{ "ORUGKIDDN5SGKIDPMYQHI2DFEBRGCY3LEBSG633SEBUXGIDTMV3GK3Q=", 1000,
	  1000, GRAM_BASE32 },
	{ "orugkiddn5sgkidpmyqhi2dfebrgcy3lebsg633sebuxgidtmv3gk3q", 1000, 1000,
	  GRAM_BASE32 },
	/* no copies */
	{ "", 0, 0, GRAM_PLAIN },
	{ "the code", 0, 0, GRAM_PLAIN },
	{ "The weather in Lisbon stays mild; we land on Friday at noon.", 0, 0,
	  GRAM_PLAIN },
	{ "seven 4 nine 1 opens it, the door at the rear", 0, 0, GRAM_PLAIN },
};

static struct gram *both_mails(void)
{
	struct gram *g = gram_new(42);

	assert_non_null(g);
	assert_int_equal(gram_add(g, SPAN_LIT(SECRET), &mail_a), 0);
	assert_int_equal(gram_add(g, SPAN_LIT(OTHER), &mail_b), 0);
	return g;
}

static void test_rows(void **)
{
	struct gram *g = both_mails();
	struct gram_match m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		gram_match(g, span_str(r->value), &m);
		if (m.cover < r->least || m.cover > r->most ||
		    (m.cover && m.form != r->form))
			fail_msg("\"%s\": got %u %s", r->value, m.cover,
				 gram_form_name(m.form));
	}
	gram_free(g);
}

static void test_labels(void **)
{
	struct gram *g = both_mails();
	struct gram_match m;

	gram_match(g, SPAN_LIT("the key under the pot"), &m);
	assert_true(label_eq(&m.label, &mail_a));
	gram_match(g,
		   SPAN_LIT("the key under the pot: the offer of 4200 euros"),
		   &m);
	assert_int_equal(m.cover, 1000);
	assert_true(label_covers(&m.label, &mail_a));
	assert_true(label_covers(&m.label, &mail_b));
	gram_match(g, SPAN_LIT("nothing of all that is in here"), &m);
	assert_int_equal(m.cover, 0);
	gram_free(g);
}

/* Each passage of GRAM_MIN is found wherever it begins; shorter ones are not.
 */
static void test_every_place(void **)
{
	struct gram *g = gram_new(1);
	struct buf folded CLEAN_BUF = { .max = 4096 };
	struct gram_match m;
	size_t i;

	assert_int_equal(gram_add(g, SPAN_LIT("xyz"), &mail_b), 0);
	assert_int_equal(gram_add(g, SPAN_LIT(SECRET), &mail_a), 0);
	fold_text(&folded, SPAN_LIT(SECRET));
	for (i = 0; i + GRAM_MIN <= folded.n; i++) {
		gram_match(g, buf_part(&folded, i, GRAM_MIN), &m);
		if (m.cover != 1000)
			fail_msg("at %zu: got %u", i, m.cover);
		gram_match(g, buf_part(&folded, i, GRAM_MIN - 1), &m);
		assert_int_equal(m.cover, 0);
	}
	/* not across the end of one text and the beginning of the next */
	gram_match(g, SPAN_LIT("xyzdearleath"), &m);
	assert_int_equal(m.cover, 0);
	gram_free(g);
}

static void test_fold(void **)
{
	struct buf a CLEAN_BUF = { .max = 4096 }, b CLEAN_BUF = { .max = 4096 };

	fold_text(&a, SPAN_LIT("H\xc3\x89llo, \xef\xbc\xb7\xf0\x9d\x90\xa8rld "
			       "\xff\xe2\x80\x8b 7\xc2\xb2"));
	assert_string_equal(buf_cstr(&a), "helloworld72");
	buf_reset(&a);
	fold_text(&a, SPAN_LIT("\xd0\x9f\xd0\xa0\xd0\x98")); /* capitals */
	fold_text(&b, SPAN_LIT("\xd0\xbf\xd1\x80\xd0\xb8"));
	assert_int_equal(a.n, 3);
	assert_true(span_eq(buf_view(&a), buf_view(&b)));
	buf_reset(&a);
	fold_runs(&a,
		  SPAN_LIT("abc\x01"
			   "defg h\x80"
			   "ij\n\xc3\xa9kl"),
		  4);
	assert_int_equal(a.n, 12);
	assert_memory_equal(a.p, "defgh\0ijekl", 12);
}

/* The same passage over and over must not hide what comes behind it. */
static void test_crowding(void **)
{
	enum { N = 200000 };
	struct gram *g = gram_new(3);
	char *text = malloc(N);
	struct gram_match m;
	size_t i;

	assert_non_null(text);
	for (i = 0; i < N; i++)
		text[i] = "abcdefgh"[i % 8];
	assert_int_equal(gram_add(g, span_of(text, N), &mail_b), 0);
	memset(text, 'a', N);
	assert_int_equal(gram_add(g, span_of(text, N), &mail_b), 0);
	assert_int_equal(gram_add(g, SPAN_LIT(SECRET), &mail_a), 0);
	gram_match(g, SPAN_LIT(SECRET), &m);
	assert_int_equal(m.cover, 1000);
	assert_true(label_eq(&m.label, &mail_a));
	gram_match(g, span_of(text, GRAM_VALUE_MAX), &m);
	assert_int_equal(m.cover, 1000);
	free(text);
	gram_free(g);
}

static void test_full(void **)
{
	struct gram *g = gram_new(3);
	char *text = malloc(GRAM_TEXT_MAX);
	struct gram_match m;
	uint32_t x = 1;
	size_t i;

	assert_non_null(text);
	for (i = 0; i < GRAM_TEXT_MAX; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (char)('a' + (x >> 8) % 26);
	}
	assert_int_equal(gram_add(g, span_of(text, GRAM_TEXT_MAX - 1), &mail_a),
			 0);
	assert_int_equal(gram_add(g, SPAN_LIT(SECRET), &mail_b), -ENOSPC);
	gram_match(g, span_of(text + GRAM_TEXT_MAX - 1000, 900), &m);
	assert_int_equal(m.cover, 1000);
	gram_match(g, SPAN_LIT(SECRET), &m);
	assert_int_equal(m.cover, 0);
	gram_free(g);
	g = gram_new(3);
	assert_int_equal(gram_add(g, span_of(text, GRAM_TEXT_MAX), &mail_a),
			 -ENOSPC);
	gram_match(g, span_of(text, 900), &m);
	assert_int_equal(m.cover, 1000); /* its beginning is kept */
	gram_free(g);
	free(text);
}

static void test_sources_bound(void **)
{
	struct gram *g = gram_new(3);
	char text[64];
	int i;

	for (i = 0; i < GRAM_SOURCES; i++) {
		str_printf(text, sizeof(text), "number %d of a good many", i);
		assert_int_equal(gram_add(g, span_str(text), &mail_a), 0);
	}
	assert_int_equal(gram_add(g, span_str(text), &mail_a), -ENOSPC);
	gram_free(g);
}

#define QUOTED                                                                 \
	"code of the back door is seven four nine one; please keep it for"

/* As a string of JSON writes it, and a string of JSON in a string of JSON. */
static const struct {
	const char *json;
	bool a, b;
} quotes[] = {
	{ "{\"content\":\"it says: " QUOTED "\"}", true, false },
	{ "the CODE of\\nthe back\\\\n\\\\tdoor is seven four nine \\u006fne; "
	  "please \\\\u006beep it for",
	  true, false },
	{ "code \\ud835\\udc28f the back door is seven four nine \\ud83d\\ude00"
	  "one; please keep it for",
	  true, false },
	/* a half of a pair, and of an escape */
	{ QUOTED "\\ud835\\u00", true, false },
	{ QUOTED "\\", true, false },
	/* of the sources test_quotes adds: all of a short one, or a part */
	{ "Look here: the gate in Elm Street opens up; and so on", false,
	  true },
	{ "Look here: the gate in Elm Street opens", false, false },
	/* too little of a long one */
	{ "the code of the back door is seven four nine", false, false },
	{ "", false, false },
	{ "\\", false, false },
	{ "\\u12", false, false },
};

static void test_quotes(void **)
{
	struct gram *g = gram_new(42);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(quotes); i++) {
		struct label none = label_empty(), l = none;

		assert_true(gram_quotes(g, span_str(quotes[i].json), &l));
		assert_true(label_eq(&l, &none));
	}
	assert_int_equal(gram_add(g, SPAN_LIT(SECRET), &mail_a), 0);
	assert_int_equal(gram_add(g,
				  SPAN_LIT("The gate in Elm Street opens up!"),
				  &mail_b),
			 0);
	for (i = 0; i < ARRAY_SIZE(quotes); i++) {
		struct label l = label_empty();

		assert_true(gram_quotes(g, span_str(quotes[i].json), &l));
		if (label_has_atom(&l, ATOM_FIRST) != quotes[i].a ||
		    label_has_atom(&l, ATOM_FIRST + 1) != quotes[i].b)
			fail_msg("\"%s\"", quotes[i].json);
	}
	gram_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_crowding),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_sources_bound),
		cmocka_unit_test(test_quotes),
	};

	mail_a = label_of(ATOM_FIRST, INTEGRITY_EXTERNAL);
	mail_b = label_of(ATOM_FIRST + 1, INTEGRITY_KNOWN);
	return cmocka_run_group_tests_name("label/gram", tests, NULL, NULL);
}
