/* mime_test: the tree of parts, and where their bytes begin and end. */
#include "reader/mail/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "reader/mail/flaw.h"

/* "type{body}" for a leaf, "type(children)" for the others. */
static void show(const struct mime *m, uint32_t i, struct buf *out)
{
	const struct part *p = &m->parts[i];

	buf_span(out, p->sub);
	buf_u8(out, p->kind == PART_LEAF ? '{' : '(');
	if (p->kind == PART_LEAF)
		buf_span(out, p->body);
	for (uint32_t c = p->child; c; c = m->parts[c].next)
		show(m, c, out);
	buf_u8(out, p->kind == PART_LEAF ? '}' : ')');
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"
#define INNER "--b\nContent-Type: multipart/alternative; boundary=c\n\n"

static void check(const char *mail, const char *want, uint32_t want_flaws)
{
	CLEAN_BUF struct buf got = { .max = 10000 };
	struct mime *m = malloc(sizeof(*m));
	struct arena arena;
	uint32_t flaws = 0;
	int r;

	arena_init(&arena, 1 << 20);
	assert_non_null(m);
	r = mime_parse(span_str(mail), &arena, m, &flaws);
	if (r == 0)
		show(m, 0, &got);
	if ((r == 0) != (want != NULL) ||
	    (want && strcmp(buf_cstr(&got), want) != 0))
		fail_msg("%s: %s for %s", mail, buf_cstr(&got), want);
	if (flaws != want_flaws)
		fail_msg("%s: flaws %x", mail, flaws);
	arena_done(&arena);
	free(m);
}

static void test_parts(void **)
{
	static const struct {
		const char *mail;
		const char *want;
		uint32_t flaws;
	} rows[] = {
		{ "", NULL, 0 },
		{ "no mail", NULL, 1u << FLAW_INVALID_HEADER },
		{ "\nbody", "plain{body}", 0 },
		{ "A: b\n", "plain{}", 0 },
		{ "A: b\n\n", "plain{}", 0 },
		{ "A: b\r\n\r\nbody\r\n", "plain{body\r\n}", 0 },
		{ MIXED "pre\n--b\n\none\n--b\n\ntwo\n\n--b--\nepi\n",
		  "mixed(plain{one}plain{two\n})", 0 },
		{ "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
		  "--b \r\n\r\none\r\n--b-- \r\n",
		  "mixed(plain{one})", 0 },
		{ MIXED "--b\nA: b\n--b--\n", "mixed(plain{})", 0 },
		{ MIXED "--b\n--b\n\n\n--b--", "mixed(plain{}plain{})", 0 },
		{ MIXED "--b\ntext\n\nmore\n--b--",
		  "mixed(plain{text\n\nmore})", 1u << FLAW_INVALID_HEADER },
		{ MIXED "--bb\n--b-x\n--b\n\nx\n--b--junk\n--b--",
		  "mixed(plain{x\n--b--junk})", 0 },
		{ MIXED "--b\n\nx", "mixed(plain{x})", 1u << FLAW_NO_END },
		/* an end alone hides nothing */
		{ MIXED "x\n--b--\ny\n", "plain{x\n--b--\ny\n}",
		  1u << FLAW_NO_PARTS },
		{ MIXED "x\n--b--\n--b\n\ny\n", "plain{x\n--b--\n--b\n\ny\n}",
		  1u << FLAW_NO_PARTS | 1u << FLAW_AFTER_END },
		{ MIXED "x\n", "plain{x\n}", 1u << FLAW_NO_PARTS },
		{ "Content-Type: multipart/mixed\n\nx\n", "plain{x\n}",
		  1u << FLAW_NO_BOUNDARY },
		{ "Content-Type: multipart/mixed; boundary=\"\"\n\nx\n",
		  "plain{x\n}", 1u << FLAW_NO_BOUNDARY },
		{ MIXED "--b\n\nx\n--b--\n--b\n\ny\n--b--\n", "mixed(plain{x})",
		  1u << FLAW_AFTER_END },
		{ MIXED INNER "--c\n\nx\n--c--\n--b\n\ny\n--b--\n",
		  "mixed(alternative(plain{x})plain{y})", 0 },
		/* the outer boundary ends the inner multipart */
		{ MIXED INNER "--c\n\nx\n--b\n\ny\n--b--\n",
		  "mixed(alternative(plain{x})plain{y})", 1u << FLAW_NO_END },
		{ MIXED INNER "x\n--b--\n", "mixed(plain{x})",
		  1u << FLAW_NO_PARTS },
		/* and once the inner one has ended, its boundary is nobody's */
		{ MIXED "--b\n" MIXED "--b\n\nx\n--b--\n--b\n\ny\n--b--\n",
		  "mixed(mixed(plain{x})plain{y})", 1u << FLAW_SAME_BOUNDARY },
		{ "Content-Type: message/rfc822\n\nSubject: s\n\nx\n",
		  "rfc822(plain{x\n})", 0 },
		{ "Content-Type: message/rfc822\n\n", "rfc822(plain{})", 0 },
		{ "Content-Type: message/rfc822\n\nFrom x y\nA: b\n\nx",
		  "rfc822(plain{x})", 1u << FLAW_INVALID_HEADER },
		{ "Content-Type: message/rfc822\n"
		  "Content-Transfer-Encoding: base64\n\nx",
		  "rfc822{x}", 1u << FLAW_ENCODED_CONTAINER },
		{ "Content-Type: multipart/digest; boundary=b\n\n"
		  "--b\n\nA: b\n\nx\n--b\nContent-Type: text/a\n\ny\n--b--\n",
		  "digest(rfc822(plain{x})a{y})", 0 },
		{ "Content-Type: x\n\ny", "plain{y}", 1u << FLAW_BAD_TYPE },
		{ "Content-Type: /x\n\ny", "plain{y}", 1u << FLAW_BAD_TYPE },
		{ "Content-Type: text/\n\ny", "plain{y}", 1u << FLAW_BAD_TYPE },
		{ "Content-Type: Text/HTML; a=b\n\ny", "HTML{y}", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].mail, rows[i].want, rows[i].flaws);
}

/* Of every beginning of a mail the parts lie in it. */
static void test_cut(void **)
{
	static const char mail[] = MIXED INNER
		"--c\nA: b\n\nx\n--c--\n--b\n"
		"Content-Type: message/rfc822\n\n"
		"Content-Type: multipart/mixed; boundary=d\n\n--d\n\ny\n"
		"--d--\n--b--\n";
	struct mime *m = malloc(sizeof(*m));

	assert_non_null(m);
	for (size_t n = 1; n < sizeof(mail); n++) {
		uint8_t *copy = malloc(n);
		struct arena arena;
		uint32_t flaws = 0;

		assert_non_null(copy);
		memcpy(copy, mail, n);
		arena_init(&arena, 1 << 20);
		if (mime_parse(span_of(copy, n), &arena, m, &flaws) < 0)
			m->n = 0;
		for (uint32_t i = 0; i < m->n; i++) {
			struct span s = m->parts[i].body;

			assert_true(s.p >= copy && s.p + s.n <= copy + n);
			assert_true(m->parts[i].main.n);
		}
		arena_done(&arena);
		free(copy);
	}
	free(m);
}

static void test_boundary_limit(void **)
{
	for (size_t n = MIME_BOUNDARY_MAX - 1; n <= MIME_BOUNDARY_MAX + 1;
	     n++) {
		CLEAN_BUF struct buf b = { .max = 10000 };
		struct mime *m = malloc(sizeof(*m));
		struct arena arena;
		uint32_t flaws = 0;

		assert_non_null(m);
		buf_str(&b, "Content-Type: multipart/mixed; boundary=");
		for (size_t i = 0; i < n; i++)
			buf_u8(&b, 'b');
		buf_str(&b, "\n\n--");
		for (size_t i = 0; i < n; i++)
			buf_u8(&b, 'b');
		buf_str(&b, "\n\nx\n");
		arena_init(&arena, 1 << 20);
		assert_int_equal(mime_parse(buf_view(&b), &arena, m, &flaws),
				 0);
		assert_int_equal(m->n, n <= MIME_BOUNDARY_MAX ? 2 : 1);
		arena_done(&arena);
		free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_boundary_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
