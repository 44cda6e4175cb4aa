/* imap_place: see imap_place.h. */
#include "imap_place.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

void imap_place_done(struct imap_place *p)
{
	free(p->rows);
	*p = (struct imap_place){ 0 };
}

int imap_place_begin(struct imap_place *p, uint32_t validity, uint32_t after)
{
	if (!p->rows)
		p->rows = calloc(IMAP_PLACE_ROWS, sizeof(*p->rows));
	if (!p->rows)
		return -ENOMEM;
	p->validity = validity;
	p->low = p->high = after;
	p->n = p->out = 0;
	return 0;
}

/* The first row whose UID is not smaller. */
static size_t find(const struct imap_place *p, uint32_t uid)
{
	size_t a = 0, b = p->n;

	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (p->rows[mid].uid < uid)
			a = mid + 1;
		else
			b = mid;
	}
	return a;
}

bool imap_place_has(const struct imap_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	return uid <= p->low || (at < p->n && p->rows[at].uid == uid);
}

bool imap_place_room(const struct imap_place *p)
{
	return p->n < IMAP_PLACE_ROWS;
}

/* What is seen to without a gap needs no row. */
static void settle(struct imap_place *p)
{
	size_t n = 0;

	while (n < p->n && p->rows[n].done && p->rows[n].uid <= p->high)
		n++;
	p->low = n < p->n && p->rows[n].uid <= p->high ? p->rows[n].uid - 1
						       : p->high;
	p->n -= n;
	memmove(p->rows, p->rows + n, p->n * sizeof(*p->rows));
}

/* A row of it, where there is none. */
static struct imap_place_row *insert(struct imap_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	memmove(p->rows + at + 1, p->rows + at, (p->n - at) * sizeof(*p->rows));
	p->rows[at] = (struct imap_place_row){ .uid = uid };
	p->n++;
	return &p->rows[at];
}

void imap_place_add(struct imap_place *p, uint32_t uid, bool done)
{
	struct imap_place_row *row;

	if (imap_place_has(p, uid) || !imap_place_room(p))
		return;
	row = insert(p, uid);
	row->kept = row->done = done;
	if (!done)
		p->out++;
	if (uid > p->high)
		p->high = uid;
	settle(p);
}

void imap_place_kept(struct imap_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	if (at == p->n || p->rows[at].uid != uid || p->rows[at].kept)
		return;
	p->rows[at].kept = true;
	p->out--;
}

void imap_place_end(struct imap_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	imap_place_kept(p, uid);
	if (at < p->n && p->rows[at].uid == uid) {
		p->rows[at].done = true;
	} else if (uid > p->low && imap_place_room(p)) {
		/* One that an earlier process gave is not given again. */
		struct imap_place_row *row = insert(p, uid);

		row->kept = row->done = true;
	}
	settle(p);
}

void imap_place_scanned(struct imap_place *p, uint32_t uid)
{
	if (uid > p->high)
		p->high = uid;
	settle(p);
}

/* --- the file --------------------------------------------------------------
 */

static bool take_number(struct span *s, uint8_t end, uint32_t *ret)
{
	const uint8_t *at = s->n ? memchr(s->p, end, s->n) : NULL;
	uint64_t v;

	if (!at || num_parse(span_of(s->p, (size_t)(at - s->p)), 0, UINT32_MAX,
			     &v) < 0)
		return false;
	*s = span_of(at + 1, s->n - (size_t)(at - s->p) - 1);
	*ret = (uint32_t)v;
	return true;
}

int imap_place_read(struct imap_place *p, struct span file)
{
	uint32_t validity, low, uid;
	int r;

	if (!take_number(&file, ' ', &validity) || !validity ||
	    !take_number(&file, '\n', &low))
		return -EBADMSG;
	r = imap_place_begin(p, validity, low);
	while (r == 0 && file.n) {
		if (!take_number(&file, '\n', &uid) || uid <= low ||
		    p->n == IMAP_PLACE_ROWS ||
		    (p->n && uid <= p->rows[p->n - 1].uid))
			return -EBADMSG;
		p->rows[p->n++] = (struct imap_place_row){ .uid = uid,
							   .kept = true,
							   .done = true };
	}
	return r;
}

void imap_place_write(const struct imap_place *p, struct buf *b)
{
	size_t i;

	buf_printf(b, "%u %u\n", p->validity, p->low);
	for (i = 0; i < p->n; i++)
		if (p->rows[i].done)
			buf_printf(b, "%u\n", p->rows[i].uid);
}

uint32_t imap_place_uid(const struct imap_place *p, struct span key)
{
	uint32_t validity;
	uint64_t uid;

	if (!take_number(&key, '.', &validity) || validity != p->validity ||
	    num_parse(key, 1, UINT32_MAX, &uid) < 0)
		return 0;
	return (uint32_t)uid;
}
