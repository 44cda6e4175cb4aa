/*
 * word: encoded words of header fields (RFC 2047) to UTF-8.
 *
 * As mail programs do it: a word may begin anywhere, not just behind a blank;
 * blanks between two words vanish; a character may be split between two words
 * of one charset. What does not end is no word and stays as it stands. Bytes
 * outside of words are UTF-8 if they are that, else windows-1252.
 */
#ifndef READER_MAIL_WORD_H
#define READER_MAIL_WORD_H

#include "base/buf.h"

enum { WORD_TEXT_MAX = 4096 }; /* between the last ? of a word and its end */

/* Appends the text of a field, still folded, as UTF-8; flaws: see flaw.h. */
void words_decode(struct span s, struct buf *out, uint32_t *flaws);

#endif
