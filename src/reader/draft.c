/* draft: see draft.h. */
#include "reader/draft.h"

#include "reader/links.h"
#include "reader/utf8.h"

/* One piece of evidence; the row shows several, if they are not huge. */
enum { EVIDENCE_PIECE_MAX = 1500 };

void draft_init(struct draft *d)
{
	*d = (struct draft){ .m.kind = SPAN_LIT("email") };
	arena_init(&d->arena, DRAFT_MEMORY_MAX);
	for (size_t i = 0; i < REMOVED_KIND_MAX; i++)
		buf_init(&d->removed[i].text, MESSAGE_EVIDENCE_MAX);
}

void draft_done(struct draft *d)
{
	for (size_t i = 0; i < REMOVED_KIND_MAX; i++)
		buf_done(&d->removed[i].text);
	arena_done(&d->arena);
}

struct span draft_line(struct draft *d, struct span s, size_t max)
{
	CLEAN_BUF struct buf b = { .max = s.n + 1 };
	struct span out;

	clean_text(s, &b, d);
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\n' || b.p[i] == '\t')
			b.p[i] = ' ';
	}
	out = buf_view(&b);
	while (out.n && out.p[0] == ' ')
		out = span_of(out.p + 1, out.n - 1);
	while (out.n && out.p[out.n - 1] == ' ')
		out.n--;
	out.n = utf8_cut(out, max);
	return arena_copy(&d->arena, out);
}

/* Evidence is one piece a line: white space collapsed, nothing invisible. */
static void evidence_put(struct buf *row, struct span text)
{
	size_t room = row->max - row->n;
	bool blank = true;

	text.n = utf8_cut(text, EVIDENCE_PIECE_MAX);
	if (row->n && room) {
		buf_u8(row, '\n');
		room--;
	}
	text.n = utf8_cut(text, room);
	for (size_t i = 0; i < text.n; i++) {
		bool space = text.p[i] == ' ' || text.p[i] == '\n' ||
			     text.p[i] == '\t';

		if (!space)
			buf_u8(row, text.p[i]);
		else if (!blank)
			buf_u8(row, ' ');
		blank = space;
	}
}

static bool is_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	}
	return true;
}

void draft_remove(struct draft *d, enum message_removed_kind kind,
		  uint32_t count, struct span evidence)
{
	struct draft_removed *row = &d->removed[kind];
	CLEAN_BUF struct buf b = { .max = evidence.n + 1 };

	if (__builtin_add_overflow(row->count, count, &row->count))
		row->count = UINT32_MAX;
	evidence.n = utf8_cut(evidence, 4 * (size_t)EVIDENCE_PIECE_MAX);
	clean_text(evidence, &b, NULL);
	if (!is_blank(buf_view(&b)))
		evidence_put(&row->text, buf_view(&b));
}

void draft_link(struct draft *d, struct span text, struct span url)
{
	struct message *m = &d->m;
	struct message_link l = { 0 };

	if (m->n_links == MESSAGE_LINKS) {
		draft_remove(d, REMOVED_TRUNCATED, 1, url);
		return;
	}
	l.url = draft_line(d, url, MESSAGE_URL_MAX);
	if (!l.url.n)
		return;
	l.text = draft_line(d, text, MESSAGE_LINK_TEXT_MAX);
	l.mismatch = link_mismatch(l.text, l.url);
	for (uint32_t i = 0; i < m->n_links; i++) {
		if (span_eq(m->links[i].url, l.url) &&
		    (l.text.n == 0 || span_eq(m->links[i].text, l.text)))
			return;
	}
	m->links[m->n_links++] = l;
}

void draft_body(struct draft *d, struct span body)
{
	size_t n = utf8_cut(body, MESSAGE_BODY_MAX);

	if (n < body.n) {
		d->m.body_cut = true;
		draft_remove(d, REMOVED_TRUNCATED, 1,
			     span_of(body.p + n, body.n - n));
	}
	d->m.body = arena_copy(&d->arena, span_of(body.p, n));
}

void draft_finish(struct draft *d)
{
	struct message *m = &d->m;

	m->n_removed = 0;
	for (int k = 1; k < REMOVED_KIND_MAX; k++) {
		struct draft_removed *row = &d->removed[k];

		if (!row->count)
			continue;
		m->removed[m->n_removed++] = (struct message_removed){
			.kind = (uint8_t)k,
			.count = row->count,
			.text = buf_view(&row->text),
		};
	}
}
