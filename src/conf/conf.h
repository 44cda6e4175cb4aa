/*
 * conf: bulkhead.yaml, where things are. Strict: an unknown key, and a known
 * key that this version does not enforce, are errors with line and column.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum {
	CONF_CONNECTORS = 16,
	CONF_USERS = 16,
	CONF_TASKS = 8,
	CONF_NAME_MAX = 64,
	CONF_PATH_MAX = 1024,
	CONF_DOCUMENTS = 8,
	CONF_HOST_MAX = 254,
	CONF_HOST_TEXT = CONF_HOST_MAX + 8,
	CONF_POOL_MAX = 16, /* VMs of one kind kept ready */
	CONF_RESTARTS_MAX = 100,
	CONF_FROZEN_MAX = 16, /* machines kept after a kill */
	CONF_HOSTS = 8,	      /* of one account */
	CONF_USER_MAX = 256,  /* what it logs in as, and its address */
	CONF_URL_MAX = 512,
	CONF_FILES = 8, /* of the vault */
	CONF_MODELS = 2048,
	CONF_MODEL_MAX = 129,
};

/* With PLANNER_NONE mails are read and recorded, and no task is started. */
enum conf_planner {
	PLANNER_TRIAGE = 1,
	PLANNER_GULLIBLE,
	PLANNER_NONE,
	PLANNER_LLM,
	PLANNER_LOCAL,
	PLANNER_MAX
};

/* "triage", "gullible", "none", "llm", "local"; NULL if there is none. */
const char *conf_planner_name(enum conf_planner p);

/* From CONNECTOR_IMAP on they are accounts: a process with one secret and no
 * network but the descriptors that netd gives it. */
enum conf_connector_kind {
	CONNECTOR_MAILDIR = 1,
	CONNECTOR_OUTBOX,
	CONNECTOR_IMAP,
	CONNECTOR_SMTP,
	CONNECTOR_TELEGRAM,
	CONNECTOR_SLACK,
	CONNECTOR_HTTP,
	CONNECTOR_MODEL, /* a row of upstreams */
	CONNECTOR_KIND_MAX
};

/* "maildir", "imap", ...; NULL if there is none. */
const char *conf_connector_name(enum conf_connector_kind k);

/* How an account logs in. */
enum conf_auth {
	AUTH_PASSWORD = 0, /* the secret is what is sent */
	AUTH_XOAUTH2,	   /* the secret is a refresh token */
	AUTH_GITHUB_APP,   /* the secret is an app's private key */
	AUTH_MAX
};

/* "password", "xoauth2", "github-app"; NULL if there is none. */
const char *conf_auth_name(enum conf_auth a);

/* One line of the table that netd connects by. */
struct conf_host {
	char name[CONF_HOST_MAX]; /* lower case; or an address, no brackets */
	uint16_t port;
};

/* What tokens of a model cost, in millionths of a dollar for a million. */
struct conf_price {
	bool known;
	uint64_t input, output, cache_read, cache_write;
};

struct conf_connector {
	char name[CONF_NAME_MAX];
	enum conf_connector_kind kind;
	char path[CONF_PATH_MAX]; /* absolute: ~ and relative are resolved */
	char authserv[CONF_HOST_MAX]; /* in lower case; "": nobody's word */
	/* Of accounts; "" and 0 where their kind does not have it. */
	uint32_t n_hosts;
	struct conf_host hosts[CONF_HOSTS];
	bool private; /* its names may lead to private addresses */
	char user[CONF_USER_MAX];
	char secret[CONF_NAME_MAX]; /* its name in the vault; "": none */
	enum conf_auth auth;
	char token[CONF_URL_MAX];     /* https://..., of AUTH_XOAUTH2 */
	char folder[CONF_USER_MAX];   /* imap; default INBOX */
	char from[CONF_USER_MAX];     /* smtp: the sender's address */
	bool approvals;		      /* `role`: it carries no messages, but the
					 owner's questions and answers */
	char requests[CONF_PATH_MAX]; /* http */
	char ca[CONF_PATH_MAX];	      /* whose certificates; "": the system's */
	bool all;		      /* `first`: what is there already, too */
	uint32_t poll_s;	      /* imap: between looks */
	bool anthropic;		      /* model: of its kind, else openai's */
	bool plain;		      /* model: without TLS */
	bool chosen;		      /* model: the planner's */
	char models[CONF_MODELS];     /* model: "a b c", "any" among them */
	uint32_t tokens;	      /* model: most of an answer */
	char prices[CONF_PATH_MAX];   /* model: their file; "": none */
	struct conf_price price;      /* model: of the chosen one's */
};

/* "name:port", "[2001:db8::1]:port". */
void conf_host_text(const struct conf_host *h, char ret[CONF_HOST_TEXT]);

/* Whether it is one: see above. */
bool conf_is_account(const struct conf_connector *cc);

/* Whether items come in by it, and whether effects go out: a chat does both, a
 * chat of approvals neither. */
bool conf_goes_in(const struct conf_connector *cc);
bool conf_goes_out(const struct conf_connector *cc);

/* What is to be done with each item of a source, or every day at a time. */
struct conf_task {
	char on[CONF_NAME_MAX]; /* the source of the policy; "": timed */
	bool timed;
	uint32_t minute; /* of the day, 0 to 1439, if timed */
	char say[1024];	 /* the owner's words */
};

