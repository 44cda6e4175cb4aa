/*
 * rpc: the one synchronous call between processes: a durable audit record.
 * Whoever asks waits: nothing it does next may happen before the record is on
 * disk. What only tells of something that acts on nothing outside need not be
 * waited for.
 */
#ifndef PRIVSEP_RPC_H
#define PRIVSEP_RPC_H

#include "privsep/chan.h"

/* What auditd said last of the space that is set aside for it. */
struct audit_room {
	bool full; /* nothing new may be begun */
	uint64_t reserve, left;
	char why[161];
};

/* The log as of the last record that was waited for: what an owner who has it
 * on a card can hold against the log later. */
struct audit_head {
	uint64_t size; /* 0: none yet */
	uint32_t root; /* its first four bytes, big-endian: eight hex digits */
};

/* Builds an audit record field by field; the spans must outlive the append. */
struct audit_record {
	struct msg msg;
	struct msg answer; /* auditd's; audit_append leaves msg as it was */
	uint64_t pong;	   /* a PONG that came before that; 0: none did */
	bool bad;	   /* more fields than LIMIT_AUDIT_FIELDS */
	struct audit_room room;
	struct audit_head head;
	/* Who has something to do while an answer is waited for: returns once
	 * fd can be read, or false where nobody answers. NULL: nobody has. */
	bool (*wait)(void *arg, int fd);
	void *wait_arg;
};

void audit_begin(struct audit_record *r, const char *kind,
		 const struct msg_ids *ids);
void audit_str(struct audit_record *r, const char *key, struct span text);
void audit_int(struct audit_record *r, const char *key, uint64_t v);
void audit_bool(struct audit_record *r, const char *key, bool v);

/*
 * Appends and waits until it is durable. Returns 0 and what auditd said in
 * *ret (may be NULL), or a negative errno: nothing may execute. -EIO: r->answer
 * is what auditd said, a MSG_AUDIT_FAIL with the reason if it could. Signs of
 * life that come first are passed over: its answer is one.
 */
[[nodiscard]] int audit_append(struct chan *auditd, struct audit_record *r,
			       struct m_audit_ok *ret);

/*
 * Appends and does not wait: the record is durable before any that is waited
 * for later, and at the latest AUDIT_LATER_MS from now. 0 or a negative errno.
 * If it cannot be written the channel says so (MSG_AUDIT_FAIL), and the next
 * audit_append fails: nothing may execute.
 */
enum { AUDIT_LATER_MS = 50 };

[[nodiscard]] int audit_append_later(struct chan *auditd,
				     struct audit_record *r);

void audit_room_take(struct audit_room *ret, const struct m_audit_room *in);

/*
 * Takes what auditd has said unasked, without waiting, into r->room. 0 or a
 * negative errno: the log cannot be written.
 */
[[nodiscard]] int audit_poll(struct chan *auditd, struct audit_record *r);

#endif
