/*
 * reader: the porter's side of a reader VM: the raw item in, one JSON object
 * out, which becomes a typed record or is refused as a whole.
 *
 * Nothing is said to the broker before the VM has exited, so that a VM that
 * breaks the wire's rules at its last frame has said nothing either.
 * #syscalls:porter pread64 memfd_create fstat
 * #syscalls:porter fcntl int1=F_ADD_SEALS
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "proto/message_json.h"
#include "session.h"

struct reader {
	size_t size; /* of the item */
	size_t sent;
	bool ended; /* END went out */
	struct buf json;
	uint8_t chunk[LINK_CHUNK];
	char reason[SESSION_REASON_MAX]; /* of the refusal being sent */
};

static void *reader_start(struct session *s)
{
	struct reader *r = calloc(1, sizeof(*r));
	ssize_t size = memfd_sealed_size(s->fds.item, LIMIT_ITEM);

	if (!r || size < 0)
		die("vm=%s no sealed item within the limit", s->name);
	r->size = (size_t)size;
	buf_init(&r->json, LIMIT_READER_JSON);
	return r;
}

static void reader_done(void *state)
{
	struct reader *r = state;

	buf_done(&r->json);
	free(r);
}

static void reader_room(struct session *s)
{
	struct reader *r = s->state;

	while (link_room(&s->link) && r->sent < r->size) {
		size_t n = r->size - r->sent;

		if (n > LINK_CHUNK)
			n = LINK_CHUNK;
		if (fd_pread_all(s->fds.item, r->chunk, n, (off_t)r->sent) !=
		    (ssize_t)n)
			die("vm=%s cannot read its item", s->name);
		link_data(&s->link, span_of(r->chunk, n));
		r->sent += n;
	}
	if (r->sent == r->size && !r->ended && link_room(&s->link)) {
		link_data_end(&s->link);
		r->ended = true;
	}
}

static void reader_data(struct session *s, struct span bytes)
{
	struct reader *r = s->state;

	buf_span(&r->json, bytes);
	if (!buf_ok(&r->json))
		session_fail(s, WIRE_TOO_MUCH, "no memory for its JSON");
}

static void refuse(struct session *s, const char *what, const char *why)
{
	struct reader *r = s->state;
	struct msg m = { .type = MSG_REFUSED };

	(void)snprintf(r->reason, sizeof(r->reason), "%s: %s", what, why);
	log_info("refused", "vm=%s why=%s", s->name, r->reason);
	m.text.text = span_str(r->reason);
	session_ask(s, &m, -1);
}

/* The record as a sealed memfd, or -1 with *why. */
static int make_record(struct reader *r, struct err *err)
{
	json_t *keep = NULL;
	struct message m;
	CLEAN_BUF struct buf record;
	int fd = -1;

	buf_init(&record, LIMIT_RECORD);
	if (message_from_json(buf_view(&r->json), &m, &keep, err) < 0)
		return -1;
	if (!span_is(m.kind, "email")) {
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

static void reader_exited(struct session *s, const struct wire_exit *e)
{
	struct msg m = { .type = MSG_RECORD };
	struct err err = { 0 };
	char how[64];
	int fd;

	if (e->kind != WIRE_EXIT_CODE || e->status != 0) {
		(void)snprintf(how, sizeof(how), "%s %u",
			       e->kind == WIRE_EXIT_CODE ? "code" : "signal",
			       e->status);
		refuse(s, "the reader gave up, the log has its words", how);
		return;
	}
	fd = make_record(s->state, &err);
	if (fd < 0)
		refuse(s, "the reader's JSON", err.msg);
	else
		session_ask(s, &m, fd);
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

const struct mode reader_mode = { .service = WIRE_READER,
				  .max_data = LIMIT_READER_JSON,
				  .start = reader_start,
				  .done = reader_done,
				  .data = reader_data,
				  .room = reader_room,
				  .exited = reader_exited,
				  .sent = reader_sent,
				  .broker = reader_broker };
