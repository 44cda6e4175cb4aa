/*
 * gaps: what is missing in a log whose bytes are all in order: an effect that
 * was decided and has no outcome, an outcome that nobody decided, a run without
 * an end, indexes and clocks that go back.
 */
#ifndef CLI_GAPS_H
#define CLI_GAPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/msg.h"

enum gap {
	GAP_NOT_A_RECORD,    /* no JSON object of ours */
	GAP_INDEX,	     /* seq is not its index */
	GAP_NO_OUTCOME,	     /* allowed, and nobody knows what came of it */
	GAP_NO_INTENT,	     /* an outcome of what was not allowed */
	GAP_TWO_OUTCOMES,    /* of one decision */
	GAP_RUN_WITHOUT_END, /* a start, and then another */
	GAP_CLOCK_BACK,	     /* the monotonic clock of one boot */
	GAP_NOTE_UNKNOWN,    /* from here: no gaps, and told all the same */
	GAP_NOTE_OPEN,	     /* an effect that is under way */
	GAP_NOTE_WALL_BACK,  /* the wall clock was set back */
	GAP_MAX
};

struct gaps {
	json_t *found; /* array of {index, gap, what, also} */
	uint64_t counts[GAP_MAX];
	struct gaps_intent {
		uint64_t index;
		uint64_t effect;	   /* 0: none that it names */
		enum effect_state outcome; /* 0: none yet */
	} * intents;			   /* in order */
	size_t n, cap;
	bool running;
	uint64_t start; /* index of the run's first record */
	char boot[72], wall[48];
	uint64_t mono;
	uint64_t last; /* index of the record that the clocks are of */
};

void gaps_init(struct gaps *g);
void gaps_done(struct gaps *g);

/* The next record of the log. 0 or -ENOMEM. */
[[nodiscard]] int gaps_record(struct gaps *g, uint64_t index,
			      struct span record);

/* The end of the log; live if somebody still writes it. 0 or -ENOMEM. */
[[nodiscard]] int gaps_end(struct gaps *g, bool live);

/* A stable name such as "no-outcome". */
const char *gap_name(enum gap g);

/* Gaps found, notes left out. */
uint64_t gaps_count(const struct gaps *g);

#endif
