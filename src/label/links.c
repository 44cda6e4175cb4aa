/* links: see links.h. The text falls into words at its blanks; a word has one
 * link at most, from the first place in it where one can begin to its end. */
#include "label/links.h"

#include <errno.h>

#include "base/rd.h"

enum { SCHEME_MAX = 32, LOCAL_MAX = 64, TLD_MAX = 24, IP_DOTS = 3 };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Only what every client takes for a blank: in a URL that ends elsewhere for
 * some of them, the rest could carry anything. */
static bool is_blank(uint8_t c)
{
	return c <= ' ' || c == 0x7f;
}

static bool one_of(uint8_t c, const char *list)
{
	return c && strchr(list, c);
}

/* The bytes of the text at i, 0 if they are not there. */
static size_t bytes_at(struct span s, size_t i, const char *const *list,
		       size_t n)
{
	for (size_t k = 0; k < n; k++) {
		size_t len = strlen(list[k]);

		if (s.n - i >= len && memcmp(s.p + i, list[k], len) == 0)
			return len;
	}
	return 0;
}

/* The dots that clients read as one in a host name: U+2024, U+3002, U+FE52,
 * U+FF0E and U+FF61 beside the ordinary. Returns its bytes, 0: none here. */
static size_t dot_at(struct span s, size_t i)
{
	static const char *const wide[] = { "\xe2\x80\xa4", "\xe3\x80\x82",
					    "\xef\xb9\x92", "\xef\xbc\x8e",
					    "\xef\xbd\xa1" };

	if (i >= s.n)
		return 0;
	if (s.p[i] < 0x80)
		return s.p[i] == '.';
	return bytes_at(s, i, wide, ARRAY_SIZE(wide));
}

/* Whatever is not ASCII may be part of a label. */
static bool is_label(struct span s, size_t i)
{
	uint8_t c = s.p[i];

	if (c < 0x80)
		return is_letter(c) || is_digit(c) || c == '-' || c == '_';
	return !dot_at(s, i);
}

static bool is_same(struct span s, const char *text)
{
	size_t i, n = strlen(text);

	if (s.n != n)
		return false;
	for (i = 0; i < n; i++)
		if ((is_letter(s.p[i]) ? s.p[i] | 0x20 : s.p[i]) != text[i])
			return false;
	return true;
}

static bool is_in(struct span s, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_same(s, list[i]))
			return true;
	return false;
}

/* Endings of files that are no top-level domains. */
static bool is_file_ending(struct span s)
{
	static const char *const endings[] = {
		"bat",	"bin",	"bmp",	"cfg", "conf", "css",  "csv",
		"doc",	"docx", "eml",	"exe", "gif",  "gz",   "html",
		"htm",	"ics",	"ini",	"js",  "jpeg", "jpg",  "json",
		"log",	"odp",	"ods",	"odt", "pdf",  "png",  "ppt",
		"pptx", "svg",	"tar",	"tgz", "tiff", "toml", "txt",
		"wav",	"xls",	"xlsx", "xml", "yaml", "yml",
	};

	return is_in(s, endings, ARRAY_SIZE(endings));
}

/*
 * Two letters and more, xn--..., or a name that is not ASCII. In texts without
 * blanks between sentences the wide dots are mostly full stops: behind one of
 * them a name has to be ASCII.
 */
static bool could_be_tld(struct span s, bool wide_dot)
{
	size_t i;

	if (s.n >= 4 && is_same(span_of(s.p, 4), "xn--"))
		return true;
	for (i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return !wide_dot;
	for (i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]))
			return false;
	return s.n >= 2 && s.n <= TLD_MAX && !is_file_ending(s);
}

struct host {
	size_t n;   /* bytes of labels and dots */
	bool known; /* it is a link without a scheme before it */
};

/* The longest row of labels and dots from i on. */
static struct host host_at(struct span s, size_t i)
{
	size_t from = i, label = i, dots = 0, d;
	struct host h = { 0 };
	bool digits = true, wide = false;

	for (; i < s.n; i += d ? d : 1) {
		d = dot_at(s, i);
		if (!d && !is_label(s, i))
			break;
		if (!d) {
			digits = digits && is_digit(s.p[i]);
			continue;
		}
		if (i == label)
			break;
		h.known |= dots &&
			   could_be_tld(span_of(s.p + label, i - label), wide);
		wide = d > 1;
		label = i + d;
		dots++;
	}
	h.n = i - from;
	if (i > label && dots)
		h.known |= could_be_tld(span_of(s.p + label, i - label), wide);
	h.known |= digits && dots >= IP_DOTS;
	h.known |= h.n > 4 && is_same(span_of(s.p + from, 4), "www.");
	return h;
}

