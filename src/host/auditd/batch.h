/*
 * batch: what auditd does, apart from being a process: take the records that
 * are waiting, make them durable together, and tell each sender. Records that
 * nobody waits for make no batch by themselves: they go with the next that
 * somebody does, or after AUDIT_LATER_MS.
 */
#ifndef AUDITD_BATCH_H
#define AUDITD_BATCH_H

#include "base/loop.h"
#include "privsep/chan.h"
#include "record.h"
#include "tlog/tlog.h"

enum { AUDITD_PEERS = 2 }; /* the monitor, the broker */

struct auditd {
	struct loop loop;
	struct chan peers[AUDITD_PEERS]; /* fd -1: gone */
	struct tlog *log;		 /* owned */
	char boot[RECORD_BOOT_MAX + 1];	 /* "" before the HELLO */
	bool failed;			 /* the log is dead, so is all else */
	struct buf text;
	struct msg in;
	struct msg out;
	size_t n;    /* requests in the batch */
	bool urgent; /* somebody waits for one of them */
	int timer;   /* of those that nobody waits for, -1: none */
	struct {
		struct msg_ids ids;
		uint8_t peer;
		bool later;	 /* told only that it failed */
		const char *why; /* NULL: added, and waits */
		uint64_t index;
	} rows[TLOG_BATCH];
};

/* Takes over the log and both channels' fds. 0 or -ENOMEM. */
[[nodiscard]] int auditd_init(struct auditd *a, struct tlog *log, int monitor,
			      int broker);
void auditd_done(struct auditd *a);

/* Until the monitor stops it, or is gone. Returns 0 or -errno. */
[[nodiscard]] int auditd_run(struct auditd *a);

#endif
