/* fold: see fold.h. */
#include "label/fold.h"

#include <utf8proc.h>

enum { POINTS_MAX = 32 }; /* one character decomposes into 18 at most */

/* What an ASCII character folds to; 0: nothing. */
static uint8_t fold_ascii(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
		return c;
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : 0;
}

static bool is_letter_or_digit(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
	       (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

static void put_wide(struct buf *out, utf8proc_int32_t point)
{
	utf8proc_int32_t to[POINTS_MAX];
	utf8proc_ssize_t i, n;
	int boundary = 0;

	n = utf8proc_decompose_char(
		point, to, POINTS_MAX,
		(utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
				    UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK |
				    UTF8PROC_IGNORE),
		&boundary);
	for (i = 0; i < n && i < POINTS_MAX; i++) {
		uint32_t c = (uint32_t)to[i];

		if (c < 0x80) {
			uint8_t f = fold_ascii((uint8_t)c);

			if (f)
				buf_u8(out, f);
		} else if (is_letter_or_digit(to[i])) {
			buf_u8(out, (uint8_t)(0x80 | ((c * 40503u) >> 9)));
		}
	}
}

/* The character at the beginning: its length, 0 if it is not UTF-8. */
static size_t put_character(struct buf *out, struct span s)
{
	utf8proc_int32_t point;
	utf8proc_ssize_t n;

	n = utf8proc_iterate(s.p, (utf8proc_ssize_t)(s.n < 4 ? s.n : 4),
			     &point);
	if (n <= 0)
		return 0;
	put_wide(out, point);
	return (size_t)n;
}

/* ASCII at the beginning of s goes straight to memory: it is most of it. */
static size_t fold_ascii_run(struct buf *out, struct span s)
{
	size_t i = 0, from = out->n;
	uint8_t *to;

	while (i < s.n && s.p[i] < 0x80)
		i++;
	if (!i)
		return 0;
	to = buf_extend(out, i);
	if (!to)
		return i;
	for (size_t j = 0; j < i; j++) {
		uint8_t f = fold_ascii(s.p[j]);

		*to = f;
		to += f != 0;
	}
	buf_cut(out, from + (size_t)(to - (out->p + from)));
	return i;
}

void fold_text(struct buf *out, struct span text)
{
	size_t i = 0, n;

	while (i < text.n && !out->bad) {
		struct span rest = span_of(text.p + i, text.n - i);

		n = fold_ascii_run(out, rest);
		if (!n)
			n = put_character(out, rest);
		i += n ? n : 1;
	}
}

/* What may begin a character of more than one byte: most bytes that are no text
 * are told from one by their neighbour. */
static bool may_be_wide(struct span s, size_t i)
{
	return s.p[i] >= 0xc2 && s.p[i] <= 0xf4 && i + 1 < s.n &&
	       (s.p[i + 1] & 0xc0) == 0x80;
}

/* True for a byte of ASCII that no text has. */
static bool is_break(uint8_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
}

/* Ends the run that began at *from: it stays if it is long enough. */
static void end_run(struct buf *out, size_t *from, size_t least)
{
	if (out->n - *from >= least)
		buf_u8(out, 0);
	else
		buf_cut(out, *from);
	*from = out->n;
}

void fold_runs(struct buf *out, struct span bytes, size_t least)
{
	size_t i = 0, n, from = out->n;

	while (i < bytes.n && !out->bad) {
		size_t ascii = i;

		while (ascii < bytes.n && bytes.p[ascii] < 0x80 &&
		       !is_break(bytes.p[ascii]))
			ascii++;
		/* what cannot become long enough is not even folded */
		if (ascii - i >= least ||
		    (ascii > i &&
		     (out->n > from ||
		      (ascii < bytes.n && may_be_wide(bytes, ascii)))))
			(void)fold_ascii_run(out,
					     span_of(bytes.p + i, ascii - i));
		i = ascii;
		if (i == bytes.n)
			break;
		n = may_be_wide(bytes, i)
			    ? put_character(out,
					    span_of(bytes.p + i, bytes.n - i))
			    : 0;
		if (!n)
			end_run(out, &from, least);
		i += n ? n : 1;
	}
	if (!out->bad)
		end_run(out, &from, least);
}
