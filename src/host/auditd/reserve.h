/*
 * reserve: disk space that is set aside for the audit log, as a file beside it
 * that holds nothing. When the log finds the disk full the file is cut shorter,
 * a part at a time, so that whatever else fills the disk does not get all of
 * it at once. From then on until it is whole again, only what was begun is
 * recorded: outcomes, refusals, verdicts, the kill; nothing new is executed.
 */
#ifndef AUDITD_RESERVE_H
#define AUDITD_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RESERVE_PARTS = 16,
	RESERVE_PART_LEAST = 4096,
	RESERVE_RETRY_MS = 2000, /* between attempts to make it whole */
};

/* Beside the reserve, so much has to be free before it is made whole. */
#define RESERVE_SLACK (UINT64_C(4) << 20)

struct reserve {
	int dir;       /* borrowed */
	uint64_t want; /* bytes, 0: none is wanted */
	uint64_t have;
	bool open; /* part of it is given away, or never was there */
	bool changed;
	char why[120]; /* it is not whole */
};

/* Takes what an earlier run left there; nothing is made before reserve_want. */
void reserve_init(struct reserve *r, int dir);

/* From now on it is to hold so many bytes. */
void reserve_want(struct reserve *r, uint64_t bytes);

/* Gives a part away; false: there is nothing left to give. For tlog_room. */
bool reserve_give(void *arg);

/* Tries to make it whole; true if it is, or none is wanted. */
bool reserve_fill(struct reserve *r);

#endif
