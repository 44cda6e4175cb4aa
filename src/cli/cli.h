/*
 * cli: what the commands of `bulkhead` share: the dispatch, the exit codes,
 * options, and the only ways in which anything is written to a terminal.
 *
 * A command is one file with one function cmd_NAME; argv[0] is its name. The
 * options --json and --config FILE may stand anywhere before a `--` and are
 * taken out by the dispatch, --help is answered by it.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"

/* The exit codes of every command; the manual page prints this table. */
enum cli_exit {
	CLI_OK = 0,
	CLI_NO = 1,	 /* the answer is no: refused, failed, not in order */
	CLI_USAGE = 2,	 /* wrong options, or a configuration with errors */
	CLI_TIMEOUT = 3, /* --wait ran out */
	CLI_VM = 4,	 /* a virtual machine could not do its work */
	CLI_DOWN = 5,	 /* bulkhead is not running */
	CLI_EXIT_MAX
};

struct cli {
	bool json;		 /* --json */
	const char *config_path; /* --config FILE, or NULL: see cli_conf */
};

typedef int (*cli_fn)(int argc, char **argv, const struct cli *cli);

/* What a word of the command line is, for the shells' completion. */
enum cli_word { WORD_ANY, WORD_FILE, WORD_DIR, WORD_COMMAND };

/* An option as help, manual and completion show it. */
struct cli_flag {
	const char *name;    /* "--wait" */
	const char *value;   /* "SECONDS"; NULL where it takes none */
	const char *help;    /* sentences, without the last full stop */
	const char *choices; /* "a b c": what its value can be, or NULL */
	enum cli_word word;  /* what its value is otherwise */
};

/*
 * Usage line, help, manual page and completion are made from this row; an
 * option that is not in it is refused, even where the command binds it.
 */
struct cli_command {
	const char *name;
	const char *operands; /* "FILE|-"; NULL: none */
	const char *brief;    /* one line, for the list */
	const char *about;    /* paragraphs, a newline between two; or NULL */
	const struct cli_flag *flags;	 /* ends with a row without name */
	const struct cli_command *parts; /* `audit tail`: the same way */
	const char *choices;		 /* words that operands can be */
	enum cli_word word;		 /* what operands are otherwise */
	cli_fn run;			 /* NULL for parts */
};

/* The table of commands; ends with a row without name. */
extern const struct cli_command cli_commands[];

/* The options that main takes out before a command sees them; same end. */
extern const struct cli_flag cli_common[];

/* The row of a name, NULL if there is none. */
const struct cli_command *cli_find(const char *name);

/* As cli_find, and the parts of all commands: the first of that name. */
const struct cli_command *cli_find_any(const char *name);

/* Appends what follows the name on a command line: "[--json] FILE...". */
void cli_usage_of(struct buf *b, const struct cli_command *c);

/* Meaning of an exit code, for help and manual; NULL past the last. */
const char *cli_exit_text(enum cli_exit code);

/* One option of a command; exactly one of flag and value is set. */
struct cli_opt {
	const char *name;   /* "--wait" */
	bool *flag;	    /* set to true */
	const char **value; /* set to the next word, or to what follows '=' */
};

/*
 * Takes the options out of argv and leaves the operands in argv[1..*argc).
 * argv[0] names the command or its part; what its row does not list is unknown.
 * `--` ends the options, `-` is an operand. Returns 0, or CLI_USAGE after it
 * told what is wrong.
 */
[[nodiscard]] int cli_options(int *argc, char **argv,
			      const struct cli_opt *opts, size_t n);

/* "bulkhead: ..." on stderr; own words only. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, then the usage line of the command; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The file that cli_conf would load; "" for the embedded defaults. -1: too
 * long. */
[[nodiscard]] int cli_conf_path(const struct cli *cli, char *dst, size_t cap);

/*
 * Loads the configuration: --config, else $BULKHEAD_CONFIG, else
 * ~/.config/bulkhead/bulkhead.yaml where it exists, else the embedded
 * defaults. Returns 0, or CLI_USAGE after it printed every error.
 */
[[nodiscard]] int cli_conf(const struct cli *cli, struct conf *ret);

/* The owner's home directory: $HOME, else the password file, else "/". */
const char *cli_home(void);

/* Foreign text to a stream through render_text; one line stays one line. */
void cli_show(FILE *out, struct span foreign);

/* The same for text whose lines are ours to keep: error lists. */
void cli_show_lines(FILE *out, struct span text);

/*
 * Prints JSON with a newline at the end, two spaces a level. Every code point
 * that a terminal must not get raw is written as \uXXXX, and on a terminal
 * everything beyond ASCII is. NULL is "out of memory". Does not take the
 * reference. Returns 0 or CLI_NO.
 */
int cli_json(FILE *out, const json_t *json);

/* Weak: a command that is not in this build has no row in the list. */
#pragma weak cmd_up
#pragma weak cmd_down
#pragma weak cmd_status
#pragma weak cmd_items
#pragma weak cmd_read
#pragma weak cmd_audit
#pragma weak cmd_policy
#pragma weak cmd_config
#pragma weak cmd_import
#pragma weak cmd_init
#pragma weak cmd_kill
#pragma weak cmd_rearm
#pragma weak cmd_doctor
#pragma weak cmd_wire
#pragma weak cmd_effects
#pragma weak cmd_memory
#pragma weak cmd_task
#pragma weak cmd_vault
#pragma weak cmd_approvals
#pragma weak cmd_outbox
#pragma weak cmd_logs
#pragma weak cmd_backup
#pragma weak cmd_restore
#pragma weak cmd_metrics
int cmd_up(int argc, char **argv, const struct cli *cli);
int cmd_down(int argc, char **argv, const struct cli *cli);
int cmd_status(int argc, char **argv, const struct cli *cli);
int cmd_items(int argc, char **argv, const struct cli *cli);
int cmd_read(int argc, char **argv, const struct cli *cli);
int cmd_audit(int argc, char **argv, const struct cli *cli);
int cmd_policy(int argc, char **argv, const struct cli *cli);
int cmd_config(int argc, char **argv, const struct cli *cli);
int cmd_import(int argc, char **argv, const struct cli *cli);
int cmd_init(int argc, char **argv, const struct cli *cli);
int cmd_kill(int argc, char **argv, const struct cli *cli);
int cmd_rearm(int argc, char **argv, const struct cli *cli);
int cmd_doctor(int argc, char **argv, const struct cli *cli);
int cmd_effects(int argc, char **argv, const struct cli *cli);
int cmd_memory(int argc, char **argv, const struct cli *cli);
int cmd_task(int argc, char **argv, const struct cli *cli);
int cmd_vault(int argc, char **argv, const struct cli *cli);
int cmd_approvals(int argc, char **argv, const struct cli *cli);
int cmd_outbox(int argc, char **argv, const struct cli *cli);
int cmd_wire(int argc, char **argv, const struct cli *cli);
int cmd_logs(int argc, char **argv, const struct cli *cli);
int cmd_backup(int argc, char **argv, const struct cli *cli);
int cmd_restore(int argc, char **argv, const struct cli *cli);
int cmd_metrics(int argc, char **argv, const struct cli *cli);
int cmd_version(int argc, char **argv, const struct cli *cli);

int cmd_help(int argc, char **argv, const struct cli *cli);

#endif
