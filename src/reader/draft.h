/*
 * draft: the message that a reader is writing. Everything that is taken out
 * of what a person would see is accounted for here, a row a kind.
 */
#ifndef READER_DRAFT_H
#define READER_DRAFT_H

#include "base/buf.h"
#include "proto/message.h"
#include "reader/arena.h"

enum { DRAFT_MEMORY_MAX = 96 << 20 };

struct draft_removed {
	uint32_t count;
	struct buf text; /* at most MESSAGE_EVIDENCE_MAX */
};

struct draft {
	struct arena arena; /* owns every span of m */
	struct message m;
	struct draft_removed removed[REMOVED_KIND_MAX];
	uint32_t flaws; /* bits, see mail/flaw.h */
};

void draft_init(struct draft *d);
void draft_done(struct draft *d);

/*
 * A copy of a valid UTF-8 text without invisible characters (which are
 * counted) and without line breaks, cut to max bytes; m may point to it.
 */
struct span draft_line(struct draft *d, struct span s, size_t max);

/*
 * Counts a removal and keeps its evidence: valid UTF-8, cleaned here. count 0
 * adds evidence to what was counted before.
 */
void draft_remove(struct draft *d, enum message_removed_kind kind,
		  uint32_t count, struct span evidence);

/* Adds a link unless there is the same already, or no room. */
void draft_link(struct draft *d, struct span text, struct span url);

/* Copies the body, cut to its maximum. */
void draft_body(struct draft *d, struct span body);

/* Fills m.removed from the rows; the last step before the detector. */
void draft_finish(struct draft *d);

/*
 * Appends the valid UTF-8 text s without what nobody can see: zero-width,
 * bidi, tag and control characters. Line ends become LF. They are counted in
 * d unless it is NULL.
 */
void clean_text(struct span s, struct buf *out, struct draft *d);

/* Whether that would append s as it is. */
bool clean_is_plain(struct span s);

#endif