/* Where the scheme begins that ends with the colon at `colon`; colon itself if
 * what stands there makes no link. */
static size_t scheme_before(struct span s, size_t colon)
{
	static const char *const bare[] = {
		"bitcoin",  "blob",   "callto",	    "cid",    "data",
		"facetime", "file",   "geo",	    "http",   "https",
		"im",	    "intent", "javascript", "magnet", "mailto",
		"mid",	    "news",   "sip",	    "sips",   "skype",
		"sms",	    "smsto",  "tel",	    "tg",     "urn",
		"xmpp",	    "viber",  "whatsapp",
	};
	size_t i = colon;

	while (i > 0 && colon - i < SCHEME_MAX &&
	       (is_letter(s.p[i - 1]) || is_digit(s.p[i - 1]) ||
		one_of(s.p[i - 1], "+-.")))
		i--;
	if (s.n - colon >= 3 && memcmp(s.p + colon, "://", 3) == 0)
		return i;
	/* "x.mailto:" ends with one, too */
	for (; i < colon && colon + 1 < s.n; i++)
		if (is_in(span_of(s.p + i, colon - i), bare, ARRAY_SIZE(bare)))
			return i;
	return colon;
}

/* Where the local part begins that ends before the sign at `at`. */
static size_t local_before(struct span s, size_t at)
{
	size_t i = at;

	while (i > 0 && at - i < LOCAL_MAX &&
	       (s.p[i - 1] >= 0x80 || is_label(s, i - 1) ||
		one_of(s.p[i - 1], ".!#$%&'*+/=?^{|}~")))
		i--;
	return i;
}

/* Where a link begins that the row of labels from i to end is part of; `none`
 * if it is part of none. */
static size_t begin_around(struct span word, size_t i, struct host h,
			   size_t none)
{
	size_t end = i + h.n, begin = end;

	if (end < word.n && word.p[end] == ':')
		begin = scheme_before(word, end);
	else if (end < word.n && word.p[end] == '@' &&
		 host_at(word, end + 1).known)
		begin = local_before(word, end);
	if (h.known && i < begin)
		begin = i;
	return begin < end ? begin : none;
}

/* A character that the address of a Markdown or HTML link may be written with
 * in place of itself: &#46; &#x2e; &period; and \. if that ends no word. */
static bool is_reference(struct span s, size_t i)
{
	static const char *const names[] = { "&period;", "&colon;", "&sol;",
					     "&commat;" };

	if (s.n - i < 2)
		return false;
	if (s.p[i] == '&')
		return s.p[i + 1] == '#' ||
		       bytes_at(s, i, names, ARRAY_SIZE(names));
	return s.p[i] == '\\' && s.n - i > 2 && one_of(s.p[i + 1], ".:/@");
}

/* "//host" as the whole of an address: of the scheme that the page has. */
static bool is_schemeless(struct span s, size_t i)
{
	return s.n - i > 2 && memcmp(s.p + i, "//", 2) == 0 &&
	       s.p[i + 2] != '/' && (!i || one_of(s.p[i - 1], "(<=\"'["));
}

/* Where the link of a word begins; its end if it has none. */
static size_t begin_in(struct span word)
{
	size_t i = 0, begin = word.n;

	while (i < word.n && begin == word.n) {
		struct host h = host_at(word, i);

		begin = is_reference(word, i) || is_schemeless(word, i)
				? i
				: begin_around(word, i, h, word.n);
		i += h.n ? h.n : 1;
	}
	return begin;
}

/* The bytes of the closing mark that ends before `end`, 0 for anything else. */
static size_t mark_before(struct span s, size_t end)
{
	static const char *const wide[] = { "\xe2\x80\x99", "\xe2\x80\x9c",
					    "\xe2\x80\x9d", "\xe3\x80\x82",
					    "\xe3\x80\x8d", "\xef\xbc\x89",
					    "\xef\xbc\x8c" };

	if (one_of(s.p[end - 1], ".,;:!?'\")]}>*_`"))
		return 1;
	if (end >= 2 && memcmp(s.p + end - 2, "\xc2\xbb", 2) == 0)
		return 2;
	return end >= 3 ? bytes_at(span_of(s.p, end), end - 3, wide,
				   ARRAY_SIZE(wide))
			: 0;
}

/* The link of a word; n is 0 if it has none. What makes it one stays. */
static struct link link_in(struct span word)
{
	size_t begin = begin_in(word), end = word.n, cut, n;

	for (cut = 0; cut < LINK_TAIL_MAX && begin < end; cut++) {
		n = mark_before(word, end);
		if (!n || begin_in(span_of(word.p, end - n)) != begin)
			break;
		end -= n;
	}
	return (struct link){ .at = begin, .n = end - begin };
}

