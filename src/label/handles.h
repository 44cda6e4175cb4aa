/*
 * handles: what a planner holds in the place of bytes that it shall not see.
 *
 * A table belongs to one task: @12 stands for a value that the broker has, with
 * the label that the broker gave it; @13.name for a field of @13. The table
 * starts at a number that no other task has been given, so a handle of another
 * task is no handle of this one. Numbers are never used again.
 */
#ifndef LABEL_HANDLES_H
#define LABEL_HANDLES_H

#include "label/label.h"
#include "label/origin.h"
#include "label/types.h"

enum {
	HANDLES_MAX = 4096,	  /* of one task, fields included */
	HANDLES_BYTES = 16 << 20, /* of all their values */
	HANDLE_KIND_MAX = 64,
};

#define HANDLE_LAST UINT32_C(999999999) /* HANDLE_DIGITS of them */

/* What a handle is of. */
struct handle_value {
	struct span kind; /* "mail.thread" */
	enum arg_type type;
	enum origin origin; /* ORIGIN_HANDLE, or ORIGIN_ENVELOPE */
	struct span bytes;
	uint64_t item; /* the item it belongs to, 0: none */
	const struct label *label;
};

struct handle {
	uint32_t id;
	char kind[HANDLE_KIND_MAX + 1];
	char field[HANDLE_FIELD_MAX + 1]; /* "": it is @id itself */
	enum arg_type type;
	enum origin origin;
	uint64_t item;
	struct label label;
	struct span value; /* canonical, the table's */
	uint32_t next;	   /* field of the same number, 0: no more */
};

struct handles;

/* An empty table whose first number is `first` (1 to HANDLE_LAST). NULL when
 * out of memory. */
struct handles *handles_new(uint32_t first);
void handles_free(struct handles *h);

uint32_t handles_first(const struct handles *h);

/* The number that the next table has to start at; above HANDLE_LAST: there are
 * no more numbers. */
uint32_t handles_next(const struct handles *h);

/*
 * Takes a copy of the value in its canonical form; of a text, controls other
 * than line breaks and tabs are left out first. The handle lives as long as the
 * table and stays where it is. Error: -EINVAL (no value of that type, a kind or
 * field that is no name), -ENOSPC, -ENOMEM.
 */
[[nodiscard]] int handles_add(struct handles *h, const struct handle_value *v,
			      const struct handle **ret);

/* The same as a field of a handle that is none itself; -EEXIST if it has one of
 * that name. */
[[nodiscard]] int handles_add_field(struct handles *h, const struct handle *of,
				    const char *field,
				    const struct handle_value *v,
				    const struct handle **ret);

/* The same with the number that it has in another table, of which this one is
 * a part; numbers come in ascending order, no number between them is one. */
[[nodiscard]] int handles_add_at(struct handles *h, uint32_t id,
				 const struct handle_value *v,
				 const struct handle **ret);

/* A handle of another table with its fields, or one field of it as a handle of
 * its own, under a new number. As handles_add. */
[[nodiscard]] int handles_copy(struct handles *h, const struct handles *from,
			       const struct handle *k,
			       const struct handle **ret);

/* What "@12" or "@13.name" stands for; NULL if nothing in this table. */
const struct handle *handles_find(const struct handles *h, struct span ref);

/* "@12", "@13.name" */
void handle_ref(struct buf *out, const struct handle *k);

#endif
