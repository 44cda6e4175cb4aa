/*
 * record: one audit record as canonical JSON (RFC 8785): one flat object, keys
 * in order, the shortest escapes, no blanks, numbers that every reader keeps.
 * So a record has one spelling, and its hash is that of what it says.
 */
#ifndef AUDITD_RECORD_H
#define AUDITD_RECORD_H

#include "base/buf.h"
#include "proto/msg.h"

enum { RECORD_BOOT_MAX = 64 };

/* What auditd itself knows about a record. */
struct record_stamp {
	uint64_t seq;	  /* its index in the log */
	uint64_t wall_ns; /* CLOCK_REALTIME */
	uint64_t mono_ns; /* CLOCK_MONOTONIC; a string in the record, since it
			     may pass 2^53 */
	struct span boot; /* boot id */
};

/*
 * Checks the record and appends its JSON: NULL, or why it is refused, a static
 * text; b is then as it was. A record that is refused for its fields is none
 * of the log's business; the caller answers its sender.
 */
[[nodiscard]] const char *record_write(struct buf *b,
				       const struct record_stamp *stamp,
				       const struct msg_ids *ids,
				       const struct m_audit *a);

#endif
