/*
 * openclaw: what an OpenClaw, Moltbot or Clawdbot installation keeps, turned
 * into files of ours: bulkhead.yaml, a policy, and the secrets that a vault
 * takes. docs/import.md says what becomes of each part.
 *
 * The strictest reading holds. Who is open to everybody is open to nobody here;
 * a name that can be changed stands for nobody; what the agent could have
 * written itself (its schedule) is left for the owner to take; a part that is
 * understood in no way is named in the report, not guessed at. The report never
 * has a byte of a secret.
 *
 * Pure: bytes in, bytes out. The files are given by whoever may open them.
 */
#ifndef IMPORT_OPENCLAW_H
#define IMPORT_OPENCLAW_H

#include "base/buf.h"
#include "base/err.h"

enum {
	OPENCLAW_FILES = 128,
	OPENCLAW_SECRETS = 32, /* that are taken over */
	OPENCLAW_IDS = 64,     /* of one set */
	OPENCLAW_ACCOUNTS = 6, /* chats, all kinds together */
	OPENCLAW_TASKS = 7,
	OPENCLAW_ROTATE = 128, /* places of secrets that are listed */
	OPENCLAW_NAME_MAX = 48,
	OPENCLAW_SECRET_MAX = 4096,
};

/* A file, by its path in the directory: "openclaw.json". */
struct openclaw_file {
	const char *name;
	struct span bytes;
};

/* A secret for the vault. */
struct openclaw_secret {
	char name[OPENCLAW_NAME_MAX];
	char connector[OPENCLAW_NAME_MAX];
	char hosts[128]; /* "name:port name:port" */
	char value[OPENCLAW_SECRET_MAX];
};

struct openclaw {
	struct buf conf;   /* bulkhead.yaml */
	struct buf policy; /* assistant.yaml */
	struct buf report; /* lines, "taken: ...", "warning: ..." */
	size_t n_secrets, n_warnings;
	struct openclaw_secret secrets[OPENCLAW_SECRETS];
};

/* The names under which the configuration is looked for, in this order; NULL at
 * the end. */
extern const char *const openclaw_configs[];

void openclaw_init(struct openclaw *o);

/* Wipes and frees. */
void openclaw_done(struct openclaw *o);

/*
 * Reads the files, one of which is a configuration. tasks: its schedule counts
 * as the owner's words; else it is written as comments. 0, or -EINVAL with the
 * first reason in e: the configuration is no JSON5, or includes other files.
 * Another file that cannot be read is a warning.
 */
[[nodiscard]] int openclaw_read(struct openclaw *o,
				const struct openclaw_file *files, size_t n,
				bool tasks, struct err *e);

#endif