/* Where secrets are: files of age, and what opens them, which is one of
 * the last three. */
struct conf_vault {
	uint32_t n_files; /* 0: there is no vault */
	char files[CONF_FILES][CONF_PATH_MAX];
	char identity[CONF_PATH_MAX];	/* a file, mode 0600; "": none */
	bool passphrase;		/* asked for on the terminal */
	char credential[CONF_NAME_MAX]; /* systemd's; "": none */
};

struct conf_vm {
	uint32_t memory_mib;
	uint32_t cpus;
	uint32_t deadline_s;
	uint32_t pool; /* kept ready, at most CONF_POOL_MAX */
	int parked;    /* enum vm_park: waiting or resumed */
};

/* What is accepted and has no verdict yet, see host/store. */
struct conf_queue {
	uint32_t items;
	uint32_t per_source;
	uint64_t bytes;
	uint64_t reserve; /* bytes of the disk that it leaves to others */
	uint32_t history; /* items that are kept after their verdict */
};

/* How processes that live as long as bulkhead are kept running. */
struct conf_supervision {
	uint32_t watchdog_s; /* silent for so long: ended, started again */
	uint32_t backoff_s;  /* the longest wait before a start */
	uint32_t healthy_s; /* up for so long: earlier failures are forgotten */
	uint32_t restarts;  /* of the core within ten minutes */
};

/* What a kill leaves of a machine at work, and one more thing that sets it. */
struct conf_kill {
	char file[CONF_PATH_MAX]; /* its being there is a kill; "": none */
	bool freeze;		  /* stopped and kept, not ended */
	uint32_t keep;		  /* so many of them, 1 to CONF_FROZEN_MAX */
};

enum conf_logs { LOGS_NONE = 0, LOGS_KINDS, LOGS_FULL, LOGS_MAX };

/* "none", "kinds", "full"; NULL if there is none. */
const char *conf_logs_name(enum conf_logs l);

/* The collector, an address and a port. */
struct conf_address {
	uint8_t v6;
	uint8_t ip[16]; /* the first four of IPv4 */
	uint16_t port;	/* 0: there is none */
	char text[64];	/* "127.0.0.1:4318", "[::1]:4318" */
};

struct conf_telemetry {
	char metrics[CONF_PATH_MAX]; /* "": no socket; default:
					state/metrics.sock */
	struct conf_address otlp;
	enum conf_logs logs;
	uint32_t queue; /* spans that may wait for the collector */
};

struct conf {
	char file[CONF_PATH_MAX];
	char state[CONF_PATH_MAX];
	char socket[CONF_PATH_MAX]; /* default: state/control.sock */
	uint32_t users[CONF_USERS];
	uint32_t n_users;	    /* default: the uid that starts bulkhead */
	char agent[CONF_NAME_MAX];  /* one agent in this version */
	char policy[CONF_PATH_MAX]; /* "": the embedded default policy */
	enum conf_planner planner;
	char upstream[CONF_NAME_MAX]; /* of PLANNER_LLM */
	bool binding_observed;	      /* of PLANNER_LLM: `binding: observe` */
	char model[CONF_MODEL_MAX];   /* likewise */
	char gguf[CONF_PATH_MAX];     /* the model of PLANNER_LOCAL */
	uint32_t n_documents;	      /* of these two */
	char documents[CONF_DOCUMENTS][CONF_PATH_MAX];
	uint32_t n_tasks;	      /* without a planner, none */
	struct conf_task tasks[CONF_TASKS];
	bool digest;		/* each day, what was done: */
	uint32_t digest_minute; /* of the day, 0 to 1439 */
	struct conf_vault vault;
	struct conf_vm reader;
	struct conf_vm planner_vm;
	int backend; /* enum vm_backend */
	struct conf_queue queue;
	uint64_t audit_reserve; /* bytes set aside for the log, 0: none */
	struct conf_supervision supervision;
	struct conf_kill kill;
	struct conf_telemetry telemetry;
	uint32_t n_connectors;
	struct conf_connector connectors[CONF_CONNECTORS];
};

/*
 * Loads the file; NULL or "" means the embedded defaults under home, and then
 * ret->file is "". Relative paths are relative to the file. All errors in one
 * pass, a line each in errs ("bulkhead.yaml:12:5: ..."). 0 or -EINVAL /
 * -errno; *ret is untouched on failure.
 */
[[nodiscard]] int conf_load(const char *path, const char *home,
			    struct conf *ret, struct buf *errs);

/* The bytes of a file; base is the absolute directory of relative paths. */
[[nodiscard]] int conf_parse(const char *name, struct span text,
			     const char *base, const char *home,
			     struct conf *ret, struct buf *errs);

/* The embedded defaults as the text that `bulkhead init` writes. */
const char *conf_default_text(void);

/*
 * Reads a whole file into ret, at most ret->max bytes. 0, or -errno with a
 * line in errs.
 */
[[nodiscard]] int conf_read_file(const char *path, struct buf *ret,
				 struct buf *errs);

/* The maps of the file, in the order of the manual (load.h). */
struct load_schema;
const struct load_schema *conf_schema(size_t *n);

#endif
