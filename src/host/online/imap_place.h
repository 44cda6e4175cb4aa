/*
 * imap_place: which mails of a folder are seen to, durable over restarts: all
 * up to a UID, and some beyond it. A mail is seen to when it has its verdict:
 * until then it would be given again, and the queue knows it by its key.
 */
#ifndef ONLINE_IMAP_PLACE_H
#define ONLINE_IMAP_PLACE_H

#include "base/buf.h"

enum { IMAP_PLACE_ROWS = 8192 };

struct imap_place_row {
	uint32_t uid;
	bool kept, done;
};

struct imap_place {
	uint32_t validity; /* 0: there is no place yet */
	uint32_t low;	   /* all up to it have their verdict */
	uint32_t high;	   /* all up to it were looked at by this process */
	struct imap_place_row *rows; /* beyond low, ascending; owned */
	size_t n;
	size_t out; /* given and not in the queue */
};

void imap_place_done(struct imap_place *p);

/* The file's bytes: "VALIDITY LOW\n", then a line each that is done beyond.
 * 0, -ENOMEM, or -EBADMSG: it is none. */
[[nodiscard]] int imap_place_read(struct imap_place *p, struct span file);
void imap_place_write(const struct imap_place *p, struct buf *b);

/* Begins anew behind a UID. 0 or -ENOMEM. */
[[nodiscard]] int imap_place_begin(struct imap_place *p, uint32_t validity,
				   uint32_t after);

/* Whether it was given, or is seen to. */
bool imap_place_has(const struct imap_place *p, uint32_t uid);

/* There is room for one more. */
bool imap_place_room(const struct imap_place *p);

/* It was given; or will not be (done). */
void imap_place_add(struct imap_place *p, uint32_t uid, bool done);
void imap_place_kept(struct imap_place *p, uint32_t uid);
void imap_place_end(struct imap_place *p, uint32_t uid);

/* All up to it was looked at. */
void imap_place_scanned(struct imap_place *p, uint32_t uid);

/* "VALIDITY.UID", of this place; 0: of none. */
uint32_t imap_place_uid(const struct imap_place *p, struct span key);

#endif
