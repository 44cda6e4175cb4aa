/*
 * card_test: what stands on a card: chips, names as they are and as they look,
 * what is hidden, long texts; and that nothing but printable text leaves,
 * whatever comes in.
 */
#include <stdio.h>

#include "approval/card.h"
#include "base/str.h"
#include "base/testing.h"
#include "policy/model.h"
#include "render/render.h"

static const char yaml[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"owner: {email: me@example.net}\n"
	"sets:\n"
	"  family: [lea@example.org, \"max@xn--bcher-kva.example\"]\n"
	"sources:\n"
	"  mail: {reader: email, connector: inbox, integrity: external, "
	"audience: thread, reveal: text}\n"
	"capabilities:\n"
	"  email.send:\n"
	"    connector: out\n"
	"    effect: external\n"
	"    undo: none\n"
	"    args:\n"
	"      to: {type: email, role: target, from: [planner], in: family}\n"
	"    decide:\n"
	"      - allow: {}\n"
	"    limits: {rate: 1/day}\n";

static struct policy *policy;
static struct approval a;
static struct card_opts opts = { .words = "otter lantern" };

static int group_setup(void **)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load("p.yaml", span_str(yaml), NULL, &policy, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	opts.policy = policy;
	return 0;
}

static int group_teardown(void **)
{
	policy_free(policy);
	return 0;
}

static int setup(void **)
{
	approval_init(&a);
	a.ticket = 7;
	a.task = 12;
	a.state = APPROVAL_PENDING;
	a.asked = true;
	a.created_s = 1763795700;
	a.expires_s = a.created_s + 7200;
	a.quorum = 1;
	a.remember = REMEMBER_NEVER;
	a.undo = UNDO_NONE;
	a.log_size = 481;
	a.log_root = 0x1a2b3c4d;
	(void)str_printf(a.capability, sizeof(a.capability), "email.send");
	(void)str_printf(a.clause, sizeof(a.clause), "p.yaml:13:9 ask");
	opts.full = false;
	return 0;
}

static int teardown(void **)
{
	approval_done(&a);
	return 0;
}

static void add(const char *name, enum arg_type type, enum arg_role role,
		struct span value, bool permitted)
{
	struct decide_arg d = { .name = span_str(name),
				.value = value,
				.role = (uint8_t)role,
				.type = (uint8_t)type,
				.permitted = permitted };

	(void)str_printf(d.chip, sizeof(d.chip), "planner");
	approval_add_arg(&a, &d);
}

static const char *card(void)
{
	static struct buf out;

	buf_done(&out);
	buf_init(&out, CARD_BYTES);
	card_text(&out, &a, &opts);
	assert_true(buf_ok(&out));
	return buf_cstr(&out);
}

static void has(const char *what)
{
	const char *text = card();

	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void has_not(const char *what)
{
	const char *text = card();

	if (strstr(text, what))
		fail_msg("\"%s\" in:\n%s", what, text);
}

static void test_whole(void **)
{
	a.remember = REMEMBER_CONSTRAINED;
	a.again = 2;
	a.ready_s = a.created_s + 10;
	(void)str_printf(a.code, sizeof(a.code), "123456");
	add("to", TYPE_EMAIL, ROLE_TARGET, SPAN_LIT("lea@example.org"), true);
	add("body", TYPE_TEXT, ROLE_CONTENT, SPAN_LIT("Hi Lea,\nbye"), true);
	assert_string_equal(
		card(),
		"otter lantern\n"
		"q7, log 481 1a2b3c4d\n"
		"email.send (cannot be undone), task 12\n"
		"  body      11 bytes\n"
		"            | Hi Lea,\n"
		"            | bye\n"
		"            [planner]\n"
		"  to        {example.org} lea@example.org\n"
		"            [planner]\n"
		"  email.send, asked 2025-11-22T07:15:00Z, ends "
		"2025-11-22T09:15:00Z\n"
		"  the same was asked 2 times before, and nobody answered\n"
		"  your word counts after 10 s\n"
		"  needs the code that the console shows\n"
		"  asks because of p.yaml:13:9 ask\n"
		"  \"always\" would add, for 30 days:\n"
		"    email.send: allow: {to: {is: \"lea@example.org\"}}\n");
	/* The code itself is the console's. */
	has_not("123456");
	/* What others have to say, too, one word does not remember. */
	a.quorum = 2;
	has("  2 principals have to say yes\n");
	has_not("always");
}

static void test_names(void **)
{
	static const struct {
		enum arg_type type;
		const char *value, *want; /* NULL: no warning */
	} rows[] = {
		{ TYPE_EMAIL, "lea@example.org", NULL },
		{ TYPE_EMAIL, "me@example.net", NULL },
		{ TYPE_EMAIL, "bob@example.com", NULL },
		{ TYPE_EMAIL, "1ea@example.org",
		  "looks like lea@example.org, is not" },
		{ TYPE_EMAIL, "lea@exarnple.org",
		  "looks like lea@example.org, is not" },
		/* the domain of one, with another name before it */
		{ TYPE_EMAIL, "bob@exarnple.org",
		  "looks like lea@example.org, is not" },
		{ TYPE_EMAIL, "rne@example.net",
		  "looks like me@example.net, is not" },
		/* Cyrillic a for the first letter */
		{ TYPE_EMAIL, "x@xn--pple-43d.com",
		  "! letters of several scripts" },
		{ TYPE_EMAIL, "max@xn--bcher-kva.example", NULL },
		{ TYPE_URL, "https://login.example.co.uk/a", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&a.args);
		add("to", rows[i].type, ROLE_TARGET, span_str(rows[i].value),
		    true);
		if (rows[i].want)
			has(rows[i].want);
		else
			has_not("            ! ");
		has(rows[i].value);
	}
	has("{example.co.uk} https://login.example.co.uk/a");
	buf_reset(&a.args);
	add("to", TYPE_EMAIL, ROLE_TARGET,
	    SPAN_LIT("a@b.xn--bcher-kva.example"), false);
	has("{b\xc3\xbc"
	    "cher.example = xn--bcher-kva.example} \n"
	    "            | a@b.xn--bcher-kva.example");
	has("[planner] ! not an origin that the policy takes for this");
}

static void test_hidden(void **)
{
	/* U+200B and U+202E */
	static const uint8_t text[] = { 'a',  0xe2, 0x80, 0x8b, 0xe2,
					0x80, 0xae, 'b',  0xff };

	add("body", TYPE_TEXT, ROLE_CONTENT, span_of(text, sizeof(text)), true);
	has("\n! 2 hidden characters\n! 1 bytes that are no text\n");
	has("| a\\u{200B}\\u{202E}b\\x{FF}\n");
}

static void test_long_content(void **)
{
	static char text[CARD_CONTENT + 2];
	size_t n;

	memset(text, 'x', sizeof(text) - 1);
	text[0] = 'A';
	for (n = CARD_CONTENT - 1; n <= CARD_CONTENT + 1; n++) {
		buf_reset(&a.args);
		text[n - 1] = 'Z';
		add("body", TYPE_TEXT, ROLE_CONTENT, span_of(text, n), true);
		if (n > CARD_CONTENT)
			has("bytes left out}");
		else
			has_not("left out");
		has("| Ax");
		has("xZ\n");
		text[n - 1] = 'x';
	}
	opts.full = true;
	has_not("left out");
	has("601 bytes");
}

/* Right to left in its own field: what follows keeps its place. */
static void test_isolated(void **)
{
	add("title", TYPE_TEXT, ROLE_CONTROL, SPAN_LIT("\xd7\xa9\xd7\x9c"),
	    true);
	has("\xe2\x81\xa8\xd7\xa9\xd7\x9c\xe2\x81\xa9\n");
}

static size_t encode(uint32_t c, char *ret)
{
	size_t n = 0;

	if (c < 0x80) {
		ret[n++] = (char)c;
		return n;
	}
	if (c < 0x800) {
		ret[n++] = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			ret[n++] = (char)(0xe0 | c >> 12);
		} else {
			ret[n++] = (char)(0xf0 | c >> 18);
			ret[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		}
		ret[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	ret[n++] = (char)(0x80 | (c & 0x3f));
	return n;
}

/* Our own isolates, in pairs, and line breaks, are all that is not printable.
 */
static void printable(const char *text)
{
	struct span s = span_str(text);
	size_t i = 0, open = 0;

	while (i < s.n) {
		uint32_t c = 0;
		size_t n = render_decode(span_of(s.p + i, s.n - i), &c);

		assert_true(n > 0);
		if (c == '\n')
			assert_int_equal(open, 0);
		if (c == 0x2068)
			assert_int_equal(open++, 0);
		else if (c == 0x2069)
			assert_int_equal(--open, 0);
		else if (c != '\n' && render_hides(c))
			fail_msg("U+%04X left", c);
		i += n;
	}
	assert_int_equal(open, 0);
}

static void test_every_code_point(void **)
{
	enum { STEP = 0x400 };
	static char text[STEP * 5];
	uint32_t from, c;

	for (from = 0; from < 0x110000; from += STEP) {
		size_t n = 0;

		for (c = from; c < from + STEP; c++) {
			n += encode(c, text + n);
			text[n++] = 'a';
		}
		buf_reset(&a.args);
		add("body", TYPE_TEXT, ROLE_CONTENT, span_of(text, n), true);
		add("name", TYPE_TEXT, ROLE_CONTROL, span_of(text, n), true);
		opts.full = true;
		printable(card());
	}
}

static void test_hash(void **)
{
	uint8_t one[32], two[32];

	add("to", TYPE_EMAIL, ROLE_TARGET, SPAN_LIT("lea@example.org"), true);
	card_hash(&a, &opts, one);
	opts.full = true;
	card_hash(&a, &opts, two);
	assert_memory_equal(one, two, 32);
	a.expires_s++;
	card_hash(&a, &opts, two);
	assert_memory_not_equal(one, two, 32);
}

static void test_words(void **)
{
	char one[CARD_WORDS], two[CARD_WORDS];
	unsigned i;

	for (i = 0; i < 256; i++) {
		const uint8_t seed[CARD_SEED] = { (uint8_t)i, (uint8_t)(i * 7),
						  (uint8_t)i };

		card_words(seed, one);
		printable(one);
		assert_true(strlen(one) > 8 && strlen(one) < CARD_WORDS - 1);
	}
	card_words((const uint8_t[]){ 1, 2, 3 }, one);
	card_words((const uint8_t[]){ 2, 1, 3 }, two);
	assert_string_not_equal(one, two);
}

/* Whatever the text is, each line that has a part of it says so. */
static void test_no_forged_line(void **)
{
	static char text[4096];
	const char *p, *forged = "  to  {example.org} lea@example.org ";
	size_t n = 0, i;

	opts.full = true;
	/* At whatever column a terminal would begin a new line. */
	for (i = 0; i < 100; i++)
		n += (size_t)str_printf(text + n, sizeof(text) - n, "%s%c",
					forged, i % 7 ? 'x' : '\n');
	add("body", TYPE_TEXT, ROLE_CONTENT, span_of(text, n), true);
	add("to", TYPE_EMAIL, ROLE_TARGET, SPAN_LIT("eve@example.com"), true);
	for (p = card(); *p; p = strchr(p, '\n') + 1) {
		assert_true(strcspn(p, "\n") <= CARD_COLUMNS);
		assert_false(!strncmp(p, "  to  ", 6) &&
			     !strstr(p, "{example.com} eve@example.com"));
	}
	/* Nor is the target far from where the owner types. */
	p = card();
	assert_true(strstr(p, "  to   ") > strrchr(p, '|'));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(whole),	 T(names),    T(hidden),
		T(long_content), T(isolated), T(every_code_point),
		T(hash),	 T(words),    T(no_forged_line),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
