/*
 * reader: the porter's side of a reader VM: the raw item in, one JSON object
 * out, which becomes a typed record or is refused as a whole.
 *
 * The guest's FIN ends the work; the workload itself may well go on to wait
 * for another stream. Where it ends first, it gave up.
 * #syscalls:porter memfd_create fstat
 * #syscalls:porter fcntl int1=F_ADD_SEALS
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/fd.h"
#include "proto/message_json.h"
#include "session.h"

struct reader {
	struct exchange x;
	char reason[SESSION_REASON_MAX]; /* of the refusal being sent */
};

static void reader_ended(void *arg, struct exchange *x, enum exchange_end how);

static void *reader_start(struct session *s)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		die("vm=%s out of memory", s->name);
	exchange_init(&r->x, &s->link, reader_ended, s);
	return r;
}

static void reader_done(void *state)
{
	struct reader *r = state;

	exchange_done(&r->x);
	free(r);
}

static void reader_work(struct session *s)
{
	struct reader *r = s->state;

	if (exchange_start_fd(&r->x, (enum wire_item)s->sort, s->item,
			      s->item_size) < 0)
		session_fail(s, WIRE_BAD_STREAM, "no stream for the item");
}

static void refuse(struct session *s, const char *what, const char *why)
{
	struct reader *r = s->state;
	struct msg m = { .type = MSG_REFUSED };

	(void)snprintf(r->reason, sizeof(r->reason), "%s: %s", what, why);
	log_info("refused", "why=\"%s\"", r->reason);
	m.text.text = span_str(r->reason);
	session_ask(s, &m, NULL, 0);
}

/* The record as a sealed memfd, or -1 with *why. */
static int make_record(struct reader *r, uint8_t sort, struct err *err)
{
	json_t *keep = NULL;
	struct message m;
	CLEAN_BUF struct buf record;
	int fd = -1;

	buf_init(&record, LIMIT_RECORD);
	if (message_from_json(buf_view(&r->x.json), &m, &keep, err) < 0)
		return -1;
	if (!span_is(m.kind, item_sort_name(sort))) {
		(void)err_set(err, -1, "another kind of message than asked");
	} else {
		message_encode(&record, &m);
		if (buf_ok(&record))
			fd = memfd_sealed("record", buf_view(&record));
		if (fd < 0)
			(void)err_set(err, -1, "the record is too large");
	}
	json_decref(keep);
	return fd;
}

static void deliver(struct session *s)
{
	struct msg m = { .type = MSG_RECORD };
	struct err err = { 0 };
	int fd = make_record(s->state, s->sort, &err);

	/* A guest that breaks a rule now can take nothing back. */
	link_end(&s->link);
	if (fd < 0)
		refuse(s, "the reader's JSON", err.msg);
	else
		session_ask(s, &m, &fd, 1);
}

/* After a mere reset, EXIT says why; its deadline is that of the work. */
static void reader_ended(void *arg, struct exchange *x, enum exchange_end how)
{
	struct session *s = arg;

	(void)x;
	switch (how) {
	case EXCHANGE_ANSWERED:
		deliver(s);
		break;
	case EXCHANGE_TOO_MUCH:
		session_fail(s, WIRE_TOO_MUCH, "more than %d bytes of JSON",
			     LIMIT_READER_JSON);
		break;
	case EXCHANGE_RESET:
		break;
	}
}

static void reader_exited(struct session *s, const struct wire_exit *e)
{
	char how[64];

	(void)snprintf(how, sizeof(how), "code %u", e->status);
	refuse(s, "the reader gave up, the log has its words", how);
}

static void reader_sent(struct session *s)
{
	session_done(s);
}

static void reader_broker(struct session *s, const struct msg *m)
{
	session_fail(s, WIRE_HANGUP, "the broker said %s to a reader",
		     msg_type_name(m->type));
}

const struct mode reader_mode = {
	.limits = { READER_BYTES, READER_FRAMES, READER_OPENS },
	.template_limits = { TEMPLATE_BYTES, TEMPLATE_FRAMES, READER_OPENS },
	.has_item = true,
	.start = reader_start,
	.done = reader_done,
	.work = reader_work,
	.exited = reader_exited,
	.sent = reader_sent,
	.broker = reader_broker
};
