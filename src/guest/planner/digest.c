/* digest: see digest.h. */
#include "digest.h"

#include "base/str.h"
#include "mcp_client.h"

static struct span text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return span_of(json_string_value(v), json_string_length(v));
}

/* One line: white space becomes single blanks, cut with "...". */
static void put_line(struct buf *out, struct span s, size_t max)
{
	struct span cut = utf8_cut(s, max);
	bool space = true;
	size_t i;

	for (i = 0; i < cut.n; i++) {
		bool blank = cut.p[i] <= ' ' || cut.p[i] == 0x7f;

		if (!blank)
			buf_u8(out, cut.p[i]);
		else if (!space)
			buf_u8(out, ' ');
		space = blank;
	}
	if (cut.n < s.n)
		buf_str(out, "...");
}

static void put_address(struct buf *out, const json_t *address)
{
	struct span name = text_of(address, "name");
	struct span addr = text_of(address, "addr");

	if (name.n) {
		put_line(out, name, DIGEST_LINE_MAX);
		buf_str(out, " <");
	}
	if (addr.n)
		put_line(out, addr, DIGEST_LINE_MAX);
	else
		buf_str(out, "no address");
	if (name.n)
		buf_str(out, ">");
}

static void put_head(struct buf *out, const json_t *m)
{
	struct span subject = text_of(m, "subject");
	struct span date = text_of(m, "date");

	buf_str(out, "From: ");
	put_address(out, json_object_get(m, "from"));
	buf_str(out, " (as the message claims)\nDate: ");
	put_line(out, date.n ? date : SPAN_LIT("none given"), DIGEST_LINE_MAX);
	buf_str(out, "\nSubject: ");
	put_line(out, subject.n ? subject : SPAN_LIT("none"), DIGEST_LINE_MAX);
	buf_str(out, "\n");
}

/* --- what it is about -------------------------------------------------- */

/* Takes the next line off *text. */
static struct span take_line(struct span *text)
{
	const uint8_t *newline = memchr(text->p, '\n', text->n);
	size_t n = newline ? (size_t)(newline - text->p) : text->n;
	struct span line = span_of(text->p, n);

	n += newline ? 1 : 0;
	*text = span_of(text->p + n, text->n - n);
	return line;
}

/* Quotes, rules, signatures and very short lines say little. */
static bool is_meaningful(struct span line)
{
	size_t letters = 0;
	size_t i;

	if (line.n && line.p[0] == '>')
		return false;
	for (i = 0; i < line.n; i++) {
		uint8_t c = line.p[i];

		letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   c >= 0x80;
	}
	return letters >= 8;
}

static void put_about(struct buf *out, struct span body)
{
	size_t lines = 0;

	while (body.n && lines < DIGEST_LINES) {
		struct span line = take_line(&body);

		if (span_is(line, "-- ") || span_is(line, "--"))
			break;
		if (!is_meaningful(line))
			continue;
		buf_str(out, lines++ ? "   " : "About: ");
		put_line(out, line, DIGEST_LINE_MAX);
		buf_str(out, "\n");
	}
	if (!lines)
		buf_str(out, "About: no readable text\n");
}

/* --- does it want an answer -------------------------------------------- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool is_letter(uint8_t c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* words (lower case) stand in line, not inside of other words. */
static bool line_has(struct span line, const char *words)
{
	size_t n = strlen(words);
	size_t i, k;

	for (i = 0; i + n <= line.n; i++) {
		for (k = 0; k < n && lower(line.p[i + k]) == (uint8_t)words[k];)
			k++;
		if (k == n && (i == 0 || !is_letter(line.p[i - 1])) &&
		    (i + n == line.n || !is_letter(line.p[i + n])))
			return true;
	}
	return false;
}

static const struct {
	const char *words;
	const char *reason;
} hints[] = {
	{ "please reply", "it asks for a reply" },
	{ "please answer", "it asks for a reply" },
	{ "please respond", "it asks for a reply" },
	{ "rsvp", "it asks for a reply" },
	{ "let me know", "it asks for a reply" },
	{ "let us know", "it asks for a reply" },
	{ "get back to me", "it asks for a reply" },
	{ "please confirm", "it asks for a confirmation" },
	{ "could you", "it has a request" },
	{ "can you", "it has a request" },
	{ "would you", "it has a request" },
	{ "please send", "it has a request" },
	{ "deadline", "it names a deadline" },
	{ "no later than", "it names a deadline" },
	{ "by tomorrow", "it names a deadline" },
	{ "by monday", "it names a deadline" },
	{ "by tuesday", "it names a deadline" },
	{ "by wednesday", "it names a deadline" },
	{ "by thursday", "it names a deadline" },
	{ "by friday", "it names a deadline" },
};

/* A question mark that ends a word, and is no part of a URL. */
static bool has_question(struct span line)
{
	size_t i;

	for (i = 1; i < line.n; i++)
		if (line.p[i] == '?' && is_letter(line.p[i - 1]) &&
		    (i + 1 == line.n || line.p[i + 1] <= ' ' ||
		     line.p[i + 1] == '"' || line.p[i + 1] == ')'))
			return true;
	return false;
}

static const char *line_wants_answer(struct span line)
{
	size_t i;

	if (line.n && line.p[0] == '>')
		return NULL;
	for (i = 0; i < ARRAY_SIZE(hints); i++)
		if (line_has(line, hints[i].words))
			return hints[i].reason;
	return has_question(line) ? "it asks a question" : NULL;
}

