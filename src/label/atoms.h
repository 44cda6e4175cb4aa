/*
 * atoms: the names behind the numbers in a label.
 *
 * Two kinds of names are interned. An origin says where bytes came from:
 * connector/account/item/field. A principal says who may read them: a space
 * and an id in it, =email/lea@example.org. Parts are escaped, and long ones
 * stand as their hash, so different things never have one name and a name is
 * always short and printable ASCII.
 *
 * A table belongs to one task. Numbers mean nothing outside it: a label is
 * stored by names (label_encode).
 */
#ifndef LABEL_ATOMS_H
#define LABEL_ATOMS_H

#include "base/buf.h"
#include "base/span.h"

enum {
	ATOMS_MAX = 65536,
	ATOMS_BYTES = 8 << 20, /* of all names */
	ATOM_PART_MAX = 120,   /* escaped; a longer part stands as its hash */
	ATOM_NAME_MAX = 4 * ATOM_PART_MAX + 4,
};

/* The numbers that every table has. */
enum atom {
	ATOM_NONE = 0,	 /* there was no room: whoever gets it fails closed */
	ATOM_CONFIG,	 /* origin: the policy file */
	ATOM_OWNER,	 /* origin: the owner's own words */
	PRINCIPAL_OWNER, /* reader: the owner, on a channel of his own */
	PRINCIPAL_EVERYONE, /* recipient: whoever comes by, as on a public page
			     */
	ATOM_FIRST
};

struct atoms;

/* seed: from the kernel, or anything in a test. NULL when out of memory. */
struct atoms *atoms_new(uint64_t seed);
void atoms_free(struct atoms *a);

struct atom_origin {
	struct span connector, account, item;
	struct span field; /* empty: the item as a whole */
};

/* The number of that name, given now if it had none; ATOM_NONE if the table
 * is full. */
uint32_t atoms_origin(struct atoms *a, const struct atom_origin *o);
uint32_t atoms_principal(struct atoms *a, struct span space, struct span id);

/* The same by the whole name as atoms_name gives it; ATOM_NONE also for what
 * is no name. */
uint32_t atoms_named(struct atoms *a, struct span name);

/* The name, "" if there is none; lives as long as nothing is added. */
struct span atoms_name(const struct atoms *a, uint32_t id);

/* The origin of the whole item that this origin is a field of (of an item:
 * itself); ATOM_NONE for what belongs to no item. */
uint32_t atoms_item(const struct atoms *a, uint32_t id);

bool atoms_is_principal(const struct atoms *a, uint32_t id);

#endif
