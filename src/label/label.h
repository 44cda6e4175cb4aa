/*
 * label: where a value came from, how far it is trusted, who may read it.
 *
 * A label is (origins, integrity, audience). Labels are joined when values
 * are: origins add up, integrity is the least of them, the audience is what
 * all have in common. The join is commutative, associative and idempotent and
 * only ever goes one way: more origins, less trust, fewer readers. Every bound
 * fails in that direction, too: a label with more origins than fit is of
 * external integrity and counts as coming from everywhere.
 *
 * The broker alone makes labels, from what it knows of a source; no reader
 * and no planner has any part in it.
 */
#ifndef LABEL_LABEL_H
#define LABEL_LABEL_H

#include "base/buf.h"
#include "label/atoms.h"

enum {
	LABEL_ATOMS = 64,
	LABEL_READERS = 32,
	LABEL_TEXT_ATOMS = 8, /* named in label_text, the rest is counted */
};

enum integrity {
	INTEGRITY_EXTERNAL,
	INTEGRITY_KNOWN, /* the provider vouches for a sender of an owner set */
	INTEGRITY_OWNER,
	INTEGRITY_CONFIG,
	INTEGRITY_MAX
};

/* The owner may read everything and is never among the readers. */
enum label_audience {
	READ_BY_ALL,
	READ_BY_SOME,  /* the owner and these; at least one */
	READ_BY_OWNER, /* the owner alone, on a channel of his own */
	READ_BY_MAX
};

struct label {
	uint8_t integrity; /* enum integrity */
	uint8_t audience;  /* enum label_audience */
	bool many;	   /* there were more origins than fit */
	uint8_t n_atoms, n_readers;
	uint32_t atoms[LABEL_ATOMS]; /* ascending, as are the readers */
	uint32_t readers[LABEL_READERS];
};

/* What changes nothing when joined: no origin, config, public. */
struct label label_empty(void);

/* One origin, public. ATOM_NONE gives the worst label but for its audience. */
struct label label_of(uint32_t atom, enum integrity i);

/* Adds an origin; ATOM_NONE, or one too many, makes it `many`. */
void label_add_atom(struct label *l, uint32_t atom);

/* Joins from into l. */
void label_join(struct label *l, const struct label *from);

/*
 * Leaves only those readers that are among the n given ones: of a public
 * label, these. ATOM_NONE and PRINCIPAL_OWNER are passed over, and what does
 * not fit is not a reader; with none left the label is secret.
 */
void label_restrict(struct label *l, const uint32_t *readers, size_t n);

/* True if the principal is in the audience. PRINCIPAL_OWNER always is,
 * PRINCIPAL_EVERYONE and ATOM_NONE only where it is public. */
bool label_may_read(const struct label *l, uint32_t principal);

/* True if the atom is among the origins, or may be. */
bool label_has_atom(const struct label *l, uint32_t atom);

/* True if b is at least as restricted as a in every respect: joining a into b
 * would change nothing. */
bool label_covers(const struct label *b, const struct label *a);

bool label_eq(const struct label *a, const struct label *b);

/* The label for the store: by names, so that it means the same in another
 * task. */
void label_encode(struct buf *b, const struct label *l, const struct atoms *a);

/* Reads it again. 0, or -1 for bytes that label_encode does not write. A table
 * that is full makes the label worse, never better. */
[[nodiscard]] int label_decode(struct span bytes, struct atoms *a,
			       struct label *ret);

/* "external from=imap/me/17/body readers==email/lea@example.org" for the
 * audit; printable ASCII. */
void label_text(struct buf *out, const struct label *l, const struct atoms *a);

const char *integrity_name(unsigned i);

#endif
