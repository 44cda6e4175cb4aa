/* types: see types.h. */
#include "label/types.h"

#include <string.h>

#include "base/str.h"
#include "label/types_inner.h"

const char *type_name(enum arg_type t)
{
	static const char *const names[TYPE_MAX] = {
		[TYPE_TEXT] = "text",
		[TYPE_EMAIL] = "email",
		[TYPE_ID] = "id",
		[TYPE_ENUM] = "enum",
		[TYPE_INT] = "int",
		[TYPE_NUMBER] = "number",
		[TYPE_BOOL] = "bool",
		[TYPE_HANDLE] = "handle",
		[TYPE_URL] = "url",
		[TYPE_REPO] = "repo",
		[TYPE_REF] = "ref",
		[TYPE_FILE] = "file",
		[TYPE_DATETIME] = "datetime",
		[TYPE_MONEY] = "money",
	};

	return t > 0 && t < TYPE_MAX ? names[t] : "?";
}

/* C0 but the two that lines allow, DEL, and C1 as UTF-8 encodes it. */
static bool text_has_control(struct span v, bool lines)
{
	size_t i;

	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (lines && (c == '\n' || c == '\t'))
			continue;
		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < v.n && v.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}

/* U+2028 and U+2029 end a line in some readers. */
static bool text_has_separator(struct span v)
{
	size_t i;

	for (i = 0; i + 2 < v.n; i++)
		if (v.p[i] == 0xe2 && v.p[i + 1] == 0x80 &&
		    (v.p[i + 2] == 0xa8 || v.p[i + 2] == 0xa9))
			return true;
	return false;
}

bool type_line_ok(struct span v)
{
	return utf8_valid(v) && !text_has_control(v, false) &&
	       !text_has_separator(v);
}

static const char *canon_text(bool lines, struct span v, struct buf *out)
{
	if (!utf8_valid(v))
		return "is not well-formed UTF-8";
	if (text_has_control(v, lines) || (!lines && text_has_separator(v)))
		return lines ? "has control characters"
			     : "has line breaks or control characters";
	buf_span(out, v);
	return NULL;
}

/* RFC 5322 dot-atom: no quoted strings, no comments, no spaces. */
static bool local_ok(struct span v)
{
	size_t i;

	if (v.n == 0 || v.n > EMAIL_LOCAL_MAX || v.p[0] == '.' ||
	    v.p[v.n - 1] == '.')
		return false;
	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '.' && v.p[i - 1] == '.')
			return false;
		if (!is_alnum(c) && (!c || !strchr(".!#$%&'*+-/=?^_`{|}~", c)))
			return false;
	}
	return true;
}

bool type_domain_ok(struct span v)
{
	size_t i, label = 0;

	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '.') {
			if (!label || v.p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(c) && (c != '-' || !label))
			return false;
		if (++label > EMAIL_LABEL_MAX)
			return false;
	}
	return label && v.p[v.n - 1] != '-';
}

static const char *canon_email(struct span v, struct buf *out)
{
	const uint8_t *at = v.n ? memchr(v.p, '@', v.n) : NULL;
	size_t n = at ? (size_t)(at - v.p) : 0, i;
	struct span domain;

	for (i = 0; i < v.n; i++)
		if (v.p[i] >= 0x80)
			return "is not ASCII: write the domain as xn--...";
	if (!at || v.n > EMAIL_MAX)
		return "is not a mail address";
	domain = span_of(at + 1, v.n - n - 1);
	if (!local_ok(span_of(v.p, n)) || !type_domain_ok(domain))
		return "is not a mail address";
	buf_put(out, v.p, n + 1);
	put_lower(out, domain);
	return NULL;
}

