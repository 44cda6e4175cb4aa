/*
 * inner: what the files of this folder share; nobody else includes it.
 */
#ifndef IMPORT_INNER_H
#define IMPORT_INNER_H

#include "import/openclaw.h"
#include "json5/json5.h"

/* Ids that may be named in a policy, each once. */
struct ids {
	size_t n;
	char id[OPENCLAW_IDS][32];
};

enum chat_kind { CHAT_TELEGRAM, CHAT_SLACK };

/* One account of a chat. */
struct account {
	enum chat_kind kind;
	char name[OPENCLAW_NAME_MAX]; /* the connector's, and the source's */
	char id[OPENCLAW_NAME_MAX];   /* theirs: "default" */
	struct ids people, chats;
};

struct task {
	char every[8]; /* "07:30" */
	char say[1024];
};

struct taking {
	struct openclaw *o;
	const struct openclaw_file *files;
	size_t n_files;
	const struct json5 *config;
	const struct openclaw_file *env; /* ".env", or NULL */
	size_t n_accounts, n_tasks, n_rotate;
	struct account accounts[OPENCLAW_ACCOUNTS];
	struct task tasks[OPENCLAW_TASKS];
	struct ids owners; /* telegram */
	bool take_tasks;
};

/* Lines of the report; foreign text in them is escaped by `take_quote`. */
void take_warn(struct taking *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void take_note(struct taking *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Foreign text (UTF-8) between double quotes, as YAML reads it, controls
 * escaped; at most 200 bytes of it in the report. */
void put_quoted(struct buf *b, struct span text);
const char *take_quote(char dst[256], struct span text);

/* Adds an id that its provider vouches for: digits of Telegram (a minus before
 * them for groups), U..., W... or C..., G..., D... of Slack. False: it is
 * none. */
bool ids_person(struct ids *l, enum chat_kind kind, struct span text);
bool ids_chat(struct ids *l, enum chat_kind kind, struct span text);

const struct openclaw_file *take_file(const struct taking *t, const char *name);

/* channels.c: accounts, their senders and chats, their secrets. */
void take_channels(struct taking *t);

/* secrets.c: keys of models; what lies there in plain text; a value that may
 * be a reference to the environment: true and its bytes in dst, if they are
 * known here. */
void take_profiles(struct taking *t);
void list_plain(struct taking *t, const struct json5 *j);
void list_env(struct taking *t);
bool take_resolve(struct taking *t, struct span value, char *dst, size_t cap);
void take_secret_value(struct taking *t, const char *name, const char *hosts,
		       const char *value);

/* cron.c */
void take_cron(struct taking *t);

/* write.c */
void write_files(struct taking *t);

#endif
