/* read: see read.h. */
#include "reader/read.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/message_json.h"
#include "reader/detect/detect.h"
#include "reader/mail/mail.h"

int read_mail(struct span raw, struct draft *d)
{
	const char *why;
	int r = mail_read(raw, d);

	if (r < 0)
		return r;
	draft_finish(d);
	detect_message(d);
	mail_findings(d);
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
	json_t *o = message_to_json(m, false);
	char *text;
	size_t n;

	if (!o)
		return -ENOMEM;
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return -ENOMEM;
	n = strlen(text);
	if (n < LIMIT_READER_JSON)
		buf_put(json, text, n);
	free(text);
	return n < LIMIT_READER_JSON ? 0 : -EFBIG;
}

int read_mail_json(struct span raw, struct buf *json)
{
	struct draft d;
	int r;

	draft_init(&d);
	r = read_mail(raw, &d);
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
