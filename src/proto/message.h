/*
 * message: schema bulkhead.message/1, what a reader VM says about one inbound
 * message, as a typed record. The published JSON Schema is
 * docs/schema/bulkhead.message.1.json.
 *
 * Three forms: JSON from the reader (message_json.h, parsed in the porter
 * only), the record between porter and broker (message_encode/decode: fixed
 * fields through rd/buf, no JSON), and this struct, whose spans borrow from
 * whatever it was decoded from.
 *
 * Every text is valid UTF-8 without NUL. Readers cannot raise trust: nothing
 * in here says who wrote it for certain, and `sanitized` is not part of what a
 * reader may say; the host stamps it after validation.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "base/buf.h"
#include "base/span.h"

enum {
	MESSAGE_SUBJECT_MAX = 1000, /* bytes, as all sizes here */
	MESSAGE_BODY_MAX = 256 << 10,
	MESSAGE_ADDR_MAX = 320,
	MESSAGE_NAME_MAX = 300,
	MESSAGE_ID_MAX = 500,
	MESSAGE_DATE_MAX = 40, /* RFC 3339, or empty */
	MESSAGE_ADDRS = 64,
	MESSAGE_REFS = 32,
	MESSAGE_LINKS = 256,
	MESSAGE_LINK_TEXT_MAX = 500,
	MESSAGE_URL_MAX = 2048,
	MESSAGE_ATTACHMENTS = 64,
	MESSAGE_TYPE_MAX = 128,
	MESSAGE_REMOVED = 64,
	MESSAGE_EVIDENCE_MAX = 4 << 10,
	MESSAGE_FINDINGS = 64,
	MESSAGE_RULE_MAX = 64,
	MESSAGE_SPAN_TEXT_MAX = 300,
};

struct message_addr {
	struct span name;
	struct span addr;
};

struct message_link {
	struct span text; /* what the person would see */
	struct span url;  /* where it really goes */
	bool mismatch;	  /* the text looks like another address */
};

struct message_attachment {
	struct span name;
	struct span type;
	uint64_t size; /* decoded bytes */
	uint8_t sha256[32];
};

/* What was taken out of the body, by kind. */
enum message_removed_kind {
	REMOVED_DISPLAY_NONE = 1,
	REMOVED_VISIBILITY,
	REMOVED_OPACITY,
	REMOVED_ZERO_SIZE,
	REMOVED_COLOUR, /* text in the colour of what is behind it */
	REMOVED_OFF_SCREEN,
	REMOVED_HIDDEN_ATTRIBUTE,
	REMOVED_COMMENT,
	REMOVED_SCRIPT,
	REMOVED_STYLE,
	REMOVED_TRACKER, /* images that report that the mail was opened */
	REMOVED_ZERO_WIDTH,
	REMOVED_BIDI,
	REMOVED_TAG_CHARS,   /* U+E0000 block */
	REMOVED_CONTROL,     /* other control and invisible characters */
	REMOVED_ALTERNATIVE, /* a text part that the shown part contradicts */
	REMOVED_TRUNCATED,   /* what did not fit the limits above */
	REMOVED_SPOILER,     /* a chat's text that shows when it is touched */
	REMOVED_KIND_MAX
};

/* A stable lower-case name, e.g. "display-none"; NULL if there is none. */
const char *message_removed_name(enum message_removed_kind k);

struct message_removed {
	uint8_t kind;	  /* enum message_removed_kind */
	uint32_t count;	  /* elements or characters, >= 1 */
	struct span text; /* evidence, cut; never shown to a planner */
};

enum message_where { WHERE_SUBJECT = 1, WHERE_BODY, WHERE_REMOVED, WHERE_MAX };

const char *message_where_name(enum message_where w);

struct message_finding {
	struct span rule; /* id of the detector rule */
	uint8_t score;	  /* 0 to 100 */
	uint8_t where;	  /* enum message_where */
	uint32_t start;	  /* byte offsets into that text */
	uint32_t end;
	struct span text; /* the words that matched, cut */
};

struct message {
	struct span kind; /* "email", "telegram", "slack" */
	struct span subject;
	struct span body;
	bool body_cut; /* the body was longer than MESSAGE_BODY_MAX */
	struct message_addr from; /* as claimed by the message itself */
	struct span date;	  /* RFC 3339 as claimed, or empty */
	struct span message_id;
	struct span in_reply_to;
	uint32_t n_references;
	struct span references[MESSAGE_REFS];
	uint32_t n_to;
	struct message_addr to[MESSAGE_ADDRS];
	uint32_t n_cc;
	struct message_addr cc[MESSAGE_ADDRS];
	uint32_t n_links;
	struct message_link links[MESSAGE_LINKS];
	uint32_t n_attachments;
	struct message_attachment attachments[MESSAGE_ATTACHMENTS];
	uint32_t n_removed;
	struct message_removed removed[MESSAGE_REMOVED];
	uint32_t n_findings;
	struct message_finding findings[MESSAGE_FINDINGS];
};

/* Appends the record; b->bad when it does not fit. */
void message_encode(struct buf *b, const struct message *m);

/*
 * Decodes and validates a record: every bound above, UTF-8, no NUL, known
 * enums, all bytes consumed. Returns 0, or -1 with *why a static text. *ret
 * borrows from bytes.
 */
[[nodiscard]] int message_decode(struct span bytes, struct message *ret,
				 const char **why);

/* The checks of message_decode on a struct made otherwise (from JSON). */
[[nodiscard]] int message_check(const struct message *m, const char **why);

/*
 * The copy that may be shown to a planner: evidence of hidden text and finding
 * texts taken from it are emptied, counts and kinds stay.
 */
void message_without_evidence(struct message *m);

#endif
