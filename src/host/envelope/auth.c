/* auth: see auth.h. */
#include "auth.h"

#include "base/str.h"

/* A part of the field: comments are blanks, a quoted string is one mark that no
 * name has, letters are small. */
struct plain {
	uint8_t p[AUTH_FIELD_MAX];
	size_t n;
};

static uint8_t small(uint8_t b)
{
	return b >= 'A' && b <= 'Z' ? (uint8_t)(b + 'a' - 'A') : b;
}

/* Over a comment or a quoted string from at on; its end, 0: there is none. */
static size_t skip_over(struct span s, size_t at)
{
	const bool comment = s.p[at] == '(';
	size_t depth = 1;

	for (at++; at < s.n; at++) {
		uint8_t b = s.p[at];

		if (b == '\\')
			at++;
		else if (comment && b == '(')
			depth++;
		else if (b == (comment ? ')' : '"') && --depth == 0)
			return at + 1;
	}
	return 0;
}

static bool make_plain(struct span s, struct plain *ret)
{
	size_t at = 0;

	ret->n = 0;
	if (s.n > sizeof(ret->p))
		return false;
	while (at < s.n) {
		uint8_t b = s.p[at];

		if (b == '(' || b == '"') {
			at = skip_over(s, at);
			if (!at)
				return false;
			ret->p[ret->n++] = b == '(' ? ' ' : '"';
			continue;
		}
		ret->p[ret->n++] =
			b == '\t' || b == '\r' || b == '\n' ? ' ' : small(b);
		at++;
	}
	return true;
}

/* Takes what stands before that byte off the front. */
static struct span take_until(struct span *rest, uint8_t end)
{
	const uint8_t *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
	size_t n = at ? (size_t)(at - rest->p) : rest->n;
	struct span ret = span_of(rest->p, n);

	n += at != NULL;
	*rest = span_of(rest->p + n, rest->n - n);
	return ret;
}

/* The next word; empty: there are no more. "a = b" is one, a=b. */
static struct span take_word(struct span *rest, uint8_t word[AUTH_FIELD_MAX])
{
	size_t n = 0, i = 0;

	while (i < rest->n && rest->p[i] == ' ')
		i++;
	while (i < rest->n) {
		size_t next = i;

		while (next < rest->n && rest->p[next] == ' ')
			next++;
		if (next > i &&
		    (next == rest->n ||
		     (rest->p[next] != '=' && (n == 0 || word[n - 1] != '='))))
			break;
		i = next;
		word[n++] = rest->p[i++];
	}
	*rest = span_of(rest->p + i, rest->n - i);
	return span_of(word, n);
}

/* A host's name, or what a server calls itself. */
static bool take_name(struct span s, char ret[AUTH_NAME_MAX + 1])
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(s.p[i] && strchr(".-_", s.p[i])))
			return false;
	return s.n && str_copy(ret, AUTH_NAME_MAX + 1, s) == 0;
}

static bool begins(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && !memcmp(s.p, with, n);
}

/* "dmarc=pass header.from=example.org ...": 1; another method: 0; else -1. */
static int take_result(struct span part, struct auth_results *ret)
{
	static const char from[] = "header.from=";
	uint8_t word[AUTH_FIELD_MAX];
	struct span w = take_word(&part, word);
	size_t domains = 0;

	if (!begins(w, "dmarc=") && !begins(w, "dmarc/"))
		return 0;
	if (!span_is(w, "dmarc=pass") && !span_is(w, "dmarc/1=pass"))
		return -1;
	while ((w = take_word(&part, word)).n) {
		if (!begins(w, from))
			continue;
		w = span_of(w.p + sizeof(from) - 1, w.n - sizeof(from) + 1);
		if (domains++ || !take_name(w, ret->domain))
			return -1;
	}
	return domains ? 1 : -1;
}

void auth_read(struct span value, struct auth_results *ret)
{
	static struct plain plain;
	uint8_t word[AUTH_FIELD_MAX];
	struct span rest, head;
	int results = 0, r = 0;

	*ret = (struct auth_results){ 0 };
	if (!make_plain(value, &plain))
		return;
	rest = span_of(plain.p, plain.n);
	head = take_until(&rest, ';');
	if (!take_name(take_word(&head, word), ret->id))
		return;
	/* a version may stand behind it, and nothing else */
	if (take_word(&head, word).n > 1 || take_word(&head, word).n)
		ret->id[0] = 0;
	while (r >= 0 && rest.n) {
		r = take_result(take_until(&rest, ';'), ret);
		results += r;
	}
	if (r < 0 || results != 1)
		ret->domain[0] = 0;
}
