/* links_test: what clients link, what is left of it under each rule. */
#include "base/testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "label/links.h"

struct row {
	const char *text;
	const char *links; /* one a line */
};

static const struct row rows[] = {
	{ "see https://example.org/a?b=c#d now",
	  "https://example.org/a?b=c#d" },
	{ "https://a.org/x, http://b.org/y.",
	  "https://a.org/x\nhttp://b.org/y" },
	{ "(https://a.org/x).", "https://a.org/x" },
	{ "[text](https://a.org/x)", "https://a.org/x" },
	{ "![](http://1.2.3.4:8080/p?q=secret)",
	  "http://1.2.3.4:8080/p?q=secret" },
	{ "<https://a.org/x|text>", "https://a.org/x|text" },
	{ "\"https://a.org/x\"", "https://a.org/x" },
	{ "\xe2\x80\x9chttps://a.org/x\xe2\x80\x9d", "https://a.org/x" },
	{ "HTTPS://A.ORG", "HTTPS://A.ORG" },
	{ "git+ssh://a/b", "git+ssh://a/b" },
	{ "tg://resolve?domain=x", "tg://resolve?domain=x" },
	{ "see:http://localhost/x", "http://localhost/x" },
	{ "http:a.org", "http:a.org" },
	{ "mailto:a@b.org", "mailto:a@b.org" },
	{ "javascript:alert(1)", "javascript:alert(1" },
	{ "tel:+49151", "tel:+49151" },
	{ "www.example.org/x", "www.example.org/x" },
	{ "www.x1", "www.x1" },
	{ "go to evil.example/x?y", "evil.example/x?y" },
	{ "//evil.example/x", "//evil.example/x" },
	{ "![](//1249763844/?q=secret)", "//1249763844/?q=secret" },
	{ "[x](//evil%2eorg)", "//evil%2eorg" },
	/* what Markdown and HTML read as the mark itself */
	{ "![](https&#58;//evil&#46;org/a.png)", "&#58;//evil&#46;org/a.png" },
	{ "![](https&colon;//evil&period;org)", "&colon;//evil&period;org" },
	{ "![](https\\://evil\\.org/a.png)", "\\://evil\\.org/a.png" },
	{ "[x](/&#x2f;evil)", "&#x2f;evil" },
	{ "a@b.org", "a@b.org" },
	{ "write a+b@c.org!", "a+b@c.org" },
	{ "10.0.0.1", "10.0.0.1" },
	{ "ex\xc3\xa4mple.org", "ex\xc3\xa4mple.org" },
	{ "xn--bcher-kva.xn--p1ai", "xn--bcher-kva.xn--p1ai" },
	{ "evil\xe3\x80\x82"
	  "org",
	  "evil\xe3\x80\x82"
	  "org" },
	{ "evil\xef\xbc\x8eorg/x", "evil\xef\xbc\x8eorg/x" },
	{ "README.md", "README.md" },
	{ "a.pdf.evil.com", "a.pdf.evil.com" },
	/* what hangs on a link is part of it */
	{ "https://a.org/x,secret", "https://a.org/x,secret" },
	{ "https://a.org/x\"secret", "https://a.org/x\"secret" },
	{ "https://a.org/x\xc2\xa0secret", "https://a.org/x\xc2\xa0secret" },
	{ "https://a.org/x....", "https://a.org/x." },
	{ "g.\xe2\x80\x99", "g.\xe2\x80\x99" }, /* found by fuzzing */
	{ "\xc3\xa9.a\xc3\xa9.A://g", "\xc3\xa9.a\xc3\xa9.A://g" },
	/* none */
	{ "", "" },
	{ "e.g. at 5 p.m., i.e. 17:00", "" },
	{ "report.pdf, notes.txt.", "" },
	{ "costs 3.50 or 1,000.00", "" },
	{ "version 1.2.3", "" },
	{ "well... yes; no: maybe", "" },
	{ "note: this", "" },
	{ "user@localhost", "" },
	{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe4\xb8\x96\xe7\x95\x8c", "" },
	{ "@someone", "" },
	{ "this/that a//b and // so on", "" },
	{ "Smith & Sons, R&D; C:\\dir", "" },
};

static void test_find(void **)
{
	struct link links[LINKS_MAX];
	size_t i;
	int k, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span text = span_str(rows[i].text);
		struct buf got CLEAN_BUF = { .max = 4096 };

		n = links_find(text, links, LINKS_MAX);
		for (k = 0; k < n; k++) {
			if (k)
				buf_str(&got, "\n");
			buf_put(&got, text.p + links[k].at, links[k].n);
		}
		if (!span_is(buf_view(&got), rows[i].links))
			fail_msg("\"%s\": got \"%s\"", rows[i].text,
				 buf_cstr(&got));
	}
}

