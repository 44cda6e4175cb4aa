/*
 * session: what the broker knows of one task: the owner's words, the items it
 * is about, the handles that stand for their parts, and the label of all that
 * its planner has been shown. It begins with the task and is destroyed with it;
 * nothing of it is in another task.
 *
 * What a planner sees of an item is its source's `reveal`:
 *
 *	text	the record itself; from then on whatever the planner writes has
 *		the item's label, too
 *	handles	numbers in the place of every text, and of it what the broker
 *		itself says: when it came, from which set its sender is, lengths
 *	typed	the same without the handles of texts
 *
 * Only data and no I/O: the broker feeds it, tests do.
 */
#ifndef HOST_BROKER_SESSION_H
#define HOST_BROKER_SESSION_H

#include "policy/decide.h"
#include "proto/message.h"

enum {
	SESSION_LIST = 16,  /* of the links of one item that get a handle,
			       of its attachments, of those it is to */
	SESSION_ITEMS = 16, /* that a task can be about */
	SESSION_FORKS = 8,  /* of one task */
	SESSION_REFS = 16,  /* that one of them takes along */
};

struct session;
struct source;

/* What a session is made of; all but the policy is copied. */
struct session_start {
	const struct policy *policy;
	uint64_t seed;	 /* from the kernel, or anything in a test */
	uint32_t handle; /* the first number; see session_handle */
	uint64_t task;
	struct span text; /* what the owner wants, in his words */
};

/* NULL: out of memory. A text that is none (tokens.h) has no words of his. */
struct session *session_new(const struct session_start *start);
void session_free(struct session *s);

/* The first number of a session after one that began with `first`: no number is
 * of two sessions, but for those behind HANDLE_LAST, where it begins again. */
uint32_t session_handle(uint32_t first);

struct session_item {
	uint64_t item;
	const struct source *source;
	/* Whom the provider vouches for, as it was written; empty: for nobody.
	 * What is no sender of that source is nobody, too. */
	struct span sender;
	/* Of a chat: where an answer goes, if it is not to the sender alone; of
	 * what is not all the sender's own words nobody vouches for those. */
	struct span chat;
	bool others_words;
	uint64_t came_s; /* since 1970 */
	const struct message *m;
};

/* An item of the task, the first of which is the one it was started for. 0, or
 * -ENOSPC or -ENOMEM: then it is not there, nor is any part of it. */
[[nodiscard]] int session_add(struct session *s, const struct session_item *i);

/* True: the planner gets the record itself of an item of that source. */
bool session_shows_text(const struct source *source);

/*
 * The planner has been shown all that session_view says and the records of the
 * items whose source reveals text: from here on it may know them.
 */
void session_shown(struct session *s);

/* Appends the JSON array for task.get; out->bad: out of memory. */
void session_view(const struct session *s, struct buf *out);

/* Fills what the decision on a call gets from the session; lives until the
 * session is asked again. The rest of it is zeros. */
void session_decide_in(struct session *s, const struct m_call *call,
		       struct decide_in *ret);

/* The decision on that call told the planner of bytes that he has not seen: a
 * bit, or more where it was about several values; and all that the call refers
 * to counts as seen. */
void session_hidden(struct session *s, const struct m_call *call);

/* A tripwire went off: the bit stays until the task ends. */
void session_trip(struct session *s);

unsigned session_bits(const struct session *s); /* SESSION_ bits (model.h) */
uint32_t session_influence(const struct session *s); /* bits, answer.h */
const struct label *session_pc(const struct session *s);
const struct atoms *session_atoms(const struct session *s);

/* A text that is asked about. */
struct session_text {
	uint64_t item;	   /* that it is of */
	struct span bytes; /* the session's, until it is forked */
	struct label
		label; /* of what is said about it in the planner's words */
};

/*
 * A question about a hidden text, with an answer of that kind. NULL: it fits
 * what is left of the bits of its source (answer.h), and is taken from them;
 * else why not, in our words.
 */
struct answer_want;
[[nodiscard]] const char *session_ask(struct session *s, struct span ref,
				      const struct answer_want *w,
				      struct session_text *ret);

/* A handle for words about a text, with the label of session_ask. 0, or as
 * handles_add. */
[[nodiscard]] int session_said(struct session *s, uint64_t item,
			       const struct label *label, struct span words,
			       const struct handle **ret);

/*
 * The planner's machine has ended, and a clean one goes on with that goal and
 * those handles. If the goal is what the owner wrote, byte for byte, the new
 * planner has seen nothing but that; else whatever the old one had seen counts.
 * NULL, or why not, in our words: then nothing has changed. first: as handle of
 * session_start, for the new numbers.
 */
[[nodiscard]] const char *session_fork(struct session *s, struct span goal,
				       const struct span *refs, size_t n,
				       uint32_t first);

/* A field of the answer to an effect: external, of its connector, for the owner
 * alone to read. */
struct session_answer {
	struct span connector, name;
	uint64_t effect;
	enum arg_type type;
	struct span bytes;
};

/* A handle for it, which is all that a planner gets. 0, or as handles_add. */
[[nodiscard]] int session_field(struct session *s,
				const struct session_answer *f,
				const struct handle **ret);

/*
 * Notes of earlier tasks (memory.h), each with the label that it went in with.
 *
 * The label as it is in the store, for this session. 0, or -1: it is none.
 */
[[nodiscard]] int session_label(struct session *s, struct span bytes,
				struct label *ret);

/* True: who has seen what this session has loses nothing by seeing that, too:
 * it would be trusted no less, and no fewer may read what it writes. */
bool session_bears(const struct session *s, const struct label *l);

/* The planner is shown a text of that label, which has it from here on. */
void session_saw(struct session *s, struct span text, const struct label *l);

/* A handle for it, which is all that the planner gets. 0, or as handles_add. */
[[nodiscard]] int session_note(struct session *s, struct span text,
			       const struct label *l,
			       const struct handle **ret);

/* The planner is told which of n things is so, of what it may not see; and
 * what has so many bits of influence already. */
void session_told(struct session *s, uint64_t n);
void session_influenced(struct session *s, uint32_t bits);

/*
 * The planner asks its model that, at that time (any clock that does not go
 * back): what it quotes of the task's texts (gram_quotes), whatever way it has
 * them from, the planner has seen. Only what is new since its last request is
 * looked at, within ASKED_ROOM (asked.h); what could not be looked at counts
 * as a quotation of all that there is. Takes the bytes of `request`, and leaves
 * others in it. True: the label of what the planner has seen is another now,
 * and ret is what was quoted.
 */
[[nodiscard]] bool session_asks(struct session *s, struct buf *request,
				uint64_t now_ms, struct label *ret);

/* What the planner is to do: the owner's words, or a fork's goal. */
struct span session_goal(const struct session *s);

/* A planner that was forked is shown handles alone. */
bool session_is_forked(const struct session *s);

#endif
