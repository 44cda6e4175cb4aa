/*
 * batch: what auditd does, apart from being a process: take the records that
 * are waiting, make them durable together, tell each sender, and publish when
 * there is time. Records that nobody waits for make no batch by themselves:
 * they go with the next that somebody does, or after AUDIT_LATER_MS.
 */
#ifndef AUDITD_BATCH_H
#define AUDITD_BATCH_H

#include "base/loop.h"
#include "privsep/chan.h"
#include "record.h"
#include "reserve.h"
#include "tlog/tlog.h"

enum { AUDITD_PEERS = 2 }; /* the monitor, the broker */

struct auditd {
	struct loop loop;
	struct chan peers[AUDITD_PEERS]; /* fd -1: gone */
	struct tlog *log;		 /* owned */
	struct reserve *reserve;	 /* borrowed; NULL: none */
	char boot[RECORD_BOOT_MAX + 1];	 /* "" before the HELLO */
	struct msg_ids ids;		 /* of this run */
	bool failed;			 /* the log is dead, so is all else */
	char why[600];			 /* it is */
	struct buf text;
	struct msg in;
	struct msg out;
	/* How many requests that somebody waits for there are at a time, by the
	 * last batch: those that were answered, and those that had come before
	 * their answers. */
	size_t expect;
	size_t asking;	    /* rows that somebody waits for */
	int timer;	    /* of those that nobody waits for, -1: none */
	int reserve_timer;  /* to the next attempt to make it whole, -1 */
	uint64_t key_ms;    /* between two keys */
	uint64_t idle_ms;   /* without a record before there is one */
	uint64_t busy_us;   /* when the last batch was done */
	bool key_due;	    /* with the next batch at the latest */
	bool watching;	    /* a timer looks out for quiet */
	uint64_t sync_us;   /* what the last batch took to be durable */
	uint64_t heard_us;  /* when the last request came */
	uint64_t behind_us; /* since when readers lack something; 0: they do not
			     */
	size_t first;	    /* row of the batch that gathers; before it stand
			       those that wait for their answer */
	size_t n;	    /* rows */
	struct {
		struct msg_ids ids;
		uint8_t peer;
		bool later;	 /* told only that it failed */
		bool asks;	 /* somebody is to be told */
		const char *why; /* NULL: added, and waits */
		uint64_t index;
	} rows[2 * TLOG_BATCH];
};

/* Takes over the log and both channels' fds. reserve, which may be NULL, is
 * that of the log's room. 0 or -ENOMEM. */
[[nodiscard]] int auditd_init(struct auditd *a, struct tlog *log,
			      struct reserve *reserve, int monitor, int broker);
void auditd_done(struct auditd *a);

/* Of what auditd's own records are made: the log is dead; what gathers is made
 * durable; readers get to see it. */
void auditd_fail(struct auditd *a, const char *step, int r);
void auditd_commit(struct auditd *a);
void auditd_publish(struct auditd *a);

/* own.c: the records of its own. */
void own_init(struct auditd *a);
/* Once the HELLO is there. */
void own_start(struct auditd *a);
/* The key is to change. */
void own_key(struct auditd *a);
/* Behind each batch, before the next is gathered. */
void own_due(struct auditd *a);

/* Until the monitor stops it, or is gone. Returns 0 or -errno. */
[[nodiscard]] int auditd_run(struct auditd *a);

#endif