static void apply(const char *text, enum links rule,
		  const struct link_set *allowed, const char *want)
{
	struct buf out CLEAN_BUF = { .max = 4096 };
	struct link_edits edits;

	assert_int_equal(
		links_apply(span_str(text), rule, allowed, &out, &edits), 0);
	assert_string_equal(buf_cstr(&out), want);
}

static void test_rules(void **)
{
	struct link_set set;

	link_set_init(&set);
	link_set_read(&set, SPAN_LIT("mail with https://a.org/x. and b.org"));
	assert_int_equal(set.n, 2);
	apply("so \\\\. And", LINKS_STRIP, &set, "so \\\\. And");
	apply("(b.orgttp:\\/Taigl)", LINKS_STRIP, &set,
	      "(b[.]orgttp[:][\\]/Taigl)");
	apply("at https://a.org/x!", LINKS_STRIP, &set,
	      "at https[:]//a[.]org/x!");
	apply("at https://a.org/x!", LINKS_SOURCE, &set, "at https://a.org/x!");
	apply("at https://a.org/x!", LINKS_OWNER, NULL,
	      "at https[:]//a[.]org/x!");
	apply("at https://a.org/xy", LINKS_SOURCE, &set,
	      "at https[:]//a[.]org/xy");
	apply("at https://a.org/", LINKS_SOURCE, &set, "at https[:]//a[.]org/");
	apply("at HTTPS://a.org/x", LINKS_OWNER, &set,
	      "at HTTPS[:]//a[.]org/x");
	apply("https://c.org me@c.org b.org", LINKS_OWNER, &set,
	      "https[:]//c[.]org me[@]c[.]org b.org");
	apply("https://c.org", LINKS_ANY, NULL, "https://c.org");
	apply("evil\xe3\x80\x82"
	      "org",
	      LINKS_STRIP, NULL, "evil[.]org");
	apply("no link", LINKS_STRIP, NULL, "no link");
	apply("![](https&#58;//evil&#46;org/a)", LINKS_STRIP, NULL,
	      "![](https[&]#58;//evil[&]#46;org/a)");
	apply("![](https\\://evil\\.org/a)", LINKS_STRIP, NULL,
	      "![](https\\[:]//evil\\[.]org/a)");
	apply("![](//1249763844/?q=x)", LINKS_STRIP, NULL,
	      "![]([/]/1249763844/?q=x)");
	link_set_done(&set);
}

static void test_edits(void **)
{
	/* 0123456789.....        e at 3..7 */
	static const char text[] = "at a.org b";
	struct buf out CLEAN_BUF = { .max = 4096 };
	struct link_edits e;

	assert_int_equal(
		links_apply(span_str(text), LINKS_STRIP, NULL, &out, &e), 0);
	assert_string_equal(buf_cstr(&out), "at a[.]org b");
	assert_int_equal(e.n, 1);
	assert_int_equal(link_edits_map(&e, 0), 0);
	assert_int_equal(link_edits_map(&e, 3), 3);
	assert_int_equal(link_edits_map(&e, 5), 3);
	assert_int_equal(link_edits_map(&e, 8), 10);
	assert_int_equal(link_edits_map(&e, 10), 12);
}

static void test_bounds(void **)
{
	struct buf text CLEAN_BUF = { .max = 1 << 20 },
			out CLEAN_BUF = { .max = 1 << 20 };
	struct link_edits e;
	struct link_set set;
	int i;

	for (i = 0; i < LINKS_MAX; i++)
		buf_str(&text, "a.org ");
	assert_int_equal(
		links_apply(buf_view(&text), LINKS_STRIP, NULL, &out, &e), 0);
	assert_int_equal(e.n, LINKS_MAX);
	buf_str(&text, "a.org ");
	assert_int_equal(
		links_apply(buf_view(&text), LINKS_STRIP, NULL, &out, &e),
		-E2BIG);
	link_set_init(&set);
	for (i = 0; i < LINK_SET_MAX + 1; i++) {
		buf_reset(&out);
		buf_printf(&out, "a%d.org", i);
		link_set_add(&set, buf_view(&out));
	}
	assert_int_equal(set.n, LINK_SET_MAX);
	assert_true(link_set_has(&set, SPAN_LIT("a0.org")));
	assert_false(link_set_has(&set, buf_view(&out)));
	link_set_done(&set);
	buf_done(&out);
	out.max = 4;
	assert_int_equal(
		links_apply(SPAN_LIT("a.org"), LINKS_STRIP, NULL, &out, &e),
		-ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("label/links", tests, NULL, NULL);
}
