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
	buf_str(w->out, w->mark);
	w->mark[0] = 0;
	w->breaks = 0;
	w->space = false;
	w->cell = false;
	w->any = true;
}

static bool collapses(struct span s, size_t i, size_t *n)
{
	uint8_t c = s.p[i];

	*n = 1;
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')
		return true;
	/* no-break space: shown as a blank, so it is one here */
	*n = 2;
	return c == 0xc2 && i + 1 < s.n && s.p[i + 1] == 0xa0;
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
		size_t from = i;
		size_t n;

		while (i < s.n && !collapses(s, i, &n))
			i++;
		if (i > from) {
			due_put(w);
			buf_put(w->out, s.p + from, i - from);
		}
		while (i < s.n && collapses(s, i, &n)) {
			w->space = true;
			i += n;
		}
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
