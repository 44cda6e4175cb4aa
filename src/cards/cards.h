/*
 * cards: an approval's card (approval/card.h) as the messages of a chat, and
 * the buttons under the last of them. No I/O and no clock: the broker says it
 * and hears of the presses.
 *
 * The text is the one that card_text makes, and is shown as it is, without any
 * of the chat's own markup. What is too long for one message goes into several;
 * the buttons are under the last one alone, which is said when all the others
 * have been, so that nobody can press one who has not been sent all of it.
 *
 * What comes back of a button is foreign bytes. It says the ticket and the
 * word, and it has a MAC over both and the hash of the card: a button of an
 * earlier card, of another request or of somebody else's making is none.
 */
#ifndef CARDS_CARDS_H
#define CARDS_CARDS_H

#include "approval/approval.h"

enum {
	CARDS_PARTS = 12,      /* messages of one card */
	CARDS_TELEGRAM = 3900, /* bytes of one: less than 4096 UTF-16 units */
	CARDS_SLACK = 2900,    /* less than the 3000 of a block */
	CARDS_KEY = 32,
	CARDS_MAC = 16, /* bytes that are left of it */
	CARDS_DATA = 64,
	CARDS_LABEL = 32,
	CARDS_BUTTONS = 6,
};

/*
 * Cuts a text into parts of at most that many bytes, at the ends of lines where
 * there are some, else between characters. How many; 0: it is empty, or needs
 * more than CARDS_PARTS. The spans borrow from it.
 */
size_t cards_split(struct span text, size_t most, struct span ret[CARDS_PARTS]);

enum cards_word {
	CARDS_YES = 1, /* so many times */
	CARDS_ALWAYS,
	CARDS_NO,
	CARDS_FREEZE, /* no, and nothing more of its task */
	CARDS_WORD_MAX
};

struct cards_button {
	char label[CARDS_LABEL];
	char data[CARDS_DATA + 1];
};

/* The buttons of a card, as its policy lets there be. Where a code is asked for
 * a press cannot say yes. Returns how many. */
size_t cards_buttons(const struct approval *a, const uint8_t key[CARDS_KEY],
		     struct cards_button ret[CARDS_BUTTONS]);

struct cards_press {
	uint64_t ticket;
	uint8_t word; /* enum cards_word */
	uint32_t times;
	uint8_t mac[CARDS_MAC];
};

/* What came back of a button. False: it is none of ours by its form. */
[[nodiscard]] bool cards_read(struct span data, struct cards_press *ret);

/* Whether it is a button of that card, and of that key. */
[[nodiscard]] bool cards_is_ours(const struct cards_press *p,
				 const uint8_t key[CARDS_KEY],
				 const uint8_t card[APPROVAL_HASH]);

#endif
