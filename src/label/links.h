/*
 * links: what a chat or mail client would make a link of, and what becomes of
 * it. A link that is shown is fetched, by a preview before any person clicks;
 * so a text that leaves goes through the link rule of its argument.
 *
 * A link is what begins with a scheme and ://, a scheme that needs no slashes
 * (mailto:, tel:, data: ...), www., a host name with a label that could be a
 * top-level domain, an IPv4 address, a mail address, // where an address could
 * begin, or a mark of these in the writing of Markdown or HTML: &#46; and \.
 * (an address may be written so, and means the same). Clients differ, so this
 * finds what any of them might, also report.md and 1.2.3.4, but no file name
 * whose ending is no domain (report.pdf). Clients differ most in where a link
 * ends: here only a blank ends one, and up to three closing marks of the
 * sentence before it are not its own. Whatever else hangs on an allowed link
 * makes it another one.
 *
 * What is not allowed stays readable, and is no link any more: dots, colons
 * and at signs in it stand in brackets, https[:]//example[.]org.
 */
#ifndef LABEL_LINKS_H
#define LABEL_LINKS_H

#include "base/buf.h"

enum {
	LINKS_MAX = 512,     /* of one text; more, and the text is refused */
	LINK_SET_MAX = 4096, /* links of one set */
	LINK_SET_BYTES = 1 << 20,
	LINK_TAIL_MAX = 3,
};

enum links {
	LINKS_ANY,    /* nothing is changed */
	LINKS_STRIP,  /* none is allowed */
	LINKS_SOURCE, /* those of the same source item */
	LINKS_OWNER,  /* those of the owner's text or the policy */
};

struct link {
	size_t at, n; /* bytes of the text */
};

/* The links of a text, in order; -E2BIG if there are more than max. */
[[nodiscard]] int links_find(struct span text, struct link *ret, size_t max);

/* The links that are allowed. */
struct link_set {
	struct buf mem; /* blobs */
	uint32_t n;
};

void link_set_init(struct link_set *s);
void link_set_done(struct link_set *s);

/* Adds one link, or all links of a text. What does not fit is not allowed. */
void link_set_add(struct link_set *s, struct span link);
void link_set_read(struct link_set *s, struct span text);

/* True if the set has exactly these bytes. */
bool link_set_has(const struct link_set *s, struct span link);

/* What was changed: n bytes at `at` of the old text are new_n of the new. */
struct link_edit {
	size_t at, n, new_n;
};

struct link_edits {
	size_t n;
	struct link_edit v[LINKS_MAX];
};

/*
 * Appends the text as it may leave. allowed: those of the source or the owner,
 * whichever the rule asks for; NULL or with LINKS_STRIP: none. 0 (edits tell
 * what changed), -E2BIG for more than LINKS_MAX links, -ENOSPC when out has no
 * room.
 */
[[nodiscard]] int links_apply(struct span text, enum links rule,
			      const struct link_set *allowed, struct buf *out,
			      struct link_edits *edits);

/* Where an offset of the old text is in the new one; inside of a link: its
 * beginning. */
size_t link_edits_map(const struct link_edits *e, size_t at);

#endif
