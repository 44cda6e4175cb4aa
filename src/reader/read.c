/* read: see read.h. */
#include "reader/read.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/message_write.h"
#include "reader/chat/chat.h"
#include "reader/detect/detect.h"
#include "reader/html/html.h"
#include "reader/mail/mail.h"

enum {
	HEAP_STEP = 1 << 20,
	HEAP_READY = 3 << 20, /* what nearly every mail needs */
	HEAP_KEPT = 1 << 30,
};

/*
 * Memory of one mail is there for the next: given back, it would be asked of
 * the kernel again, page by page, which costs an emulated machine more than
 * the parsing does.
 */
static void heap_settle(void)
{
	void *p;

	(void)mallopt(M_TOP_PAD, HEAP_STEP);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, LIMIT_ITEM * 2);
	p = malloc(HEAP_READY);
	if (p)
		explicit_bzero(p, HEAP_READY);
	free(p);
}

void read_init(void)
{
	heap_settle();
	html_init();
}

struct kind {
	int (*read)(struct span raw, struct draft *d);
	void (*findings)(struct draft *d); /* flaws of the form */
};

static const struct kind kinds[] = {
	[WIRE_ITEM_EMAIL] = { mail_read, mail_findings },
	[WIRE_ITEM_TELEGRAM] = { telegram_read, chat_findings },
	[WIRE_ITEM_SLACK] = { slack_read, chat_findings },
};
static_assert(ARRAY_SIZE(kinds) == WIRE_ITEM_MAX);

int read_item(enum wire_item what, struct span raw, struct draft *d)
{
	const char *why;
	int r;

	if ((size_t)what >= ARRAY_SIZE(kinds) || !kinds[what].read)
		return -EINVAL;
	r = kinds[what].read(raw, d);
	if (r < 0)
		return r;
	draft_finish(d);
	detect_message(d);
	kinds[what].findings(d);
	return message_check(&d->m, &why) ? -EBADMSG : 0;
}

/* Room for escapes was not there: lists lose half, then the body does. */
static bool shrink(struct message *m)
{
	if (m->n_links > 1) {
		m->n_links /= 2;
	} else if (m->n_attachments > 1) {
		m->n_attachments /= 2;
	} else if (m->body.n) {
		m->n_findings = 0;
		m->body.n = 0;
		m->body_cut = true;
	} else {
		return false;
	}
	return true;
}

static int dump(const struct message *m, struct buf *json)
{
	CLEAN_BUF struct buf text = { .max = LIMIT_READER_JSON - 1 };

	message_write(m, &text);
	if (!buf_ok(&text))
		return -EFBIG;
	buf_span(json, buf_view(&text));
	return 0;
}

int read_item_json(enum wire_item what, struct span raw, struct buf *json)
{
	struct draft d;
	int r;

	draft_init(&d);
	r = read_item(what, raw, &d);
	while (r == 0 || r == -EFBIG) {
		r = dump(&d.m, json);
		if (r != -EFBIG)
			break;
		if (!shrink(&d.m))
			break;
	}
	draft_done(&d);
	if (r == 0 && !buf_ok(json))
		r = -ENOMEM;
	return r;
}
