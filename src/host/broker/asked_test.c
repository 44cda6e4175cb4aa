/* asked_test: what is new in a request, and how much may be looked at. */
#include "base/testing.h"

#include <string.h>

#include "host/broker/asked.h"

static char big[LLM_BODY], part_of[2][LLM_BODY + 1];

/* What is new in it; NULL: there was no room. */
static const char *look(struct asked *a, struct span text, uint64_t now_ms)
{
	static size_t turn;
	CLEAN_BUF struct buf b;
	struct span part;
	char *ret = part_of[turn++ % 2];

	buf_init(&b, LLM_BODY);
	buf_span(&b, text);
	assert_true(buf_ok(&b));
	if (!asked_new(a, &b, now_ms, &part))
		return NULL;
	if (part.n)
		memcpy(ret, part.p, part.n);
	ret[part.n] = 0;
	return ret;
}

static void check(struct asked *a, const char *text, const char *part)
{
	const char *got = look(a, span_str(text), 1);

	assert_non_null(got);
	assert_string_equal(got, part);
}

static void test_small(void **)
{
	struct asked a;

	asked_init(&a);
	check(&a, "", "");
	check(&a, "abc", "abc");
	check(&a, "abc", "");
	check(&a, "abxc", "abxc"); /* all of it is margin */
	check(&a, "abc", "abc");
	asked_forget(&a);
	check(&a, "abc", "abc");
	check(&a, "", "");
	asked_done(&a);
}

/* A conversation that grows before a tail that stays. */
static void test_grows(void **)
{
	enum { HEAD = 5000, TAIL = 3000 };
	struct asked a;
	const char *one, *two;
	size_t n;

	asked_init(&a);
	memset(big, 'h', HEAD);
	memset(big + HEAD, 't', TAIL);
	one = look(&a, span_of(big, HEAD + TAIL), 1);
	assert_int_equal(strlen(one), HEAD + TAIL);
	memmove(big + HEAD + 3, big + HEAD, TAIL);
	big[HEAD] = 'n';
	big[HEAD + 1] = 'e';
	big[HEAD + 2] = 'w';
	two = look(&a, span_of(big, HEAD + 3 + TAIL), 1);
	n = strlen(two);
	assert_true(n >= 3 + 2 * ASKED_MARGIN && n <= 4 + 2 * ASKED_MARGIN);
	assert_non_null(strstr(two, "hnewt"));
	asked_done(&a);
}

/* What there was no room for is new again. */
static void test_room(void **)
{
	struct asked a;
	const char *got;

	asked_init(&a);
	memset(big, 'a', sizeof(big));
	got = look(&a, span_of(big, sizeof(big)), 10);
	assert_non_null(got);
	memset(big, 'b', sizeof(big));
	assert_null(look(&a, span_of(big, 64 << 10), 10));
	assert_null(look(&a, span_of(big, 64 << 10), 10 + 63));
	got = look(&a, span_of(big, 64 << 10), 10 + 64);
	assert_non_null(got);
	assert_int_equal(strlen(got), 64 << 10);
	/* a clock that goes back gives nothing */
	memset(big, 'c', sizeof(big));
	assert_null(look(&a, span_of(big, 64 << 10), 5));
	/* and time no more than there was at first */
	got = look(&a, span_of(big, sizeof(big)), UINT64_MAX);
	assert_non_null(got);
	assert_null(look(&a, SPAN_LIT("x"), UINT64_MAX));
	asked_done(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("broker/asked", tests, NULL, NULL);
}
