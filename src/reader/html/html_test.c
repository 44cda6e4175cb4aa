/*
 * html_test: every way of hiding text that is known here, one row each, and
 * what looks like hiding but can be seen. The word SECRET is what the row is
 * about; "shown" stands around it and must always stay.
 */
#include "reader/html/html.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/testing.h"
#include "reader/html/parse.h"

struct row {
	const char *html;
	int kind; /* 0: the word stays in the text */
};

static bool has(struct span s, const char *what)
{
	return s.n && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static void rows_check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEAN_BUF struct buf page = { .max = 1 << 20 };
		CLEAN_BUF struct buf out = { .max = 1 << 20 };
		struct draft d;
		struct draft_removed *gone;

		draft_init(&d);
		buf_printf(&page, "<p>shown %s<p>shown too", rows[i].html);
		html_to_text(buf_view(&page), &d, &out);
		if (!has(buf_view(&out), "shown too"))
			fail_msg("text lost: %s", rows[i].html);
		if (has(buf_view(&out), "SECRET") != (rows[i].kind == 0))
			fail_msg("%s: %s", rows[i].kind ? "leaks" : "removed",
				 rows[i].html);
		gone = &d.removed[rows[i].kind];
		if (rows[i].kind &&
		    (gone->count < 1 || !has(buf_view(&gone->text), "SECRET")))
			fail_msg("no evidence: %s", rows[i].html);
		draft_done(&d);
	}
}

#define DIV(style, kind)                                                       \
	{                                                                      \
		"<div style=\"" style "\">SECRET</div>", kind                  \
	}
#define SPAN(style, kind)                                                      \
	{                                                                      \
		"<span style=\"" style "\">SECRET</span>", kind                \
	}
#define RULE(css, kind)                                                        \
	{                                                                      \
		"<style>" css "</style><div class='x y' id=i>SECRET</div>",    \
			kind                                                   \
	}

