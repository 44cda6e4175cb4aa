/* cards_test: cards as messages, their buttons, and what is none of ours. */
#include "base/testing.h"

#include <string.h>

#include "base/str.h"
#include "cards/cards.h"
#include "policy/model.h"

static const uint8_t key[CARDS_KEY] = { 7 };

static struct approval sample(uint8_t remember, const char *code)
{
	struct approval a;

	approval_init(&a);
	a.ticket = 41;
	a.state = APPROVAL_PENDING;
	a.remember = remember;
	a.card[3] = 9;
	(void)str_printf(a.code, sizeof(a.code), "%s", code);
	(void)str_printf(a.capability, sizeof(a.capability), "note.ask");
	return a;
}

static void test_split(void **)
{
	static char text[CARDS_PARTS * 10 + 1];
	struct span ret[CARDS_PARTS];

	assert_int_equal(cards_split(SPAN_LIT(""), 10, ret), 0);
	assert_int_equal(cards_split(SPAN_LIT("0123456789"), 10, ret), 1);
	assert_int_equal(cards_split(SPAN_LIT("one\ntwo\nthree\n"), 10, ret),
			 2);
	assert_true(span_is(ret[0], "one\ntwo\n"));
	assert_true(span_is(ret[1], "three\n"));
	/* A line that is too long, between its characters. */
	assert_int_equal(cards_split(SPAN_LIT("aaaa\xc3\xa4\xc3\xa4"), 5, ret),
			 2);
	assert_true(span_is(ret[0], "aaaa"));
	assert_true(span_is(ret[1], "\xc3\xa4\xc3\xa4"));
	memset(text, 'x', sizeof(text));
	assert_int_equal(cards_split(span_of(text, sizeof(text) - 1), 10, ret),
			 CARDS_PARTS);
	assert_int_equal(cards_split(span_of(text, sizeof(text)), 10, ret), 0);
}

/* Which words there are; each comes back as what it says, and is ours. */
static void words(const struct approval *a, const char *want)
{
	struct cards_button b[CARDS_BUTTONS];
	struct cards_press p;
	char got[200] = "";
	size_t n = cards_buttons(a, key, b), i, at = 0;

	for (i = 0; i < n; i++) {
		at += (size_t)str_printf(got + at, sizeof(got) - at, "%s%s",
					 i ? ", " : "", b[i].label);
		assert_true(strlen(b[i].data) <= CARDS_DATA);
		assert_true(cards_read(span_str(b[i].data), &p));
		assert_int_equal(p.ticket, a->ticket);
		assert_true(cards_is_ours(&p, key, a->card));
	}
	assert_string_equal(got, want);
}

static void test_buttons(void **)
{
	struct approval a = sample(REMEMBER_NEVER, "");

	words(&a, "Approve, Refuse, Refuse and freeze");
	a.remember = REMEMBER_TASK;
	words(&a, "Approve, Refuse, Refuse and freeze, Approve 3 times, "
		  "Approve 10 times");
	approval_done(&a);
	a = sample(REMEMBER_CONSTRAINED, "123456");
	words(&a, "Refuse, Refuse and freeze");
	a.ticket = UINT64_MAX / 2;
	words(&a, "Refuse, Refuse and freeze");
	approval_done(&a);
}

/* Each byte of a button counts, and so do the card and the key. */
static void test_none_of_ours(void **)
{
	static const uint8_t other[CARDS_KEY] = { 8 };
	struct approval a = sample(REMEMBER_TASK, "");
	struct cards_button b[CARDS_BUTTONS];
	struct cards_press p;
	size_t n = cards_buttons(&a, key, b), i, k;
	uint8_t card[APPROVAL_HASH];

	for (i = 0; i < n; i++)
		for (k = 0; k < strlen(b[i].data); k++) {
			char data[CARDS_DATA + 1];

			memcpy(data, b[i].data, sizeof(data));
			data[k] ^= 1;
			assert_false(cards_read(span_str(data), &p) &&
				     cards_is_ours(&p, key, a.card));
		}
	assert_true(cards_read(span_str(b[0].data), &p));
	assert_false(cards_is_ours(&p, other, a.card));
	memcpy(card, a.card, sizeof(card));
	card[31] ^= 1;
	assert_false(cards_is_ours(&p, key, card));
	p.ticket++;
	assert_false(cards_is_ours(&p, key, a.card));
	approval_done(&a);
}

static void test_read(void **)
{
	static const char *const bad[] = {
		"",
		"1",
		"1.",
		"1.1.y.1.",
		"2.1.y.1.0123456789abcdef0123456789abcdef",
		"1.0.y.1.0123456789abcdef0123456789abcdef",
		"1.1.z.1.0123456789abcdef0123456789abcdef",
		"1.1.yy.1.0123456789abcdef0123456789abcdef",
		"1.1.y.21.0123456789abcdef0123456789abcdef",
		"1.1.y.-1.0123456789abcdef0123456789abcdef",
		"1.1.y.1.0123456789abcdef0123456789abcde",
		"1.1.y.1.0123456789abcdef0123456789abcdeg",
		"1.1.y.1.0123456789abcdef0123456789abcdef.",
		("1.1.y.1."
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789"),
	};
	struct cards_press p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(cards_read(span_str(bad[i]), &p));
	assert_true(cards_read(
		SPAN_LIT("1.7.a.1.0123456789abcdef0123456789abcdef"), &p));
	assert_int_equal(p.ticket, 7);
	assert_int_equal(p.word, CARDS_ALWAYS);
	assert_int_equal(p.times, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_buttons),
		cmocka_unit_test(test_none_of_ours),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