const char *digest_wants_answer(struct span subject, struct span body)
{
	const char *why = line_wants_answer(subject);

	if (body.n > DIGEST_BODY_MAX)
		body.n = DIGEST_BODY_MAX;
	while (!why && body.n)
		why = line_wants_answer(take_line(&body));
	return why;
}

static void put_answer(struct buf *out, const json_t *m)
{
	const char *why =
		digest_wants_answer(text_of(m, "subject"), text_of(m, "body"));

	if (why)
		buf_printf(out, "Answer: seems to want one, %s\n", why);
	else
		buf_str(out, "Answer: none seems needed\n");
}

/* --- lists ------------------------------------------------------------- */

static void put_rest(struct buf *out, size_t total)
{
	if (total > DIGEST_LIST)
		buf_printf(out, "; and %zu more", total - DIGEST_LIST);
	buf_str(out, "\n");
}

static void put_links(struct buf *out, const json_t *m)
{
	const json_t *links = json_object_get(m, "links");
	size_t bad = 0;
	json_t *v;
	size_t i;

	json_array_foreach(links, i, v)
	{
		if (!json_is_true(json_object_get(v, "mismatch")))
			continue;
		if (bad++ >= DIGEST_LIST)
			continue;
		buf_str(out, bad == 1 ? "Doubtful links: \"" : "; \"");
		put_line(out, text_of(v, "text"), DIGEST_LINE_MAX / 2);
		buf_str(out, "\" really goes to ");
		put_line(out, text_of(v, "url"), DIGEST_LINE_MAX);
	}
	if (bad)
		put_rest(out, bad);
}

static void put_attachments(struct buf *out, const json_t *m)
{
	const json_t *list = json_object_get(m, "attachments");
	json_t *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_str(out, "Attachments: ");
	json_array_foreach(list, i, v)
	{
		struct span name = text_of(v, "name");

		if (i >= DIGEST_LIST)
			break;
		buf_str(out, i ? "; " : "");
		put_line(out, name.n ? name : SPAN_LIT("without a name"),
			 DIGEST_LINE_MAX / 2);
		buf_str(out, " (");
		put_line(out, text_of(v, "type"), DIGEST_LINE_MAX / 2);
		buf_printf(out, ", %" JSON_INTEGER_FORMAT " bytes)",
			   json_integer_value(json_object_get(v, "size")));
	}
	put_rest(out, json_array_size(list));
}

/* The kinds of the schema in words. */
static const struct {
	const char *kind, *words;
} removed_words[] = {
	{ "display-none", "text that is not displayed" },
	{ "visibility", "invisible text" },
	{ "opacity", "transparent text" },
	{ "zero-size", "text of no size" },
	{ "colour", "text in the colour of its background" },
	{ "off-screen", "text outside of the screen" },
	{ "hidden-attribute", "text marked as hidden" },
	{ "comment", "comments" },
	{ "script", "scripts" },
	{ "style", "style sheets" },
	{ "tracker", "images that report the opening" },
	{ "zero-width", "zero-width characters" },
	{ "bidi", "characters that turn the writing direction" },
	{ "tag-chars", "invisible tag characters" },
	{ "control", "control characters" },
	{ "alternative", "a second text that says something else" },
	{ "truncated", "what was over the limits" },
	{ "spoiler", "text that a chat hides until it is touched" },
};

static void put_removed(struct buf *out, const json_t *m)
{
	const json_t *list = json_object_get(m, "removed");
	long long count[ARRAY_SIZE(removed_words) + 1] = { 0 };
	bool first = true;
	json_t *v;
	size_t i, k;

	json_array_foreach(list, i, v)
	{
		struct span kind = text_of(v, "kind");

		for (k = 0; k < ARRAY_SIZE(removed_words); k++)
			if (span_is(kind, removed_words[k].kind))
				break;
		count[k] += json_integer_value(json_object_get(v, "count"));
	}
	for (k = 0; k < ARRAY_SIZE(count); k++) {
		if (!count[k])
			continue;
		buf_printf(out, "%s%lld x %s", first ? "Removed: " : ", ",
			   count[k],
			   k < ARRAY_SIZE(removed_words)
				   ? removed_words[k].words
				   : "something else");
		first = false;
	}
	if (!first)
		buf_str(out, "\n");
}

static void put_findings(struct buf *out, const json_t *m)
{
	const json_t *list = json_object_get(m, "findings");
	json_t *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_str(out, "Looks like an attack: ");
	json_array_foreach(list, i, v)
	{
		struct span words = text_of(v, "text");

		if (i >= DIGEST_LIST)
			break;
		buf_str(out, i ? "; " : "");
		put_line(out, text_of(v, "rule"), DIGEST_LINE_MAX / 2);
		buf_printf(out, " (%" JSON_INTEGER_FORMAT " of 100) in the ",
			   json_integer_value(json_object_get(v, "score")));
		if (span_is(text_of(v, "where"), "removed"))
			buf_str(out, "hidden part");
		else
			put_line(out, text_of(v, "where"), 16);
		if (words.n) {
			buf_str(out, ": \"");
			put_line(out, words, DIGEST_LINE_MAX / 2);
			buf_str(out, "\"");
		}
	}
	put_rest(out, json_array_size(list));
}

void digest_message(struct buf *out, const json_t *m)
{
	put_head(out, m);
	put_about(out, text_of(m, "body"));
	if (json_is_true(json_object_get(m, "body_cut")))
		buf_str(out, "   (the text was cut: it is very long)\n");
	put_answer(out, m);
	put_links(out, m);
	put_attachments(out, m);
	put_removed(out, m);
	put_findings(out, m);
}
