/* writer: see writer.h. */
#include "reader/html/writer.h"

static void due_put(struct writer *w)
{
	if (w->any && w->breaks) {
		for (unsigned int i = 0; i < w->breaks; i++) {
			buf_u8(w->out, '\n');
			for (unsigned int q = 0; q < w->quote; q++)
				buf_str(w->out, "> ");
		}
	} else if (w->any && w->cell) {
		buf_u8(w->out, '\t');
	} else if (w->any && w->space) {
		buf_u8(w->out, ' ');
	} else if (!w->any) {
		for (unsigned int q = 0; q < w->quote; q++)
			buf_str(w->out, "> ");
	}
	if (w->mark[0]) {
		buf_str(w->out, w->mark);
		w->mark[0] = 0;
	}
	w->breaks = 0;
	w->space = false;
	w->cell = false;
	w->any = true;
}

/* A no-break space is shown as a blank, so it is one here. */
static size_t blank_at(struct span s, size_t i)
{
	uint8_t c = s.p[i];

	if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f')
		return 1;
	return c == 0xc2 && i + 1 < s.n && s.p[i + 1] == 0xa0 ? 2 : 0;
}

/* Where the run of words at i ends, with one blank between two of them. */
static size_t words_end(struct span s, size_t i)
{
	while (i < s.n) {
		bool special = s.p[i] <= ' ' || s.p[i] == 0xc2;

		if (s.p[i] == ' ' && i + 1 < s.n && s.p[i + 1] > ' ' &&
		    s.p[i + 1] != 0xc2)
			i += 2;
		else if (special && blank_at(s, i))
			break;
		else
			i++;
	}
	return i;
}

static void put_pre(struct writer *w, struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t from = i;

		while (i < s.n && s.p[i] != '\n')
			i++;
		if (i > from) {
			due_put(w);
			buf_put(w->out, s.p + from, i - from);
		}
		if (i < s.n) {
			writer_break(w);
			i++;
		}
	}
}

void writer_text(struct writer *w, struct span s, bool pre)
{
	size_t i = 0;

	if (pre) {
		put_pre(w, s);
		return;
	}
	while (i < s.n) {
		size_t n = blank_at(s, i);
		size_t from = i;

		if (n) {
			w->space = true;
			i += n;
			continue;
		}
		i = words_end(s, i);
		due_put(w);
		buf_put(w->out, s.p + from, i - from);
	}
}

void writer_block(struct writer *w, unsigned int n)
{
	if (w->breaks < n)
		w->breaks = n;
	w->space = false;
}

void writer_break(struct writer *w)
{
	if (w->breaks < WRITER_BREAKS_MAX)
		w->breaks++;
	w->space = false;
}

void writer_cell(struct writer *w)
{
	w->cell = true;
	w->space = false;
}
