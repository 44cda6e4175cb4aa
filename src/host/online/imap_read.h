/*
 * imap_read: what an IMAP server says (RFC 9051, RFC 3501), as it comes, cut
 * into responses, and one response taken apart. The server is hostile: lines,
 * literals and depths are bounded, and what is not well-formed ends the link.
 *
 * A response is its line, in which a literal stands as "{N}" and what follows
 * it is appended. The bytes of one literal are kept, that of BODY[]; others are
 * counted and dropped.
 */
#ifndef ONLINE_IMAP_READ_H
#define ONLINE_IMAP_READ_H

#include "base/buf.h"
#include "proto/limits.h"

enum {
	IMAP_LINE = 64 << 10,	 /* of one response, without its literals */
	IMAP_DROPPED = 64 << 10, /* of literals that are not kept, in one */
	IMAP_DEPTH = 32,	 /* of parentheses */
};

enum imap_got {
	IMAP_MORE = 1, /* all of it is read, the response has no end yet */
	IMAP_RESPONSE, /* r->line and r->literal until the next call */
	IMAP_BAD_LINE,
	IMAP_BAD_LITERAL,
	IMAP_TOO_LARGE, /* a BODY[] over LIMIT_ITEM; r->line names its UID */
};

struct imap_reader {
	struct buf line;    /* IMAP_LINE */
	struct buf literal; /* LIMIT_ITEM */
	uint64_t left;	    /* bytes of the literal that are to come */
	uint64_t dropped;
	bool keep;	   /* it is kept */
	bool have_literal; /* of this response */
	bool ended;	   /* what is there was given, and is to be cleared */
};

void imap_reader_init(struct imap_reader *r);
void imap_reader_done(struct imap_reader *r);

/* Takes bytes from the front of *in. Not to be called again after a BAD or
 * TOO_LARGE. */
enum imap_got imap_reader_next(struct imap_reader *r, struct span *in);

enum imap_kind {
	IMAP_CONTINUE = 1, /* "+ text" */
	IMAP_TAGGED,
	IMAP_UNTAGGED,
};

enum imap_status {
	IMAP_NONE = 0, /* data, not a status */
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
};

struct imap_response {
	enum imap_kind kind;
	struct span tag;
	enum imap_status status;
	struct span name; /* "FETCH", "EXISTS", "CAPABILITY"; of data */
	struct span code; /* between [ and ], of a status */
	struct span text; /* the rest */
	uint32_t number;  /* before the name, have_number */
	bool have_number;
	/* of FETCH */
	uint32_t uid; /* 0: there is none */
	uint64_t size;
	bool have_size;
	bool have_body;
	struct span body;  /* its quoted form, if it is not the literal */
	bool body_literal; /* it is */
};

/* Takes a response apart; spans borrow from it. 0, or -1: not well-formed. */
[[nodiscard]] int imap_parse(struct span line, bool have_literal,
			     struct imap_response *ret);

/* The number behind a word of a code or text: ("UIDNEXT", "UIDNEXT 7") is 7.
 * false: it is not that word, or not a number of 32 bits. */
[[nodiscard]] bool imap_code_number(struct span code, const char *word,
				    uint32_t *ret);

/* Whether a list of words has this one, in any case. */
bool imap_has_word(struct span list, const char *word);

#endif
