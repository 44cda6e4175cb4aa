/*
 * types_url: URLs as they are compared.
 *
 * Two programs that read one URL differently are how a closed list is walked
 * around, so whatever has two readings is refused rather than mended: user
 * names, backslashes, numbers as hosts, encoded slashes. What is left has one
 * canonical form, and "below this folder" is a comparison of bytes.
 */
#include <string.h>

#include "base/str.h"
#include "label/types_inner.h"

static const char not_a_url[] = "is not an https or http URL";

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(uint8_t c)
{
	return is_alnum(c) || (c && strchr("-._~", c));
}

/* What stands as it is in a path; queries and fragments have / and ? too. */
static bool is_plain(uint8_t c, bool path)
{
	return is_unreserved(c) || (c && strchr("!$&'()*+,;=:@", c)) ||
	       (!path && (c == '/' || c == '?'));
}

static void put_encoded(struct buf *out, uint8_t c)
{
	buf_printf(out, "%%%02X", c);
}

/* One part of a URL; NULL, or why it has no canonical form. */
static const char *put_part(struct span v, bool path, struct buf *out)
{
	size_t i;

	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		int high, low;

		if (c != '%') {
			if (is_plain(c, path))
				buf_u8(out, c);
			else
				put_encoded(out, c);
			continue;
		}
		high = i + 2 < v.n ? hex_digit(v.p[i + 1]) : -1;
		low = i + 2 < v.n ? hex_digit(v.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return "has a % that begins no encoded byte";
		c = (uint8_t)(high << 4 | low);
		i += 2;
		if (c < 0x20 || c == 0x7f || (path && (c == '/' || c == '\\')))
			return "has an encoded slash or control character";
		if (is_unreserved(c))
			buf_u8(out, c);
		else
			put_encoded(out, c);
	}
	return NULL;
}

/* Takes off the last component, back to base: what ".." does. */
static void pop_component(struct buf *out, size_t base)
{
	while (out->n > base && out->p[out->n - 1] != '/')
		buf_cut(out, out->n - 1);
	if (out->n > base)
		buf_cut(out, out->n - 1);
}

/* "/a/./b/../c" becomes "/a/c"; an empty path becomes "/". */
static const char *put_path(struct span v, struct buf *out)
{
	size_t base = out->n, i = 0;

	do {
		size_t from = out->n, n;
		struct span part;
		const char *why;
		bool last;

		v = v.n ? skip(v, 1) : v;
		for (n = 0; n < v.n && v.p[n] != '/'; n++)
			;
		last = n == v.n;
		buf_u8(out, '/');
		why = put_part(span_of(v.p, n), true, out);
		if (why)
			return why;
		part = buf_part(out, from + 1, out->n);
		if (span_is(part, ".") || span_is(part, "..")) {
			bool up = part.n == 2;

			buf_cut(out, from);
			if (up)
				pop_component(out, base);
			if (last)
				buf_u8(out, '/');
		}
		v = skip(v, n);
	} while (v.n && ++i < URL_MAX);
	return NULL;
}

/* Four decimal numbers; every other number as a host is some other host. */
static bool address_ok(struct span v)
{
	uint64_t byte;
	size_t parts = 0;

	while (v.n && parts < 4) {
		size_t n = type_digits(v);

		if (num_parse(span_of(v.p, n), 0, 255, &byte) < 0)
			return false;
		parts++;
		if (n == v.n)
			return parts == 4;
		if (v.p[n] != '.')
			return false;
		v = skip(v, n + 1);
	}
	return false;
}

/* A last label that browsers take for a part of an address. */
static bool ends_in_number(struct span v)
{
	size_t from = v.n;

	while (from && v.p[from - 1] != '.')
		from--;
	v = skip(v, from);
	return type_digits(v) == v.n ||
	       (v.n > 1 && v.p[0] == '0' && lower(v.p[1]) == 'x');
}

static const char *put_host(struct span v, struct buf *out)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (v.p[i] >= 0x80)
			return "is not ASCII: write the host as xn--...";
	if (v.n > HOST_MAX || !type_domain_ok(v) ||
	    (ends_in_number(v) && !address_ok(v)))
		return "has no host name";
	put_lower(out, v);
	return NULL;
}

static const char *put_port(struct span v, bool tls, struct buf *out)
{
	uint64_t port;

	if (num_parse(v, 1, 65535, &port) < 0)
		return "has a port that is none";
	if (port != (tls ? 443 : 80))
		buf_printf(out, ":%u", (unsigned)port);
	return NULL;
}

static const char *put_authority(struct span v, bool tls, struct buf *out)
{
	const uint8_t *colon = v.n ? memchr(v.p, ':', v.n) : NULL;
	struct span host = v;
	const char *why;

	if (v.n && memchr(v.p, '@', v.n))
		return "has a user name";
	if (colon)
		host.n = (size_t)(colon - v.p);
	why = put_host(host, out);
	if (why || !colon)
		return why;
	return put_port(skip(v, host.n + 1), tls, out);
}

/* The part of v that begins with mark and ends before any of ends. */
static const char *put_tail(struct span *v, char mark, const char *ends,
			    struct buf *out)
{
	size_t n = 1;
	const char *why;

	if (!v->n || v->p[0] != (uint8_t)mark)
		return NULL;
	while (n < v->n && !strchr(ends, v->p[n]))
		n++;
	buf_u8(out, (uint8_t)mark);
	why = put_part(span_of(v->p + 1, n - 1), false, out);
	*v = skip(*v, n);
	return why;
}

/* The part of v before the first of the marks; v is what follows. */
static struct span cut_at(struct span *v, const char *marks)
{
	struct span part;
	size_t n = 0;

	while (n < v->n && !strchr(marks, v->p[n]))
		n++;
	part = span_of(v->p, n);
	*v = skip(*v, n);
	return part;
}

static bool starts(struct span v, const char *word)
{
	size_t i, n = strlen(word);

	for (i = 0; i < n; i++)
		if (i >= v.n || lower(v.p[i]) != (uint8_t)word[i])
			return false;
	return true;
}

static bool url_bytes_ok(struct span v)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] == 0x7f || v.p[i] == '\\')
			return false;
	return utf8_valid(v);
}

const char *canon_url(struct span v, struct buf *out)
{
	size_t before = out->n;
	bool tls = starts(v, "https://");
	const char *why;

	if (v.n > URL_MAX || (!tls && !starts(v, "http://")))
		return not_a_url;
	if (!url_bytes_ok(v))
		return "has blanks, backslashes or control characters";
	v = skip(v, tls ? 8 : 7);
	buf_str(out, tls ? "https://" : "http://");
	why = put_authority(cut_at(&v, "/?#"), tls, out);
	if (!why)
		why = put_path(cut_at(&v, "?#"), out);
	if (!why)
		why = put_tail(&v, '?', "#", out);
	if (!why)
		why = put_tail(&v, '#', "", out);
	if (!why && out->n - before > URL_MAX)
		return not_a_url;
	return why;
}

bool url_is_tree(struct span v)
{
	return v.n && v.p[v.n - 1] == '/' && !memchr(v.p, '?', v.n) &&
	       !memchr(v.p, '#', v.n);
}