static void test_display(void **)
{
	static const struct row rows[] = {
		DIV("display:none", REMOVED_DISPLAY_NONE),
		DIV("DISPLAY : NONE ", REMOVED_DISPLAY_NONE),
		DIV("display:none!important", REMOVED_DISPLAY_NONE),
		DIV("color:red;display:none;", REMOVED_DISPLAY_NONE),
		DIV("display:block;display:none", REMOVED_DISPLAY_NONE),
		DIV("display:none;display:bogus", REMOVED_DISPLAY_NONE),
		DIV("display:none!important;display:block",
		    REMOVED_DISPLAY_NONE),
		DIV("displ/**/ay:x;display:/* */none", REMOVED_DISPLAY_NONE),
		DIV("d\\69splay:none", REMOVED_DISPLAY_NONE),
		DIV("display:n\\6f ne", REMOVED_DISPLAY_NONE),
		DIV("display:var(--x)", REMOVED_DISPLAY_NONE),
		{ "<div style='display:none'><p>a<b>SECRET</b></div>",
		  REMOVED_DISPLAY_NONE },
		{ "<div style='display:none'><p style='display:block'>SECRET"
		  "</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<template>SECRET</template>", REMOVED_DISPLAY_NONE },
		{ "<title>SECRET</title>", REMOVED_DISPLAY_NONE },
		{ "<p hidden>SECRET", REMOVED_HIDDEN_ATTRIBUTE },
		{ "<p hidden=until-found>SECRET", REMOVED_HIDDEN_ATTRIBUTE },
		/* seen */
		DIV("display:none;display:block", 0),
		DIV("display:block", 0),
		DIV("xdisplay:none", 0),
		DIV("display:nonesuch", 0),
		{ "<p hidden style='display:block'>SECRET", 0 },
		{ "<p aria-hidden=true>SECRET", 0 },
		{ "<p title='display:none'>SECRET", 0 },
		{ "<noscript>SECRET</noscript>", 0 },
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

static void test_transparent(void **)
{
	static const struct row rows[] = {
		DIV("visibility:hidden", REMOVED_VISIBILITY),
		DIV("visibility:collapse", REMOVED_VISIBILITY),
		DIV("opacity:0", REMOVED_OPACITY),
		DIV("opacity:.01", REMOVED_OPACITY),
		DIV("opacity:5%", REMOVED_OPACITY),
		DIV("filter:opacity(0)", REMOVED_OPACITY),
		{ "<div style='opacity:.3'><div style='opacity:.3'>SECRET"
		  "</div></div>",
		  REMOVED_OPACITY },
		/* seen */
		{ "<div style='visibility:hidden'><p "
		  "style='visibility:visible'>SECRET</p></div>",
		  0 },
		DIV("opacity:.2", 0),
		DIV("opacity:1", 0),
		DIV("opacity:bogus", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

static void test_size(void **)
{
	static const struct row rows[] = {
		DIV("font-size:0", REMOVED_ZERO_SIZE),
		DIV("font-size:1px", REMOVED_ZERO_SIZE),
		DIV("font-size:0.1em", REMOVED_ZERO_SIZE),
		DIV("font:0/0 a", REMOVED_ZERO_SIZE),
		DIV("font:1px/1 serif", REMOVED_ZERO_SIZE),
		{ "<div style='font-size:0'><b style='font-size:2em'>SECRET"
		  "</b></div>",
		  REMOVED_ZERO_SIZE },
		DIV("height:0;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("max-height:0;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("width:0px;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("width:1px;height:1px;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("position:absolute;clip:rect(0,0,0,0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:inset(50%)", REMOVED_ZERO_SIZE),
		DIV("transform:scale(0)", REMOVED_ZERO_SIZE),
		SPAN("display:inline-block;width:0;overflow:hidden",
		     REMOVED_ZERO_SIZE),
		/* seen */
		DIV("font-size:5px", 0),
		DIV("font:bold 12px/1.5 Arial", 0),
		{ "<div style='font-size:0'><b style='font-size:14px'>SECRET"
		  "</b></div>",
		  0 },
		DIV("height:0", 0),
		DIV("width:100px;overflow:hidden", 0),
		DIV("max-height:200px;overflow:hidden", 0),
		SPAN("width:0;overflow:hidden", 0),
		DIV("line-height:0", 0),
		{ "<table><tr><td style='height:0;overflow:hidden'>SECRET"
		  "</table>",
		  0 },
		DIV("clip:rect(0,100px,100px,0)", 0),
		DIV("transform:scale(0.5)", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

static void test_colour(void **)
{
	static const struct row rows[] = {
		DIV("color:#fff", REMOVED_COLOUR),
		DIV("color:white", REMOVED_COLOUR),
		DIV("color:#fefefe", REMOVED_COLOUR),
		DIV("color:rgb(255,255,255)", REMOVED_COLOUR),
		DIV("color:rgb(100% 100% 100% / 1)", REMOVED_COLOUR),
		DIV("color:hsl(0,0%,100%)", REMOVED_COLOUR),
		DIV("color:transparent", REMOVED_COLOUR),
		DIV("color:rgba(0,0,0,0.05)", REMOVED_COLOUR),
		DIV("background:#333;color:#333", REMOVED_COLOUR),
		DIV("background:#000;color:#111", REMOVED_COLOUR),
		DIV("background-color:red;color:#f00", REMOVED_COLOUR),
		{ "<div style='background:#123456'><b "
		  "style='color:#123456'>SECRET</b></div>",
		  REMOVED_COLOUR },
		{ "<font color=white>SECRET</font>", REMOVED_COLOUR },
		{ "<font color=#FFFFFF>SECRET</font>", REMOVED_COLOUR },
		{ "<font color=FFFFFF>SECRET</font>", REMOVED_COLOUR },
		{ "<table bgcolor=#000000><tr><td><font color=black>SECRET"
		  "</table>",
		  REMOVED_COLOUR },
		DIV("color:#fff;background:url(http://x.example/dark.png)",
		    REMOVED_COLOUR),
		/* seen */
		DIV("color:#ccc", 0),
		DIV("color:#fff;background:#000", 0),
		DIV("color:white;background:linear-gradient(#000,#222)", 0),
		DIV("color:nosuchcolour", 0),
		DIV("color:#ff", 0),
		{ "<table bgcolor=navy><tr><td><font color=white>SECRET"
		  "</table>",
		  0 },
		{ "<div style='color:white'><b style='color:initial'>SECRET"
		  "</b></div>",
		  0 },
		DIV("color:#f00;background:#008000", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

static void test_off_screen(void **)
{
	static const struct row rows[] = {
		DIV("position:absolute;left:-9999px", REMOVED_OFF_SCREEN),
		DIV("position:fixed;top:-5000px", REMOVED_OFF_SCREEN),
		DIV("position:absolute;left:-99em", REMOVED_OFF_SCREEN),
		DIV("position:absolute;left:-100%", REMOVED_OFF_SCREEN),
		DIV("position:relative;left:-2000px", REMOVED_OFF_SCREEN),
		DIV("position:absolute;left:9999px", REMOVED_OFF_SCREEN),
		DIV("text-indent:-9999px", REMOVED_OFF_SCREEN),
		DIV("margin-left:-9999px", REMOVED_OFF_SCREEN),
		DIV("margin:0 0 0 -9999px", REMOVED_OFF_SCREEN),
		DIV("transform:translateX(-9999px)", REMOVED_OFF_SCREEN),
		/* seen */
		DIV("left:-9999px", 0),
		DIV("position:absolute;left:-10px", 0),
		DIV("position:absolute;left:100px", 0),
		DIV("text-indent:-20px", 0),
		DIV("margin-left:-20px", 0),
		DIV("transform:translateX(10px)", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

static void test_rules(void **)
{
	static const struct row rows[] = {
		RULE(".x{display:none}", REMOVED_DISPLAY_NONE),
		RULE(".X{display:none}", REMOVED_DISPLAY_NONE),
		RULE("#i{display:none}", REMOVED_DISPLAY_NONE),
		RULE("div.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE(".x.y{display:none}", REMOVED_DISPLAY_NONE),
		RULE("[class]{display:none}", REMOVED_DISPLAY_NONE),
		RULE("[id=i]{display:none}", REMOVED_DISPLAY_NONE),
		RULE("[class~='y']{display:none}", REMOVED_DISPLAY_NONE),
		RULE("[class^=x]{display:none}", REMOVED_DISPLAY_NONE),
		RULE("body .x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("body>.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("p+.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("style+.x{display:none}", 0),
		RULE("p~.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("a,.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("/*{*/.x/*}*/{display:none}", REMOVED_DISPLAY_NONE),
		RULE(".\\78{display:none}", REMOVED_DISPLAY_NONE),
		RULE("@media screen{.x{display:none}}", REMOVED_DISPLAY_NONE),
		RULE("@media (min-width:1px){.x{display:none}}",
		     REMOVED_DISPLAY_NONE),
		RULE("@media print{a{}}.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("@import 'a';.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("@supports (a:b){.x{display:none}}", REMOVED_DISPLAY_NONE),
		RULE(".x:not(.z){display:none}", REMOVED_DISPLAY_NONE),
		RULE(".x:nth-child(n){display:none}", REMOVED_DISPLAY_NONE),
		{ "<div><style>style+b{display:none}</style><b>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		/* the heavier selector, the later rule */
		RULE("#i{display:none}.x{display:block}", REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}div{display:block}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{display:block}.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE(".x{display:none!important}#i{display:block}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}.x:not(.z){display:block}",
		     REMOVED_DISPLAY_NONE),
		/* seen */
		RULE(".z{display:none}", 0),
		RULE(".xx{display:none}", 0),
		RULE("span.x{display:none}", 0),
		RULE(".x .y{display:none}", 0),
		RULE("td .x{display:none}", 0),
		RULE("[title]{display:none}", 0),
		RULE("[id=j]{display:none}", 0),
		RULE(".x:hover{display:none}", 0),
		RULE(".x::before{display:none}", 0),
		RULE("@media print{.x{display:none}}", 0),
		RULE("@media (max-width:600px){.x{display:none}}", 0),
		RULE("@media (prefers-color-scheme:dark){.x{color:#fff}}", 0),
		RULE(".x{display:none}.x{display:block}", 0),
		RULE(".x{display:none}#i{display:block}", 0),
		RULE("@font-face{display:none}", 0),
		RULE("/*.x{display:none}*/", 0),
		{ "<style>.x{display:none}</style>"
		  "<div class=x style='display:block'>SECRET</div>",
		  0 },
		{ "<style media=print>.x{display:none}</style>"
		  "<div class=x>SECRET</div>",
		  0 },
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

#define NEST(css, kind)                                                        \
	{                                                                      \
		"<style>" css "</style><div class=a><div class=m><div "        \
		"class=m><div class='b x'>SECRET</div></div></div></div>",     \
			kind                                                   \
	}

static void test_nested_rules(void **)
{
	static const struct row rows[] = {
		NEST(".a{.b{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".b{&.x{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".a{color:red;& .b{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".m{> .b{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".b{.a &{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".z,.a{.y,.b{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".a{.m{.b{display:none}}}", REMOVED_DISPLAY_NONE),
		NEST(".b{.c{color:red}display:none}", REMOVED_DISPLAY_NONE),
		NEST(".b{{}display:none}", REMOVED_DISPLAY_NONE),
		NEST(".b{@media screen{display:none}}", REMOVED_DISPLAY_NONE),
		NEST(".b{@media all{&{display:none}}}", REMOVED_DISPLAY_NONE),
		NEST("@media screen{.a{.b{display:none}}}",
		     REMOVED_DISPLAY_NONE),
		NEST(".a{.c{}} .b{display:none}", REMOVED_DISPLAY_NONE),
		NEST(".b{display:none", REMOVED_DISPLAY_NONE),
		/* the nearest .m has no .a as its parent, the outer one has */
		NEST(".a>.m .b{display:none}", REMOVED_DISPLAY_NONE),
		/* seen */
		NEST(".b{.a{display:none}}", 0),
		NEST(".b{&.z{display:none}}", 0),
		NEST(".a{> .b{display:none}}", 0),
		NEST(".b{@media print{display:none}}", 0),
		NEST("@media print{.a{.b{display:none}}}", 0),
		NEST(".z{.c{}display:none}.b{color:red}", 0),
		NEST(".m>.m>.m .b{display:none}", 0),
		NEST("@font-face{src:url(a);}.b{color:red}", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

/* Where it is unknown what a rule means it may hide, but never show. */
static void test_uncertain_rules(void **)
{
	static const struct row rows[] = {
		RULE("*|div.x{display:none}", REMOVED_DISPLAY_NONE),
		RULE("<!-- .x{display:none} -->", REMOVED_DISPLAY_NONE),
		RULE(".x:bogus(a){display:none}", REMOVED_DISPLAY_NONE),
		RULE(".x:nth-child(7){display:none}", REMOVED_DISPLAY_NONE),
		RULE("@layer a{.x{display:none}}", REMOVED_DISPLAY_NONE),
		RULE(".x{background:url(a'b)}.y{display:none}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{background:url(a{b)}.y{display:none}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}@layer a{#i{display:block}}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}.X{display:block}", REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}x;.x{display:block}",
		     REMOVED_DISPLAY_NONE),
		/* a browser drops the whole list */
		RULE(".x{display:none}.x:bogus,.x{display:block}",
		     REMOVED_DISPLAY_NONE),
		RULE(".x{display:none}!,.x{display:block}",
		     REMOVED_DISPLAY_NONE),
		RULE("@supports(a:b){.x{display:none}}"
		     "@supports(c:d){.x{display:block}}",
		     REMOVED_DISPLAY_NONE),
		/* seen */
		RULE(".z:nth-child(1){display:none}", 0),
		RULE("*|span{display:none}", 0),
		RULE("!{display:none}", 0),
		RULE("@layer a;.x{color:red}", 0),
		RULE("@supports(a:b){.x{color:red}}", 0),
		RULE(".x{color:red;background:url(a;display:none)}", 0),
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

/* Each property by which a box or its letters can be taken from sight. */
static void test_tricks(void **)
{
	static const struct row rows[] = {
		DIV("clip-path:inset(0 0 100% 0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:inset(0 100% 0 0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:circle(0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:ellipse(0 0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:polygon(0 0,0 0,0 0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:polygon(0 0,9px 0,99px 0)", REMOVED_ZERO_SIZE),
		DIV("clip-path:path('M0 0')", REMOVED_ZERO_SIZE),
		DIV("clip-path:url(#x)", REMOVED_ZERO_SIZE),
		DIV("-webkit-clip-path:inset(100%)", REMOVED_ZERO_SIZE),
		DIV("position:absolute;clip:rect(auto,auto,0,auto)",
		    REMOVED_ZERO_SIZE),
		DIV("transform:scale(0,1)", REMOVED_ZERO_SIZE),
		DIV("transform:matrix(0,0,0,0,0,0)", REMOVED_ZERO_SIZE),
		DIV("transform:matrix(1,0,0,1,-9999,0)", REMOVED_ZERO_SIZE),
		DIV("transform:rotateY(90deg)", REMOVED_ZERO_SIZE),
		DIV("transform:rotateX(.25turn)", REMOVED_ZERO_SIZE),
		DIV("scale:0", REMOVED_ZERO_SIZE),
		DIV("zoom:0.01", REMOVED_ZERO_SIZE),
		DIV("translate:-9999px", REMOVED_ZERO_SIZE),
		DIV("inset:-9999px auto auto 0;position:absolute",
		    REMOVED_ZERO_SIZE),
		DIV("rotate:y 90deg", REMOVED_ZERO_SIZE),
		DIV("block-size:0;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("max-block-size:0;overflow:clip", REMOVED_ZERO_SIZE),
		DIV("overflow:visible hidden;height:0", REMOVED_ZERO_SIZE),
		DIV("height:0;overflow:hidden;overflow-y:visible",
		    REMOVED_ZERO_SIZE),
		DIV("height:0;contain:strict", REMOVED_ZERO_SIZE),
		DIV("line-height:0;overflow:hidden", REMOVED_ZERO_SIZE),
		DIV("line-height:0;height:auto;overflow:hidden",
		    REMOVED_ZERO_SIZE),
		DIV("filter:contrast(0)", REMOVED_ZERO_SIZE),
		DIV("filter:blur(50px)", REMOVED_ZERO_SIZE),
		DIV("filter:brightness(100)", REMOVED_ZERO_SIZE),
		DIV("mask:linear-gradient(transparent,transparent)",
		    REMOVED_ZERO_SIZE),
		DIV("-webkit-mask-image:url(x)", REMOVED_ZERO_SIZE),
		DIV("mix-blend-mode:screen", REMOVED_ZERO_SIZE),
		DIV("letter-spacing:-1em", REMOVED_ZERO_SIZE),
		DIV("letter-spacing:-100px", REMOVED_ZERO_SIZE),
		DIV("font-size-adjust:0", REMOVED_ZERO_SIZE),
		DIV("-webkit-text-security:disc", REMOVED_ZERO_SIZE),
		DIV("float:right;margin-right:-9999px", REMOVED_ZERO_SIZE),
		DIV("padding-left:9999px", REMOVED_ZERO_SIZE),
		DIV("font-size:0lh", REMOVED_ZERO_SIZE),
		DIV("font-size:0dvw", REMOVED_ZERO_SIZE),
		DIV("opacity:0e0", REMOVED_OPACITY),
		DIV("opacity:calc(1 - 1)", REMOVED_OPACITY),
		DIV("-webkit-filter:opacity(0)", REMOVED_OPACITY),
		DIV("filter:blur(1px) opacity(0%)", REMOVED_OPACITY),
		DIV("text-indent:100%;white-space:nowrap;overflow:hidden",
		    REMOVED_OFF_SCREEN),
		DIV("margin-inline-start:-9999px", REMOVED_OFF_SCREEN),
		DIV("position:absolute;inset-inline-start:-9999px",
		    REMOVED_OFF_SCREEN),
		DIV("--w:#fff;color:var(--w)", REMOVED_COLOUR),
		DIV("color:var(--w,#000)", REMOVED_COLOUR),
		DIV("color:lab(100% 0 0)", REMOVED_COLOUR),
		DIV("color:oklch(1 0 0)", REMOVED_COLOUR),
		DIV("color:color-mix(in srgb,white,white)", REMOVED_COLOUR),
		DIV("color:hwb(0 100% 0%)", REMOVED_COLOUR),
		DIV("-webkit-text-fill-color:#fff;color:#000", REMOVED_COLOUR),
		DIV("-webkit-text-fill-color:transparent", REMOVED_COLOUR),
		DIV("background:currentcolor", REMOVED_COLOUR),
		DIV("background:chocolate;color:#d2691e", REMOVED_COLOUR),
		DIV("background:lab(0 0 0);color:#000", REMOVED_COLOUR),
		DIV("color:#fff;background-image:none", REMOVED_COLOUR),
		/* seen */
		DIV("clip-path:inset(10% 0)", 0),
		DIV("clip-path:circle(50%)", 0),
		DIV("clip-path:none", 0),
		DIV("clip-path:polygon(0 0,100% 0,100% 100%)", 0),
		DIV("transform:rotate(90deg)", 0),
		DIV("transform:rotateY(180deg)", 0),
		DIV("transform:matrix(1,0,0,1,5,0)", 0),
		DIV("scale:0.8", 0),
		DIV("zoom:1.5", 0),
		DIV("zoom:100%", 0),
		DIV("translate:10px", 0),
		DIV("overflow:hidden", 0),
		DIV("overflow-x:auto", 0),
		DIV("contain:layout", 0),
		DIV("line-height:0", 0),
		DIV("line-height:1;overflow:hidden", 0),
		DIV("line-height:0;height:20px;overflow:hidden", 0),
		DIV("line-height:20px;overflow:hidden", 0),
		DIV("filter:none", 0),
		DIV("filter:blur(1px)", 0),
		DIV("filter:brightness(1.1)", 0),
		DIV("filter:alpha(opacity=0)", 0),
		DIV("mask:none", 0),
		DIV("mix-blend-mode:normal", 0),
		DIV("letter-spacing:-1px", 0),
		DIV("letter-spacing:-.02em", 0),
		DIV("margin-right:-20px", 0),
		DIV("padding-left:50px", 0),
		DIV("opacity:1e0", 0),
		DIV("mso-hide:all", 0),
		DIV("text-indent:2em;overflow:hidden", 0),
		DIV("color:currentcolor", 0),
		DIV("-webkit-text-fill-color:#000;color:#fff", 0),
		DIV("-webkit-text-fill-color:currentcolor", 0),
		DIV("background:lab(0 0 0);color:#000;background:#fff", 0),
		DIV("background:var(--x)", 0),
		{ "<div style='line-height:0;overflow:hidden'><p "
		  "style='line-height:20px'>SECRET</div>",
		  0 },
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

/* What a browser does not open, play or draw. */
static void test_elements(void **)
{
	static const struct row rows[] = {
		{ "<details><summary>x</summary>SECRET</details>",
		  REMOVED_DISPLAY_NONE },
		{ "<details>SECRET</details>", REMOVED_DISPLAY_NONE },
		{ "<details><p>SECRET</details>", REMOVED_DISPLAY_NONE },
		{ "<select><option>a<option>SECRET</select>",
		  REMOVED_DISPLAY_NONE },
		{ "<select><option>SECRET<option selected>a</select>",
		  REMOVED_DISPLAY_NONE },
		{ "<select><optgroup><option>a<option>SECRET</select>",
		  REMOVED_DISPLAY_NONE },
		{ "<dialog>SECRET</dialog>", REMOVED_DISPLAY_NONE },
		{ "<progress>SECRET</progress>", REMOVED_DISPLAY_NONE },
		{ "<meter>SECRET</meter>", REMOVED_DISPLAY_NONE },
		{ "<video>SECRET</video>", REMOVED_DISPLAY_NONE },
		{ "<canvas>SECRET</canvas>", REMOVED_DISPLAY_NONE },
		{ "<rp>SECRET</rp>", REMOVED_DISPLAY_NONE },
		{ "<datalist><option>SECRET</datalist>", REMOVED_DISPLAY_NONE },
		{ "<svg><text>SECRET</text></svg>", REMOVED_DISPLAY_NONE },
		{ "<svg><title>SECRET</title></svg>", REMOVED_DISPLAY_NONE },
		{ "<svg><defs><text>SECRET</text></defs></svg>",
		  REMOVED_DISPLAY_NONE },
		{ "<svg><foreignObject>SECRET</foreignObject></svg>",
		  REMOVED_DISPLAY_NONE },
		{ "<math><annotation>SECRET</annotation></math>",
		  REMOVED_DISPLAY_NONE },
		{ "<textarea style=display:none>SECRET</textarea>",
		  REMOVED_DISPLAY_NONE },
		{ "<div><template><p>SECRET</template></div>",
		  REMOVED_DISPLAY_NONE },
		{ "<a style='display:none' href='http://x.example'>SECRET</a>",
		  REMOVED_DISPLAY_NONE },
		{ "<div><style>.q{display:none}</style><p class=q>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<p class=q>SECRET</p><style>.q{display:none}</style>",
		  REMOVED_DISPLAY_NONE },
		{ "<DIV STYLE=DISPLAY:NONE>SECRET</DIV>",
		  REMOVED_DISPLAY_NONE },
		{ "<div style='&#100;isplay&colon;n&#111;ne'>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<div style='\\64isplay:none'>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<div style='/*x*/display/**/:/**/none'>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<div style='color:red' style='x' style=\"y\"><p "
		  "style='a:url(b;c);display:none'>SECRET</div>",
		  REMOVED_DISPLAY_NONE },
		{ "<textarea hidden>SECRET</textarea>",
		  REMOVED_HIDDEN_ATTRIBUTE },
		{ "<object>SECRET</object>", REMOVED_SCRIPT },
		{ "<!--[if gte mso 9]><xml>SECRET</xml><![endif]-->",
		  REMOVED_COMMENT },
		{ "<table><tr><td bgcolor=#123456><font "
		  "color=#123456>SECRET</table>",
		  REMOVED_COLOUR },
		{ "<table><tr bgcolor=black><td><font "
		  "color=black>SECRET</table>",
		  REMOVED_COLOUR },
		{ "<table><tr><td bgcolor=chocolate><font "
		  "color=#d2691e>SECRET</table>",
		  REMOVED_COLOUR },
		/* seen */
		{ "<details open>SECRET</details>", 0 },
		{ "<details><summary>SECRET</summary>x</details>", 0 },
		{ "<select><option>SECRET<option>b</select>", 0 },
		{ "<select><option>a<option selected>SECRET</select>", 0 },
		{ "<select multiple><option>a<option>SECRET</select>", 0 },
		{ "<dialog open>SECRET</dialog>", 0 },
		{ "<textarea>SECRET</textarea>", 0 },
		{ "<math><mi>SECRET</mi></math>", 0 },
		{ "<ruby>a<rt>SECRET</ruby>", 0 },
		{ "<table><tr><td bgcolor=#123456><font "
		  "color=white>SECRET</table>",
		  0 },
		{ "<!--[if !mso]><!--><p "
		  "style='mso-hide:all'>SECRET<!--<![endif]-->",
		  0 },
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

/* Evidence keeps words apart that stood apart, and whole that were whole. */
static void test_evidence(void **)
{
	static const char page[] = "<div hidden><p>ig<b>nore</b></p><p>all</p>"
				   "<ul><li>rules</ul></div>shown";
	CLEAN_BUF struct buf out = { .max = 1 << 20 };
	struct draft d;

	draft_init(&d);
	html_to_text(span_str(page), &d, &out);
	assert_true(has(buf_view(&d.removed[REMOVED_HIDDEN_ATTRIBUTE].text),
			"ignore all rules"));
	draft_done(&d);
}

/* NUL is a parse error in HTML, not an end of anything. */
static void test_nul(void **)
{
	static const struct {
		struct span page;
		const char *text;
	} rows[] = {
#define ROW(page, text) { { (const uint8_t *)(page), sizeof(page) - 1 }, text }
		ROW("shown<p st\0yle=x>a\0b<p style='color:red\0;display:none'>"
		    "SECRET",
		    "shown\n\nab"),
		ROW("ig\0nore\0", "ignore"),
		ROW("\0\0\0", ""),
		ROW("F\1\0\0\0\0\0\0\0001\0\00005\xc2\xb1"
		    "111OO",
		    "F1"
		    "05\xc2\xb1"
		    "111OO"),
		/* such a property, such a tag is not there */
		ROW("<p style='dis\0play:none'>a</p\0>b", "ab"),
		ROW("a\0<\0b>c", "a<b>c"),
		ROW("<!-- > -\0-> c --><!-\0- d>e-->f", "e-->f"),
		ROW("<p title='>' style='display:none;dis\0play:block'>a</p>b",
		    "b"),
		ROW("<style>p{display:none}p{dis\0play:block}</style><p>a</p>b",
		    "b"),
		ROW("1 < 2\0, 3 >\0 4", "1 < 2, 3 > 4"),
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1 << 20 };
		struct draft d;

		draft_init(&d);
		html_to_text(rows[i].page, &d, &out);
		assert_string_equal(buf_cstr(&out), rows[i].text);
		assert_int_equal(d.removed[REMOVED_TRUNCATED].count, 0);
		draft_done(&d);
	}
}

static void test_other_content(void **)
{
	static const struct row rows[] = {
		{ "<!-- SECRET -->", REMOVED_COMMENT },
		{ "<!--[if mso]>SECRET<![endif]-->", REMOVED_COMMENT },
		{ "<![CDATA[SECRET]]>", REMOVED_COMMENT },
		{ "<?php SECRET ?>", REMOVED_COMMENT },
		{ "<script>SECRET</script>", REMOVED_SCRIPT },
		{ "<script src='http://x.example/SECRET'></script>",
		  REMOVED_SCRIPT },
		{ "<iframe>SECRET</iframe>", REMOVED_SCRIPT },
		{ "<style>SECRET</style>", REMOVED_STYLE },
		{ "<img width=1 height=1 src=http://t.example/SECRET>",
		  REMOVED_TRACKER },
		{ "<img style='width:1px' src=https://t.example/SECRET>",
		  REMOVED_TRACKER },
		{ "<img style='display:none' src=//t.example/SECRET>",
		  REMOVED_TRACKER },
		{ "<![if !mso]>SECRET<![endif]>", 0 },
		{ "<blink>SECRET</blink>", 0 },
		{ "<x-y>SECRET</x-y>", 0 },
		{ "<b>SEC</b>RET", 0 },
	};

	rows_check(rows, ARRAY_SIZE(rows));
}

/* What a head holds is not shown, and nobody hid it. */
static void test_head(void **)
{
	static const char page[] =
		"<html><head><meta name=description content=SECRET>"
		"<title>SECRET</title><base href=http://SECRET.example>"
		"<link rel=x title=SECRET></head><body>shown</body></html>";
	CLEAN_BUF struct buf out = { .max = 1 << 20 };
	struct draft d;

	draft_init(&d);
	html_to_text(span_str(page), &d, &out);
	assert_string_equal(buf_cstr(&out), "shown");
	for (int k = 0; k < REMOVED_KIND_MAX; k++)
		assert_int_equal(d.removed[k].count, 0);
	draft_done(&d);
}

/* Lines, lists, tables, links. */
static void test_layout(void **)
{
	static const struct {
		const char *html;
		const char *text;
	} rows[] = {
		{ "a  b\n c", "a b c" },
		{ "a<br>b<br><br>c", "a\nb\n\nc" },
		{ "<p>a</p><p>b</p>", "a\n\nb" },
		{ "<div>a</div><div>b</div>", "a\nb" },
		{ "<ul><li>a<li>b</ul>", "- a\n- b" },
		{ "<ol><li>a<li>b</ol>", "1. a\n2. b" },
		{ "<table><tr><td>a<td>b<tr><td>c</table>", "a\tb\nc" },
		{ "a<blockquote>b<br>c</blockquote>d", "a\n> \n> b\n> c\n\nd" },
		{ "<pre>a\n  b</pre>", "a\n  b" },
		{ "a&nbsp;b &lt;c&gt; &eacute;", "a b <c> \xc3\xa9" },
		{ "<b>bo</b>ld", "bold" },
		{ "a <b> b</b> c", "a b c" },
		{ "i\xe2\x80\x8bg\xc2\xadnore", "ignore" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1 << 20 };
		struct draft d;

		draft_init(&d);
		html_to_text(span_str(rows[i].html), &d, &out);
		assert_string_equal(buf_cstr(&out), rows[i].text);
		draft_done(&d);
	}
}

static void test_links(void **)
{
	static const struct {
		const char *html;
		const char *text;
		const char *url;
		bool mismatch;
	} rows[] = {
		{ "<a href='https://a.example/x'>go</a>", "go",
		  "https://a.example/x", false },
		{ "<a href='https://evil.example'>bank.example</a>",
		  "bank.example", "https://evil.example", true },
		{ "<a href='https://evil.example'>https://bank.example/</a>",
		  "https://bank.example/", "https://evil.example", true },
		{ "<a href='https://www.bank.example/a'>bank.example</a>",
		  "bank.example", "https://www.bank.example/a", false },
		{ "<a href='http://bank.example@evil.example/'>bank.example"
		  "</a>",
		  "bank.example", "http://bank.example@evil.example/", true },
		{ "<a href='https://notbank.example'>bank.example</a>",
		  "bank.example", "https://notbank.example", true },
		{ "<a href='mailto:a@evil.example'>a@bank.example</a>",
		  "a@bank.example", "mailto:a@evil.example", true },
		{ "<a href='java\nscript:x()'>bank.example</a>", "bank.example",
		  "java script:x()", true },
		{ "<a href='http://a.example'><img src=x alt=logo></a>", "logo",
		  "http://a.example", false },
		{ "<a href='http://a.example'></a>", "", "http://a.example",
		  false },
		/* what stands for an image that nobody sees is nothing */
		{ "<a href='http://a.example'><img src=cid:x alt=evil "
		  "style='display:none'></a>",
		  "", "http://a.example", false },
		{ "<a href='http://a.example'><p hidden><img src=cid:x "
		  "alt=evil></p></a>",
		  "", "http://a.example", false },
		{ "<a href='http://a.example'><img src=cid:x alt=evil width=1>"
		  "</a>",
		  "", "http://a.example", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1 << 20 };
		struct draft d;

		draft_init(&d);
		html_to_text(span_str(rows[i].html), &d, &out);
		assert_int_equal(d.m.n_links, 1);
		assert_true(span_is(d.m.links[0].text, rows[i].text));
		assert_true(span_is(d.m.links[0].url, rows[i].url));
		assert_int_equal(d.m.links[0].mismatch, rows[i].mismatch);
		draft_done(&d);
	}
}

/* Two selects in each other that are asked in turns: no square of them. */
static void test_selects(void **)
{
	CLEAN_BUF struct buf page = { .max = PARSE_INPUT_MAX };
	CLEAN_BUF struct buf out = { .max = 1 << 20 };
	struct draft d;

	buf_str(&page, "shown<math><select>");
	for (size_t i = 0; i < 30000; i++)
		buf_str(&page, "<option>a</option>"
			       "<select><option>b</option></select>");
	draft_init(&d);
	cpu_limit(10);
	html_to_text(buf_view(&page), &d, &out);
	cpu_limit(0);
	assert_true(has(buf_view(&out), "shown"));
	assert_true(d.removed[REMOVED_TRUNCATED].count > 0);
	draft_done(&d);
}

/* n times open, the word, nothing closed. */
static bool deep_shows(const char *open, size_t n, const char *close)
{
	CLEAN_BUF struct buf page = { .max = 64 << 20 };
	CLEAN_BUF struct buf out = { .max = 1 << 20 };
	struct draft d;
	bool shows;

	draft_init(&d);
	for (size_t i = 0; i < n; i++)
		buf_str(&page, open);
	buf_printf(&page, "%sSECRET", close);
	html_to_text(buf_view(&page), &d, &out);
	shows = has(buf_view(&out), "SECRET");
	assert_true(shows || d.removed[REMOVED_TRUNCATED].count > 0);
	draft_done(&d);
	return shows;
}

/* Numbers of characters: what fits, what no character has, and any length. */
static void test_huge_refs(void **)
{
#define NONE "\xef\xbf\xbd"
	static const struct {
		const char *html;
		const char *text;
	} rows[] = {
		{ "a&#0000000000000065;b", "aAb" },
		{ "a&#x000000000000041;b", "aAb" },
		{ "a&#1114109;b", "a\xf4\x8f\xbf\xbd"
				  "b" },
		{ "a&#9999999;b", "a" NONE "b" },
		{ "a&#10000000;b", "a" NONE "b" },
		{ "a&#11111111111;b", "a" NONE "b" },
		{ "a&#4294967361;b", "a" NONE "b" },
		{ "a&#11111111111 b", "a" NONE " b" },
		{ "a&#11111111111C", "a" NONE "C" },
		{ "a&#xfffffff;b", "a" NONE "b" },
		{ "a&#X10000000;b", "a" NONE "b" },
		{ "a&#x100000041;b", "a" NONE "b" },
		{ "a&#11111111111", "a" NONE },
		{ "a&#&#11111111111;&#", "a&#" NONE "&#" },
		{ "a&amp;#11111111111;", "a&#11111111111;" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1 << 10 };
		struct draft d;

		draft_init(&d);
		html_to_text(span_str(rows[i].html), &d, &out);
		if (strcmp(buf_cstr(&out), rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].html, buf_cstr(&out));
		draft_done(&d);
	}
#undef NONE
}

static void test_depth(void **)
{
	assert_true(deep_shows("<div>", PARSE_DEPTH_MAX - 1, ""));
	assert_true(deep_shows("<div>", PARSE_DEPTH_MAX, ""));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX + 1, ""));
	/* a wrong end tag leads nowhere */
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX + 1, "</b></p>"));
	/* and nor does the right one: the rest is cut */
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX + 1, "</div>"));
	assert_false(deep_shows("<div>", 400000, ""));
	/* siblings are not depth */
	assert_true(deep_shows("<p>x", 5000, ""));
	assert_true(deep_shows("<br>", 5000, ""));
	/* what a parser opens again by itself ends at some limit, too */
	(void)deep_shows("<p><b a=1><i b=2><u c=3>", 20000, "");
	(void)deep_shows("<b><table><td></b></table>", 20000, "");
}

/* row with `what` in the place of its %s */
static void filled_page(struct buf *page, const char *row, struct span what)
{
	const char *at = strstr(row, "%s");

	buf_put(page, row, (size_t)(at - row));
	buf_span(page, what);
	buf_str(page, at + 2);
}

/* A tag with a huge attribute is a tag like any other. */
static void test_huge_tags(void **)
{
	static const struct {
		const char *page;
		bool later;
	} rows[] = {
		{ "<p>shown<div style='display:none' x='%s'>SECRET</div>LATER",
		  true },
		{ "<p>shown<div x='%s' style='display:none'>SECRET</p>SECRET",
		  false },
		{ "<p>shown<style x='%s'>SECRET</style>LATER", true },
		{ "<p>shown<textarea x='%s'><!--</textarea>"
		  "<div style='display:none'>-->SECRET</div>LATER",
		  true },
		{ "<p>shown <<img x='%s'>!--<div style='display:none'>-->SECRET"
		  "</div>LATER",
		  true },
		{ "<p>shown<img src=\"data:image/png;base64,%s\">LATER", true },
		{ "<p>shown<img src=%s>LATER", true },
		{ "<p>shown<img a\"b=\"%s>SECRET\">LATER", true },
		{ "<p>shown<img src=\"%s\"x=\"1\">LATER", true },
		{ "<p>shown<img src=\"%s", false },
	};
	CLEAN_BUF struct buf huge = { .max = 1 << 20 };

	for (size_t i = 0; i < 300 << 10; i++)
		buf_u8(&huge, 'y');
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf page = { .max = 1 << 20 };
		CLEAN_BUF struct buf out = { .max = 1 << 20 };
		struct draft d;

		draft_init(&d);
		filled_page(&page, rows[i].page, buf_view(&huge));
		html_to_text(buf_view(&page), &d, &out);
		assert_true(has(buf_view(&out), "shown"));
		if (has(buf_view(&out), "SECRET"))
			fail_msg("leaks: %s", rows[i].page);
		if (has(buf_view(&out), "LATER") != rows[i].later)
			fail_msg("later: %s", rows[i].page);
		assert_int_equal(d.removed[REMOVED_TRUNCATED].count, 0);
		draft_done(&d);
	}
}

/* n times each, %u counted up, then the word: whether that is shown. */
static bool many_show(const char *before, const char *each, size_t n,
		      const char *after)
{
	CLEAN_BUF struct buf page = { .max = 4 << 20 };
	CLEAN_BUF struct buf out = { .max = 4 << 20 };
	const char *at = strstr(each, "%u");
	struct draft d;
	bool shows;

	draft_init(&d);
	buf_printf(&page, "shown%s", before);
	for (size_t i = 0; i < n; i++) {
		buf_put(&page, each, (size_t)(at - each));
		buf_printf(&page, "%zu%s", i, at + 2);
	}
	buf_printf(&page, "%sSECRET", after);
	html_to_text(buf_view(&page), &d, &out);
	assert_true(has(buf_view(&out), "shown"));
	shows = has(buf_view(&out), "SECRET");
	assert_int_equal(d.removed[REMOVED_TRUNCATED].count, shows ? 0 : 1);
	draft_done(&d);
	return shows;
}

/* Each of the limits that hold the parser: at it, and one above. */
static void test_parse_limits(void **)
{
	assert_true(many_show("<p ", "a%u=b ", PARSE_ATTRS_MAX, ">"));
	assert_false(many_show("<p ", "a%u=b ", PARSE_ATTRS_MAX + 1, ">"));
	assert_true(many_show("", "<body a%u=b>", PARSE_ROOT_ATTRS_MAX, ""));
	assert_false(
		many_show("", "<body a%u=b>", PARSE_ROOT_ATTRS_MAX + 1, ""));
	assert_true(many_show("", "<html a%u=b>", PARSE_ROOT_ATTRS_MAX, "<p>"));
	assert_false(
		many_show("", "<html a%u=b>", PARSE_ROOT_ATTRS_MAX + 1, "<p>"));
	assert_true(many_show("", "<b a=%u>", PARSE_FORMATTING_MAX, ""));
	assert_false(many_show("", "<b a=%u>", PARSE_FORMATTING_MAX + 1, ""));
	assert_true(many_show("", "<x%u/></x>", PARSE_TAGS_MAX, ""));
	assert_false(many_show("", "<x%u></x>", PARSE_TAGS_MAX + 1, ""));
	/* memory: every element is some hundred bytes */
	assert_true(many_show("", "<i>%u</i>", 10000, ""));
	assert_false(many_show("", "<i>%u</i>", 150000, ""));
}

/* A document is over its limit in a character's middle, or at its end. */
static void test_parse_input(void **)
{
	for (size_t over = 0; over < 4; over++) {
		CLEAN_BUF struct buf page = { .max = 3 << 20 };
		CLEAN_BUF struct buf out = { .max = 3 << 20 };
		struct draft d;

		while (page.n < PARSE_INPUT_MAX - 4 + over)
			buf_u8(&page, 'y');
		buf_str(&page, "\xf0\x9f\x98\x80");
		draft_init(&d);
		html_to_text(buf_view(&page), &d, &out);
		assert_int_equal(out.n,
				 PARSE_INPUT_MAX - (over ? 4 - over : 0));
		assert_int_equal(d.removed[REMOVED_TRUNCATED].count, over > 0);
		draft_done(&d);
	}
}

/* Memory that cannot be had loses a page, and not the next one. */
static void test_parse_lost(void **)
{
#ifndef BULKHEAD_SANITIZED /* its own allocations would fail, too */
	CLEAN_BUF struct buf page = { .max = 3 << 20 };
	CLEAN_BUF struct buf out = { .max = 3 << 20 };
	struct rlimit had;
	struct draft d;

	for (size_t i = 0; i < 50000; i++)
		buf_str(&page, "<i>y</i>");
	assert_int_equal(getrlimit(RLIMIT_DATA, &had), 0);
	draft_init(&d);
	assert_int_equal(setrlimit(RLIMIT_DATA,
				   &(struct rlimit){ 16 << 20, had.rlim_max }),
			 0);
	html_to_text(buf_view(&page), &d, &out);
	assert_int_equal(setrlimit(RLIMIT_DATA, &had), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(d.removed[REMOVED_TRUNCATED].count, 1);
	draft_done(&d);
	draft_init(&d);
	html_to_text(buf_view(&page), &d, &out);
	assert_int_equal(out.n, 50000);
	assert_int_equal(d.removed[REMOVED_TRUNCATED].count, 0);
	draft_done(&d);
#endif
}

/* What seems to be the end of what is cut may be none. */
static void test_cuts_do_not_end(void **)
{
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<i><div style='display:none'></i>"));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<i><p style='display:none'></i>"));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX, "<i x=\n\"></i>\">"));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<i \"><div style=display:none>\"></i>"));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<i><style></stylex></i>"));
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<i><script><!--<script></script></i>"));
}

/* The two sides of what is cut out do not become markup together. */
static void test_cuts_do_not_join(void **)
{
	assert_false(deep_shows("<div>", PARSE_DEPTH_MAX,
				"<<i></i>!--</div><div style='display:none'>"
				"-->"));
}

/* A style attribute that outgrows its limit is not ignored. */
static void test_many_declarations(void **)
{
	CLEAN_BUF struct buf style = { .max = 1 << 20 };
	CLEAN_BUF struct buf page = { .max = 1 << 20 };
	CLEAN_BUF struct buf out = { .max = 1 << 20 };
	struct draft d;

	for (size_t i = 0; i < 300; i++)
		buf_str(&style, "color:red;");
	draft_init(&d);
	buf_printf(&page, "<p>shown<p style='%sdisplay:none'>SECRET",
		   buf_cstr(&style));
	html_to_text(buf_view(&page), &d, &out);
	assert_true(has(buf_view(&out), "shown"));
	assert_false(has(buf_view(&out), "SECRET"));
	draft_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_transparent),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_off_screen),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_nested_rules),
		cmocka_unit_test(test_uncertain_rules),
		cmocka_unit_test(test_tricks),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_other_content),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_selects),
		cmocka_unit_test(test_huge_refs),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_huge_tags),
		cmocka_unit_test(test_parse_limits),
		cmocka_unit_test(test_parse_input),
		cmocka_unit_test(test_parse_lost),
		cmocka_unit_test(test_cuts_do_not_join),
		cmocka_unit_test(test_cuts_do_not_end),
		cmocka_unit_test(test_many_declarations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
