/*
 * chat: what the readers of chat messages share. One item is one JSON object
 * of a provider: an update of Telegram's Bot API, an event of Slack's Events
 * API. It becomes the same record as a mail does.
 *
 * What the object says beside words is written out in words: lines in square
 * brackets say that a message was edited, forwarded or written by a bot,
 * `> ` stands before what is another's, and ` <URL>` behind the text of a link
 * that is not its own address. A sender can type the same; it is a claim as
 * all of the body is.
 *
 * A member that stands twice in an object has two meanings: the item is
 * refused.
 */
#ifndef READER_CHAT_CHAT_H
#define READER_CHAT_CHAT_H

#include "base/jcur.h"
#include "reader/draft.h"

enum {
	CHAT_ITEM_MAX = 1 << 20, /* bytes; providers stay below a tenth */
	CHAT_TEXT_MAX = 1 << 20, /* bytes of a body before it is cut */
	CHAT_QUOTES_MAX = 8,
	CHAT_FLAW_SCORE = 20,
};

/* Ways in which two programs may show two messages; see chat_findings. */
enum chat_flaw {
	CHAT_FLAW_ENTITY,  /* a range outside of its text, or too many */
	CHAT_FLAW_NESTING, /* parts too deep in one another: not read */
	CHAT_FLAW_MARKUP,  /* a link or mention without its end */
	CHAT_FLAW_MAX
};

struct chat {
	struct draft *d;
	struct buf body;   /* what a person sees, with our marks */
	struct buf plain;  /* the same of one text, without them */
	struct buf hidden; /* of a spoiler */
	struct buf other;  /* what stands in for the body where it is not shown
			    */
	struct buf clean;  /* scratch of chat_text */
	unsigned quote;	   /* how many `> ` begin each line */
	bool bad;	   /* a member stands twice, or there is no memory */
};

/*
 * Reads one item into a draft, whose arena owns all texts. 0; -EBADMSG: it is
 * no such item; -EFBIG: more than CHAT_ITEM_MAX.
 */
[[nodiscard]] int telegram_read(struct span raw, struct draft *d);
[[nodiscard]] int slack_read(struct span raw, struct draft *d);

/* Flaws of a finished draft of either, behind the detector's findings. */
void chat_findings(struct draft *d);

/* ---- for telegram.c, slack.c and what they are made of */

/* The item as one JSON object; 0 or as above. */
[[nodiscard]] int chat_begin(struct chat *c, struct span raw, struct draft *d,
			     struct jval *ret);

/* Body and evidence to the draft; frees c. 0, or -EBADMSG. */
[[nodiscard]] int chat_end(struct chat *c);

void chat_flaw(struct chat *c, enum chat_flaw f);

/* A member; of one that stands twice c->bad is set. */
struct jval chat_get(struct chat *c, struct jval object, const char *name);

/* The characters of a string, in the arena; empty if it is none. */
struct span chat_string(struct chat *c, struct jval v);

/* The characters of that member as a line of the draft. */
struct span chat_line(struct chat *c, struct jval object, const char *name,
		      size_t max);

/* A whole number or a string as it is written, as a line of the draft. */
struct span chat_id(struct chat *c, struct jval v, size_t max);

bool chat_is_true(struct jval v);

/* Writes RFC 3339 (UTC) of a time in seconds since 1970 to the draft's date,
 * if it is one of the years that this has. */
void chat_date(struct chat *c, int64_t seconds);

/* Text of ours, or cleaned before, to the body. */
void chat_put(struct chat *c, struct span text);
void chat_puts(struct chat *c, const char *text);

/* Text of others to body and c->plain. */
void chat_text(struct chat *c, struct span text);

/* The same, a text of its own, and the links in it. */
void chat_words(struct chat *c, struct span text);

/* Ends the line that was begun, if one was. */
void chat_fresh_line(struct chat *c);

/* `[LABEL] TEXT` on a line of its own, or `[LABEL]` where text is empty. */
void chat_mark(struct chat *c, const char *label, struct span text);

/* What follows is another's, up to chat_unquote. */
void chat_quote(struct chat *c);
void chat_unquote(struct chat *c);

/* A link that is shown as text: a row, and ` <URL>` unless they are the same.
 */
void chat_link(struct chat *c, struct span text, struct span url);

/* A file's row; size < 0: not said. Its content is not here: sha256 is 0. */
void chat_file(struct chat *c, struct span name, struct span type,
	       int64_t size);

#endif