int links_find(struct span text, struct link *ret, size_t max)
{
	size_t i, from = 0, found = 0;

	for (i = 0; text.n && i <= text.n; i++) {
		struct link l;

		if (i < text.n && !is_blank(text.p[i]))
			continue;
		l = link_in(span_of(text.p + from, i - from));
		l.at += from;
		from = i + 1;
		if (!l.n)
			continue;
		if (found == max)
			return -E2BIG;
		ret[found++] = l;
	}
	return (int)found;
}

/* --- sets -------------------------------------------------------------- */

void link_set_init(struct link_set *s)
{
	*s = (struct link_set){ .mem = { .max = LINK_SET_BYTES } };
}

void link_set_done(struct link_set *s)
{
	buf_done(&s->mem);
	s->n = 0;
}

bool link_set_has(const struct link_set *s, struct span link)
{
	struct rd rd;
	uint32_t i;

	rd_init(&rd, buf_view(&s->mem));
	for (i = 0; i < s->n; i++)
		if (span_eq(rd_blob(&rd, LINK_SET_BYTES), link))
			return true;
	return false;
}

void link_set_add(struct link_set *s, struct span link)
{
	size_t at = s->mem.n;

	if (!link.n || s->n == LINK_SET_MAX || link_set_has(s, link))
		return;
	buf_blob(&s->mem, link);
	if (buf_ok(&s->mem)) {
		s->n++;
		return;
	}
	buf_cut(&s->mem, at);
	s->mem.bad = false;
}

void link_set_read(struct link_set *s, struct span text)
{
	struct link links[LINKS_MAX];
	int n = links_find(text, links, LINKS_MAX), i;

	for (i = 0; i < n; i++)
		link_set_add(s, span_of(text.p + links[i].at, links[i].n));
}

/* --- what leaves ------------------------------------------------------- */

/* A reference in place of what would be broken, or of a slash, which is not. */
static bool is_written(struct span s, size_t i)
{
	return is_reference(s, i) && (s.p[i] == '&' || s.p[i + 1] == '/');
}

/* The rest of a word from its link on, so that no client makes a link of it,
 * and a person can read it. What ends the word joins nothing. */
static void put_broken(struct buf *out, struct span rest)
{
	size_t i, d;

	for (i = 0; i < rest.n; i += d ? d : 1) {
		bool last = i + 1 == rest.n;

		d = dot_at(rest, i);
		if (d && !last)
			buf_str(out, "[.]");
		else if (!last &&
			 (one_of(rest.p[i], ":@") || is_written(rest, i) ||
			  is_schemeless(rest, i)))
			buf_printf(out, "[%c]", rest.p[i]);
		else
			buf_u8(out, rest.p[i]);
	}
}

static size_t end_of_word(struct span text, size_t i)
{
	while (i < text.n && !is_blank(text.p[i]))
		i++;
	return i;
}

static bool is_allowed(enum links rule, const struct link_set *allowed,
		       struct span link)
{
	switch (rule) {
	case LINKS_ANY:
		return true;
	case LINKS_SOURCE:
	case LINKS_OWNER:
		return allowed && link_set_has(allowed, link);
	case LINKS_STRIP:
		break;
	}
	return false;
}

int links_apply(struct span text, enum links rule,
		const struct link_set *allowed, struct buf *out,
		struct link_edits *edits)
{
	struct link links[LINKS_MAX];
	size_t upto = 0;
	int i, n = 0;

	edits->n = 0;
	if (rule != LINKS_ANY)
		n = links_find(text, links, LINKS_MAX);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		const struct link *l = &links[i];
		struct span bytes = span_of(text.p + l->at, l->n);
		size_t from, end = end_of_word(text, l->at);

		if (is_allowed(rule, allowed, bytes))
			continue;
		buf_put(out, text.p + upto, l->at - upto);
		from = out->n;
		put_broken(out, span_of(text.p + l->at, end - l->at));
		upto = end;
		edits->v[edits->n++] = (struct link_edit){
			.at = l->at, .n = end - l->at, .new_n = out->n - from
		};
	}
	if (upto < text.n)
		buf_put(out, text.p + upto, text.n - upto);
	return buf_ok(out) ? 0 : -ENOSPC;
}

size_t link_edits_map(const struct link_edits *e, size_t at)
{
	size_t i, to = at;

	for (i = 0; i < e->n && e->v[i].at < at; i++) {
		if (at < e->v[i].at + e->v[i].n)
			return to - (at - e->v[i].at);
		to = to - e->v[i].n + e->v[i].new_n;
	}
	return to;
}