static const char *canon_id(struct span v, struct buf *out)
{
	size_t i;

	if (v.n == 0 || v.n > ID_MAX)
		return "is not 1 to 128 characters long";
	for (i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return "has characters other than visible ASCII";
	buf_span(out, v);
	return NULL;
}

size_t type_digits(struct span v)
{
	size_t i = 0;

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	return i;
}

static const char *canon_int(struct span v, struct buf *out)
{
	bool minus = v.n && v.p[0] == '-';
	struct span d = minus ? skip(v, 1) : v;
	uint64_t magnitude;

	if (num_parse(d, 0, INT_LIMIT, &magnitude) < 0 ||
	    (minus && magnitude == 0))
		return "is not a whole number of at most 15 digits";
	buf_span(out, v);
	return NULL;
}

static const char *canon_number(struct span v, struct buf *out)
{
	static const char why[] = "is not a decimal number of at most 9 digits "
				  "before and behind the point";
	bool minus = v.n && v.p[0] == '-';
	struct span whole = minus ? skip(v, 1) : v, part = { 0 };
	size_t n = type_digits(whole);

	if (n == 0 || n > NUMBER_DIGITS || (n > 1 && whole.p[0] == '0'))
		return why;
	if (n < whole.n) {
		part = skip(whole, n + 1);
		if (whole.p[n] != '.' || part.n == 0 ||
		    part.n > NUMBER_DIGITS || type_digits(part) != part.n)
			return why;
	}
	while (part.n && part.p[part.n - 1] == '0')
		part.n--;
	if (minus && (part.n || n > 1 || whole.p[0] != '0'))
		buf_str(out, "-");
	buf_put(out, whole.p, n);
	if (part.n) {
		buf_str(out, ".");
		buf_span(out, part);
	}
	return NULL;
}

static const char *canon_bool(struct span v, struct buf *out)
{
	if (!span_is(v, "true") && !span_is(v, "false"))
		return "is not true or false";
	buf_span(out, v);
	return NULL;
}

const char *type_canon(enum arg_type t, bool lines, struct span v,
		       struct buf *out)
{
	switch (t) {
	case TYPE_TEXT:
		return canon_text(lines, v, out);
	case TYPE_EMAIL:
		return canon_email(v, out);
	case TYPE_ID:
	case TYPE_ENUM:
		return canon_id(v, out);
	case TYPE_INT:
		return canon_int(v, out);
	case TYPE_NUMBER:
		return canon_number(v, out);
	case TYPE_BOOL:
		return canon_bool(v, out);
	case TYPE_HANDLE:
		return canon_handle(v, out);
	case TYPE_URL:
		return canon_url(v, out);
	case TYPE_REPO:
		return canon_repo(v, out);
	case TYPE_REF:
		return canon_ref(v, out);
	case TYPE_FILE:
		return canon_file(v, out);
	case TYPE_DATETIME:
		return canon_datetime(v, out);
	case TYPE_MONEY:
		return canon_money(v, out);
	case TYPE_MAX:
		break;
	}
	return "has no known type";
}

int64_t type_number(enum arg_type t, struct span c)
{
	bool minus = c.n && c.p[0] == '-', behind = false;
	int64_t v = 0, unit = t == TYPE_NUMBER ? NUMBER_ONE : 1;
	size_t i;

	if (t == TYPE_MONEY)
		return money_minor(c);
	if (t == TYPE_DATETIME)
		return datetime_seconds(c);
	for (i = minus; i < c.n; i++) {
		if (c.p[i] == '.') {
			behind = true;
			continue;
		}
		v = v * 10 + (c.p[i] - '0');
		if (behind)
			unit /= 10;
	}
	v *= unit;
	return minus ? -v : v;
}

bool type_is_number(enum arg_type t)
{
	return t == TYPE_INT || t == TYPE_NUMBER || t == TYPE_MONEY;
}

bool type_matches(enum arg_type t, struct span entry, struct span value)
{
	if (t == TYPE_URL && url_is_tree(entry))
		return value.n >= entry.n && !memcmp(entry.p, value.p, entry.n);
	return span_eq(entry, value);
}
