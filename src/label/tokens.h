/*
 * tokens: what the owner named in the text of a task.
 *
 * A value is of origin `owner` if its canonical form is the canonical form of
 * a word that the owner wrote, as a value of that type. Nothing less counts: no
 * part of a word, no word beside the one that was written, nothing that merely
 * looks like it. The words are taken out once a task.
 *
 * Words end at blanks; brackets, quotation marks and the sentence's own
 * punctuation around a word are not part of it. In a list like a@x,b@y each
 * piece is a word, too; a URL is one word whatever is in it, for a piece of it
 * is not what the owner named. An address without its scheme stands for https.
 * Telephone numbers (+49 151 ...) and account numbers with the right check
 * digits (IBAN) are ids without their blanks. A text is the owner's if it is
 * all of his text, a line of it, or a passage between quotation marks.
 *
 * Short words come about by chance: what has no shape of its own (id, enum,
 * ref, text) needs 6 characters, and so does a number that is to name
 * something.
 */
#ifndef LABEL_TOKENS_H
#define LABEL_TOKENS_H

#include "label/types.h"

enum {
	TOKENS_TEXT_MAX = 64 << 10,
	TOKENS_MAX = 8192, /* the words past these are nobody's */
	TOKENS_BYTES = 1 << 20,
	TOKEN_SHORT = 6, /* less is no name */
};

struct token {
	enum arg_type type;
	uint32_t at, n; /* in mem: the canonical form */
};

struct tokens {
	struct buf mem;
	size_t n;
	struct token *v; /* ascending by type and bytes */
};

/*
 * Reads the text into t, which is initialised by this. 0, -EFBIG, -EILSEQ (not
 * UTF-8) or -ENOMEM; then t is empty, so that nothing is the owner's.
 */
[[nodiscard]] int tokens_read(struct tokens *t, struct span text);
void tokens_done(struct tokens *t);

/* One more, in canonical form, which was a token of a text that is not at hand
 * any more; t may be all zeros. 0, -ENOSPC or -ENOMEM. */
[[nodiscard]] int tokens_add(struct tokens *t, enum arg_type type,
			     struct span canonical);

/* What a value is there for: a name says whom or what an effect is about. */
enum token_use { TOKEN_VALUE, TOKEN_NAME };

/* True if the owner's text has this canonical value. */
bool tokens_has(const struct tokens *t, enum arg_type type,
		struct span canonical, enum token_use use);

#endif
