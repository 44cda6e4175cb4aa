/* rpc: see rpc.h. */
#include "privsep/rpc.h"

#include <errno.h>

#include "base/str.h"

void audit_begin(struct audit_record *r, const char *kind,
		 const struct msg_ids *ids)
{
	r->bad = false;
	r->msg.ids = *ids;
	r->msg.audit.kind = span_str(kind);
	r->msg.audit.n = 0;
}

static struct m_audit_field *add_field(struct audit_record *r, const char *key)
{
	struct m_audit *a = &r->msg.audit;
	struct m_audit_field *f;

	if (a->n == LIMIT_AUDIT_FIELDS) {
		r->bad = true;
		return NULL;
	}
	f = &a->fields[a->n++];
	*f = (struct m_audit_field){ .key = span_str(key) };
	return f;
}

void audit_str(struct audit_record *r, const char *key, struct span text)
{
	struct m_audit_field *f = add_field(r, key);

	if (f) {
		f->type = AUDIT_STR;
		f->text = text;
	}
}

void audit_int(struct audit_record *r, const char *key, uint64_t v)
{
	struct m_audit_field *f = add_field(r, key);

	if (f) {
		f->type = AUDIT_INT;
		f->number = v;
	}
}

void audit_bool(struct audit_record *r, const char *key, bool v)
{
	struct m_audit_field *f = add_field(r, key);

	if (f) {
		f->type = AUDIT_BOOL;
		f->number = v;
	}
}

static void take_room(struct audit_record *r)
{
	const struct m_audit_room *in = &r->msg.audit_room;

	r->room = (struct audit_room){ .full = in->full,
				       .reserve = in->reserve,
				       .left = in->left };
	if (str_copy(r->room.why, sizeof(r->room.why), in->why) < 0)
		r->room.why[0] = 0;
}

/* The answer, in r->msg; what is said before it unasked is taken. */
static int wait_answer(struct chan *auditd, struct audit_record *r)
{
	const char *why;
	int n;

	while ((n = chan_recv(auditd, &r->msg, &why)) > 0) {
		if (r->msg.type != MSG_AUDIT_ROOM)
			return 0;
		take_room(r);
	}
	return n < 0 ? n : -EPIPE;
}

int audit_append(struct chan *auditd, struct audit_record *r,
		 struct m_audit_ok *ret)
{
	int n;

	if (r->bad)
		return -E2BIG;
	r->msg.type = MSG_AUDIT;
	n = chan_send(auditd, &r->msg, NULL, 0);
	if (n < 0)
		return n;
	/* The request is encoded and gone, its struct takes the answer. */
	n = wait_answer(auditd, r);
	if (n < 0)
		return n;
	if (r->msg.type != MSG_AUDIT_OK)
		return -EIO;
	if (ret)
		*ret = r->msg.audit_ok;
	return 0;
}

int audit_append_later(struct chan *auditd, struct audit_record *r)
{
	if (r->bad)
		return -E2BIG;
	r->msg.type = MSG_AUDIT_LATER;
	return chan_send(auditd, &r->msg, NULL, 0);
}

int audit_poll(struct chan *auditd, struct audit_record *r)
{
	const bool waits = !auditd->no_wait;
	const char *why;
	int heard = 0;
	int n;

	auditd->no_wait = true;
	while ((n = chan_recv(auditd, &r->msg, &why)) > 0 &&
	       r->msg.type == MSG_AUDIT_ROOM) {
		take_room(r);
		heard = 1;
	}
	auditd->no_wait = !waits;
	if (n > 0)
		return -EIO;
	return n == -EAGAIN ? heard : n < 0 ? n : -EPIPE;
}
