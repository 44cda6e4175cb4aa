/* links: see links.h. Single passes, no backtracking. */
#include "reader/links.h"

#include <strings.h>

#include "reader/draft.h"

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Bytes of non-ASCII names count as letters. */
static bool is_host(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c >= 0x80;
}

static bool starts(struct span s, const char *what)
{
	size_t n = strlen(what);

	return s.n >= n && strncasecmp((const char *)s.p, what, n) == 0;
}

static struct span skip(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

static size_t find(struct span s, const char *stop)
{
	size_t i = 0;

	while (i < s.n && !(s.p[i] && strchr(stop, s.p[i])))
		i++;
	return i;
}

/* The host of an authority: behind the last @, before a port. */
static struct span authority_host(struct span s)
{
	s.n = find(s, "/\\?# \"<>");
	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == '@') {
			s = skip(s, i);
			break;
		}
	}
	s.n = find(s, ":");
	while (s.n && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

static struct span after_slashes(struct span s)
{
	while (s.n && (s.p[0] == '/' || s.p[0] == '\\'))
		s = skip(s, 1);
	return s;
}

/* The host that an URL leads to; empty if it leads to none. */
static struct span url_host(struct span url)
{
	if (starts(url, "http:"))
		return authority_host(after_slashes(skip(url, 5)));
	if (starts(url, "https:"))
		return authority_host(after_slashes(skip(url, 6)));
	if (starts(url, "ftp:"))
		return authority_host(after_slashes(skip(url, 4)));
	if (starts(url, "//"))
		return authority_host(after_slashes(url));
	if (starts(url, "mailto:")) {
		url = skip(url, 7);
		url.n = find(url, "?,");
		return authority_host(url);
	}
	return span_of(NULL, 0);
}

/* A name of labels with a dot inside and a last label of letters. */
static bool looks_like_host(struct span s)
{
	size_t dots = 0;
	size_t last = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_host(s.p[i]))
			return false;
		if (s.p[i] == '.') {
			if (i == 0 || i == last)
				return false;
			dots++;
			last = i + 1;
		}
	}
	if (!dots || s.n - last < 2)
		return false;
	for (size_t i = last; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return false;
	}
	return true;
}

/* The host a person reads in the text, or empty. */
static struct span text_host(struct span text)
{
	struct span host = url_host(text);

	if (host.n)
		return host;
	/* one word, perhaps with a path: bank.example/login, a@b.example */
	if (find(text, " \t\n") != text.n)
		return span_of(NULL, 0);
	host = authority_host(text);
	return looks_like_host(host) ? host : span_of(NULL, 0);
}

static struct span no_www(struct span s)
{
	return starts(s, "www.") ? skip(s, 4) : s;
}

/* Equal, or one is a name below the other. */
static bool host_related(struct span a, struct span b)
{
	struct span t;

	a = no_www(a);
	b = no_www(b);
	if (a.n < b.n) {
		t = a;
		a = b;
		b = t;
	}
	if (!b.n || strncasecmp((const char *)a.p + (a.n - b.n),
				(const char *)b.p, b.n) != 0)
		return false;
	return a.n == b.n || a.p[a.n - b.n - 1] == '.';
}

bool link_mismatch(struct span text, struct span url)
{
	struct span shown = text_host(text);

	if (!shown.n)
		return false;
	return !host_related(shown, url_host(url));
}

/* Where the address at s ends: at white space, quotes, brackets. */
static size_t address_end(struct span s)
{
	size_t n = find(s, " \t\n\r\"<>|");

	while (n && strchr(".,;:!?)]}'*", s.p[n - 1]) && s.p[n - 1])
		n--;
	return n;
}

void links_from_text(struct draft *d, struct span text)
{
	size_t i = 0;

	while (i < text.n) {
		struct span rest = skip(text, i);
		size_t n;

		if ((rest.p[0] | 32) != 'h' && (rest.p[0] | 32) != 'm') {
			i++;
			continue;
		}
		if (!starts(rest, "http://") && !starts(rest, "https://") &&
		    !starts(rest, "mailto:")) {
			i++;
			continue;
		}
		n = address_end(rest);
		if (n > 8 && (i == 0 || !is_alnum(text.p[i - 1])))
			draft_link(d, span_of(rest.p, n), span_of(rest.p, n));
		i += n ? n : 1;
	}
}
