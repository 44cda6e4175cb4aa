/*
 * init_ask: the questions of init: answers of one line from the terminal or a
 * pipe; those that are secret unseen, and into locked memory alone.
 */
#ifndef CLI_INIT_ASK_H
#define CLI_INIT_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_MAX = 512 };

/* One question; an empty line, or no line any more, takes the default, which
 * `answer` (of ANSWER_MAX bytes) has. -1: the answer is too long. */
[[nodiscard]] int ask(const char *question, const char *none, char *answer);

/* What may stand between double quotes in YAML as it is. */
bool plain_text(const char *s);

enum accounts_secret { OF_IMAP, OF_SMTP, OF_CARDS, OF_AGENT, OF_ACCOUNTS };

/*
 * A mailbox, a server that sends and bots of Telegram's, in the place of the
 * two folders. Each part may be left out.
 */
struct accounts {
	char imap[ANSWER_MAX]; /* HOST or HOST:PORT; "": none */
	char imap_user[ANSWER_MAX];
	char smtp[ANSWER_MAX]; /* the same */
	char smtp_user[ANSWER_MAX];
	char from[ANSWER_MAX];
	char owner[ANSWER_MAX]; /* numeric id at Telegram; "": no bots */
	const char *api;	/* HOST:PORT of the Bot API */
	const char *ca;		/* file; NULL: the system's */
	struct {
		uint8_t *p; /* by box_answer; NULL: none */
		size_t n;
	} secrets[OF_ACCOUNTS];
};

/* Asks for all of them; CLI_OK, or an exit code after it said why. */
[[nodiscard]] int accounts_ask(struct accounts *a);
void accounts_done(struct accounts *a);

#endif
