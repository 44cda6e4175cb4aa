/*
 * note: a note of a planner's (policy/memory.h) as the store keeps it, under
 * its name: the text, with the label that it had when it was written. The label
 * is by names (label_encode), so that it means the same in every task.
 */
#ifndef HOST_BROKER_NOTE_H
#define HOST_BROKER_NOTE_H

#include "base/buf.h"
#include "label/label.h"
#include "policy/memory.h"

enum {
	NOTE_LABEL_MAX = 50 << 10, /* bytes of an encoded label */
	NOTE_MAX = NOTE_LABEL_MAX + MEMORY_TEXT_MAX + 64,
};

struct note {
	uint64_t kept_s, task; /* since 1970; the one that wrote it */
	uint8_t integrity;     /* of its label, for who only counts */
	uint32_t bits; /* of influence that its task had had; answer.h */
	struct span label, text;
};

void note_encode(struct buf *out, const struct note *n);

/* Borrows from bytes. 0, or -1: note_encode has not written that. */
[[nodiscard]] int note_decode(struct span bytes, struct note *ret);

#endif
