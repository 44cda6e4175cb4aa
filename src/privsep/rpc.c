/* rpc: see rpc.h. */
#include "privsep/rpc.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

/* MSG_READY, one MSG_PONG and some MSG_AUDIT_ROOM may be there before an
 * answer; the last are told every two seconds at most, and when a batch has
 * taken of the reserve. */
enum { SIGNS_MAX = 1000 };

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

void audit_room_take(struct audit_room *ret, const struct m_audit_room *in)
{
	*ret = (struct audit_room){ .full = in->full,
				    .reserve = in->reserve,
				    .left = in->left };
	if (str_copy(ret->why, sizeof(ret->why), in->why) < 0)
		ret->why[0] = 0;
}

/* What is said before an answer, and is none. */
static bool is_sign(struct audit_record *r)
{
	if (r->answer.type == MSG_AUDIT_ROOM)
		audit_room_take(&r->room, &r->answer.audit_room);
	if (r->answer.type == MSG_PONG)
		r->pong = r->answer.ping.number;
	return r->answer.type == MSG_AUDIT_ROOM || r->answer.type == MSG_PONG ||
	       r->answer.type == MSG_READY;
}

static void take_head(struct audit_head *ret, const struct m_audit_ok *ok)
{
	uint32_t root;

	memcpy(&root, ok->root, sizeof(root));
	*ret = (struct audit_head){ ok->size, be32toh(root) };
}

int audit_append(struct chan *auditd, struct audit_record *r,
		 struct m_audit_ok *ret)
{
	const char *why;
	int n, i;

	if (r->bad)
		return -E2BIG;
	r->msg.type = MSG_AUDIT;
	n = chan_send(auditd, &r->msg, NULL, 0);
	if (n < 0)
		return n;
	r->answer.type = MSG_NONE;
	r->pong = 0;
	for (i = 0; i <= SIGNS_MAX; i++) {
		if (r->wait && !r->wait(r->wait_arg, auditd->fd))
			return -EAGAIN;
		n = chan_recv(auditd, &r->answer, &why);
		if (n <= 0)
			return n < 0 ? n : -EPIPE;
		if (!is_sign(r))
			break;
	}
	if (r->answer.type != MSG_AUDIT_OK)
		return -EIO;
	take_head(&r->head, &r->answer.audit_ok);
	if (ret)
		*ret = r->answer.audit_ok;
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
	int n, i;

	auditd->no_wait = true;
	for (i = 0; i <= SIGNS_MAX; i++) {
		n = chan_recv(auditd, &r->answer, &why);
		if (n <= 0 || !is_sign(r))
			break;
	}
	auditd->no_wait = !waits;
	if (n > 0)
		return -EIO;
	return n == -EAGAIN ? 0 : n < 0 ? n : -EPIPE;
}
