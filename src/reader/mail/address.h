/*
 * address: the mailboxes of a field of addresses (RFC 5322, 3.4), read as
 * mail programs read what people and spammers write: groups are their members,
 * semicolons separate as commas do, a comma in an unquoted name is part of it.
 */
#ifndef READER_MAIL_ADDRESS_H
#define READER_MAIL_ADDRESS_H

#include "reader/mail/lex.h"

struct address_rd {
	struct lex l;
	struct buf phrase;  /* words before an address, or a bare address */
	struct buf bare;    /* the same without blanks, quotes kept */
	struct buf comment; /* the last one */
	size_t name_n;	    /* bytes of phrase before what is in bare */
	size_t angle[2];    /* a < that a look ahead has found */
};

/* field must live as long as the reader. */
void address_init(struct address_rd *r, struct span field);
void address_done(struct address_rd *r);

/*
 * The next mailbox: name and addr are replaced, the name with its encoded
 * words decoded. False at the end. An address need not have an @.
 */
[[nodiscard]] bool address_next(struct address_rd *r, struct buf *name,
				struct buf *addr, uint32_t *flaws);

#endif
