/*
 * gram: how much of a value is copied from what readers brought in.
 *
 * The texts of a task's items are kept folded: letters and digits alone, of
 * one case, accents and compatibility forms undone, so that neither case nor
 * punctuation nor separators hide a copy. A part of a value counts as copied
 * from GRAM_MIN such characters in a row on. The value is also looked at
 * backwards and decoded: base64, base32, hex, %XX.
 *
 * This is for explanations and alerts, and may only lower trust: words said
 * otherwise, another language, encryption, one character a call all pass it
 * by. What must not happen is kept from happening by labels and membership.
 *
 * Theory of operation: every fourth position of the kept text is in a hash
 * table by the 8 characters there; of a common passage of 11 characters one of
 * them is met, wherever it begins in the value. A meeting is extended to both
 * sides by comparing the texts themselves, so the table can be lossy, and a
 * hostile text that crowds it (the same passage over and over, or made to
 * collide) hides no more than passages of its own kind.
 */
#ifndef LABEL_GRAM_H
#define LABEL_GRAM_H

#include "label/label.h"

enum {
	GRAM_MIN = 12,
	GRAM_TEXT_MAX = (4 << 20) - 64, /* folded characters of one task */
	GRAM_SOURCES = 8192,
	GRAM_VALUE_MAX = 64 << 10, /* of a value, the rest is not looked at */
	GRAM_COVER = 300,	   /* per mille: from here on it is a copy */
	GRAM_QUOTE = 48, /* folded characters in a row that are a quotation */
	GRAM_WHOLE = 24, /* or that many, if that is all of a text */
};

enum gram_form {
	GRAM_PLAIN,
	GRAM_REVERSED,
	GRAM_URL,
	GRAM_HEX, /* from here on in the order of enum decode_alphabet */
	GRAM_BASE64,
	GRAM_BASE32,
	GRAM_FORM_MAX
};

const char *gram_form_name(enum gram_form f);

struct gram;

/* seed: as that of atoms_new. NULL when out of memory. */
struct gram *gram_new(uint64_t seed);
void gram_free(struct gram *g);

/*
 * Keeps a text and the label it has. 0, or -ENOSPC or -ENOMEM: what did not
 * fit will not be found.
 */
[[nodiscard]] int gram_add(struct gram *g, struct span text,
			   const struct label *l);

struct gram_match {
	uint32_t cover; /* per mille of the value in the form where most is */
	enum gram_form form;
	bool failed; /* out of memory: there may be more */
	/* of the texts it was copied from: in every form from GRAM_COVER on,
	 * or, below that, in the best one; label_empty if in none */
	struct label label;
};

void gram_match(struct gram *g, struct span value, struct gram_match *ret);

/*
 * What a longer text quotes, that is JSON: joins into l the label of every text
 * of which GRAM_QUOTE characters stand there in a row, or all. False: out of
 * memory: there may be more.
 */
[[nodiscard]] bool gram_quotes(const struct gram *g, struct span json,
			       struct label *l);

#endif
