/*
 * imap_talk: the conversation with one IMAP server after TLS, as bytes in and
 * bytes out: login, EXAMINE (which cannot change anything), the list of what is
 * new, one BODY.PEEK[] after the other, then IDLE, or nothing until it is told
 * to look again. It marks, moves and deletes nothing, and has no word for it.
 *
 * The caller gives it what came, sends what it says, and has all clocks: see
 * imap_talk_waits.
 */
#ifndef ONLINE_IMAP_TALK_H
#define ONLINE_IMAP_TALK_H

#include "imap_read.h"
#include "secret.h"

enum {
	IMAP_ROWS = 512,    /* UIDs that are looked at in one list */
	IMAP_FOLDER = 1024, /* bytes of a folder's name as it is sent */
};

enum imap_step {
	IMAP_STEP_NEW = 0,
	IMAP_STEP_CAPABILITY,
	IMAP_STEP_LOGIN,
	IMAP_STEP_EXAMINE,
	IMAP_STEP_LIST,
	IMAP_STEP_FETCH,
	IMAP_STEP_FULL, /* the caller has no room for a mail */
	IMAP_STEP_NOOP, /* the same, and the server has to hear of us */
	IMAP_STEP_IDLE,
	IMAP_STEP_DONE, /* IDLE is being ended */
	IMAP_STEP_REST, /* all is read, and there is no IDLE */
};

/* What the caller is asked and told; all of them must be there. */
struct imap_hooks {
	void *arg;
	void (*send)(void *arg, struct span bytes); /* wipe what you keep */
	/* The folder, as it is now: the UID up to which all is seen to. */
	uint32_t (*selected)(void *arg, uint32_t validity, uint32_t next);
	/* All up to this one is seen to. */
	void (*scanned)(void *arg, uint32_t uid);
	bool (*wants)(void *arg, uint32_t uid); /* it is to be given */
	bool (*room)(void *arg);		/* for one more mail */
	/* A mail; false: not now, ask again. */
	bool (*mail)(void *arg, uint32_t uid, struct span bytes);
	/* A mail that will not be given; why NULL: it is gone. */
	void (*skip)(void *arg, uint32_t uid, const char *why);
	/* The server would not give it. true: and it is not asked again. */
	bool (*failed)(void *arg, uint32_t uid);
	void (*ready)(void *arg); /* logged in, and the folder is there */
};

struct imap_row {
	uint32_t uid;
	uint64_t size;
};

struct imap_talk {
	struct imap_hooks hooks;
	const char *user;
	const struct secret *secret; /* password, or access token */
	bool xoauth2;
	char folder[IMAP_FOLDER]; /* quoted */
	struct imap_reader reader;
	enum imap_step step;
	uint32_t tag;
	/* capabilities */
	bool idle, sasl_ir, plain, bearer, no_login;
	struct secret answer; /* to the server's "+", base64 */
	uint32_t validity, next;
	uint32_t after;	 /* all up to it is seen to */
	uint32_t end;	 /* of the list at hand */
	uint32_t window; /* how many UIDs the next list spans */
	struct imap_row rows[IMAP_ROWS];
	size_t n_rows, row;
	bool overflow, had_body, later, idling, news;
	bool in;	 /* logged in */
	const char *why; /* it has ended */
	bool refused;	 /* because of the credential */
};

/* Borrows user and secret. 0, or -1: the folder's name is none. */
[[nodiscard]] int imap_talk_init(struct imap_talk *t,
				 const struct imap_hooks *hooks,
				 const char *user, const struct secret *secret,
				 const char *folder);
void imap_talk_done(struct imap_talk *t);

/* The link stands. */
void imap_talk_start(struct imap_talk *t);

/* Bytes that came. 0, or -1: end the link, t->why and t->refused say why. */
[[nodiscard]] int imap_talk_bytes(struct imap_talk *t, struct span in);

/* There may be room again. */
void imap_talk_room(struct imap_talk *t);

/* Time is over for what it waits for with a step of its own (IDLE, FULL,
 * REST): looks again, or lets the server hear of it. */
void imap_talk_tick(struct imap_talk *t);

/* How it waits. */
enum imap_waits {
	IMAP_WAITS_SERVER, /* an answer must come */
	IMAP_WAITS_IDLE,   /* the server will tell */
	IMAP_WAITS_ROOM,
	IMAP_WAITS_REST,
};
enum imap_waits imap_talk_waits(const struct imap_talk *t);

/* A name in UTF-8 as IMAP has it (RFC 3501 5.1.3), quoted. 0 or -1. */
[[nodiscard]] int imap_folder(const char *name, char ret[IMAP_FOLDER]);

#endif
