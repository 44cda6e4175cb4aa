/*
 * commands: the tables of everything that `bulkhead` can do, with every option.
 * Help, manual pages and completion are made from them.
 */
#include "cli/cli.h"

#define JSON_FLAG                                                              \
	{                                                                      \
		"--json", NULL, "print JSON instead of text", NULL, WORD_ANY   \
	}
#define IMAGES_FLAG                                                            \
	{                                                                      \
		"--images", "DIR",                                             \
			"guest kernel and images, if not the installed ones",  \
			NULL, WORD_DIR                                         \
	}
#define FLAGS_END                                                              \
	{                                                                      \
		NULL, NULL, NULL, NULL, WORD_ANY                               \
	}

const struct cli_flag cli_common[] = {
	{ "--config", "FILE",
	  "read this configuration, not $BULKHEAD_CONFIG or "
	  "~/.config/bulkhead/bulkhead.yaml",
	  NULL, WORD_FILE },
	{ "--help", NULL, "tell about the command instead of running it", NULL,
	  WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag json_only[] = { JSON_FLAG, FLAGS_END };

static const struct cli_flag up_flags[] = {
	{ "--foreground", NULL,
	  "stay attached: the log goes to this terminal, or to the journal "
	  "where that is behind it",
	  NULL, WORD_ANY },
	{ "--supervise", NULL,
	  "start it again whenever it dies, with a pause that grows, until "
	  "`bulkhead down` or the kill latch; stays attached",
	  NULL, WORD_ANY },
	{ "--detach", NULL,
	  "with --supervise: in the background; without it, it is there "
	  "anyway",
	  NULL, WORD_ANY },
	IMAGES_FLAG,
	FLAGS_END,
};

static const struct cli_flag items_flags[] = {
	{ "--wait", "SECONDS",
	  "first wait until every item has its verdict; exit 3 if that takes "
	  "longer",
	  NULL, WORD_ANY },
	{ "--least", "N", "with --wait: and until there are N items (1)", NULL,
	  WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag read_flags[] = {
	{ "--as", "KIND", "the kind of message: email, telegram or slack",
	  "email", WORD_ANY },
	{ "--console", "FILE",
	  "write the VM's serial console there, at most 1 MiB", NULL,
	  WORD_FILE },
	IMAGES_FLAG,
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag wire_flags[] = {
	{ "--full", NULL, "not only the first 64 bytes of a frame, but 512",
	  NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

#define LEVEL_FLAGS                                                            \
	{ "--capability", "NAME", "this capability alone", NULL, WORD_ANY },   \
		{ "--task", "N", "this task alone", NULL, WORD_ANY },          \
	{                                                                      \
		"--agent", NULL,                                               \
			"the agent; connectors go on to take mail in", NULL,   \
			WORD_ANY                                               \
	}

static const struct cli_flag kill_flags[] = {
	LEVEL_FLAGS,
	{ "--revoke", NULL,
	  "all, and have connectors give up their credentials at their "
	  "providers",
	  NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag rearm_flags[] = {
	LEVEL_FLAGS,
	{ "--lease", NULL,
	  "no latch, but the lease: begins the time anew for which the agent "
	  "acts without a word of its owner",
	  NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag tail_flags[] = {
	{ "-n", "N", "so many records (20)", NULL, WORD_ANY },
	{ "--json", NULL, "print JSON, a record a line", NULL, WORD_ANY },
	FLAGS_END,
};

#define VAULT_FILE                                                             \
	{                                                                      \
		"--file", "FILE",                                              \
			"this file, and not the first of `vault: files`",      \
			NULL, WORD_FILE                                        \
	}

static const struct cli_flag vault_file_flags[] = { VAULT_FILE, FLAGS_END };

static const struct cli_flag vault_init_flags[] = {
	{ "--passphrase", NULL,
	  "open it by a passphrase, where bulkhead.yaml has no vault yet; not "
	  "by a file with a key",
	  NULL, WORD_ANY },
	{ "--sops", NULL,
	  "a file of sops, not one of age: YAML, JSON, dotenv or INI, by the "
	  "end of its name",
	  NULL, WORD_ANY },
	VAULT_FILE,
	FLAGS_END,
};

static const struct cli_flag vault_set_flags[] = {
	{ "--connector", "NAME",
	  "for this connector alone, and the hosts that it has in "
	  "bulkhead.yaml",
	  NULL, WORD_ANY },
	{ "--hosts", "NAME:PORT,...", "for these hosts alone", NULL, WORD_ANY },
	{ "--fd", "N", "the secret comes on this descriptor", NULL, WORD_ANY },
	VAULT_FILE,
	FLAGS_END,
};

static const struct cli_flag vault_list_flags[] = { VAULT_FILE, JSON_FLAG,
						    FLAGS_END };

static const struct cli_flag vault_show_flags[] = {
	{ "--reveal", NULL, "the secret itself", NULL, WORD_ANY },
	VAULT_FILE,
	FLAGS_END,
};

static const struct cli_flag vault_export_flags[] = {
	{ "--to", "age1...", "whom it is encrypted for", NULL, WORD_ANY },
	VAULT_FILE,
	FLAGS_END,
};

static const struct cli_command vault_parts[] = {
	{ .name = "init",
	  .brief = "a new file with nothing in it, and a key that opens it",
	  .flags = vault_init_flags },
	{ .name = "set",
	  .operands = "NAME",
	  .brief = "a secret, asked for on the terminal, twice and unseen, or "
		   "read from a pipe",
	  .flags = vault_set_flags },
	{ .name = "list",
	  .brief = "which there are, and for whom each is",
	  .flags = vault_list_flags },
	{ .name = "show",
	  .operands = "NAME",
	  .brief = "one of them",
	  .flags = vault_show_flags },
	{ .name = "forget",
	  .operands = "NAME",
	  .brief = "take it out",
	  .flags = vault_file_flags },
	{ .name = "edit",
	  .brief = "all of them in $VISUAL or $EDITOR, on a copy in memory",
	  .flags = vault_file_flags },
	{ .name = "rotate",
	  .brief = "a new key, or passphrase, for the same secrets",
	  .flags = vault_file_flags },
	{ .name = "import",
	  .operands = "FILE",
	  .brief = "take over the secrets of another file that the same key "
		   "opens",
	  .flags = vault_file_flags,
	  .word = WORD_FILE },
	{ .name = "export",
	  .brief = "all of them on the output, encrypted for somebody else",
	  .flags = vault_export_flags },
	{ .name = "check",
	  .brief = "whether each connector would be given what it names",
	  .flags = vault_file_flags },
	{ .name = NULL },
};

static const struct cli_flag approvals_list_flags[] = {
	{ "--all", NULL, "those that are over as well", NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag approvals_show_flags[] = {
	{ "--full", NULL, "all of each text", NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag approve_flags[] = {
	{ "--times", "N",
	  "the same targets N times in this task, whatever the text", NULL,
	  WORD_ANY },
	{ "--always", NULL, "adds the clause that its card shows, for 30 days",
	  NULL, WORD_ANY },
	{ "--code", "CODE", "the code of its card, where it has one", NULL,
	  WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag refuse_flags[] = {
	{ "--freeze", NULL,
	  "and whatever else its task asks for, until `bulkhead rearm --task`; "
	  "at a terminal: asks for a typed word",
	  NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_command approvals_parts[] = {
	{ .name = "list",
	  .brief = "what waits for you, a task's requests of 20 seconds "
		   "together (also without a word)",
	  .flags = approvals_list_flags },
	{ .name = "show",
	  .operands = "N",
	  .brief = "one with its card; at a terminal with its code",
	  .flags = approvals_show_flags },
	{ .name = "approve",
	  .operands = "N...",
	  .brief = "yes, once; at a terminal: shows the card and asks for a "
		   "typed word",
	  .flags = approve_flags },
	{ .name = "refuse",
	  .operands = "N",
	  .brief = "no",
	  .flags = refuse_flags },
	{ .name = NULL },
};

static const struct cli_command outbox_parts[] = {
	{ .name = "list",
	  .brief = "what is held, and how long (also without a word)",
	  .flags = json_only },
	{ .name = "cancel",
	  .operands = "N",
	  .brief = "it is not done",
	  .flags = json_only },
	{ .name = NULL },
};

static const struct cli_command effects_parts[] = {
	{ .name = "list",
	  .brief = "the newest 100, and all that are unknown (also without a "
		   "word)",
	  .flags = json_only },
	{ .name = "show",
	  .operands = "N",
	  .brief = "one in full",
	  .flags = json_only },
	{ .name = "settle",
	  .operands = "N done|failed",
	  .brief = "you have looked: that is what became of it",
	  .flags = json_only,
	  .choices = "done failed" },
	{ .name = "repeat",
	  .operands = "N",
	  .brief = "once more, as a new effect, if the policy allows it; at a "
		   "terminal, asks for a typed word",
	  .flags = json_only },
	{ .name = NULL },
};

static const struct cli_flag memory_flags[] = {
	{ "--all", NULL, "every note", NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_command memory_parts[] = {
	{ .name = "list",
	  .brief = "every note: when it was kept, how long it is, whose words "
		   "it is made of (also without a word)",
	  .flags = json_only },
	{ .name = "show",
	  .operands = "NAME",
	  .brief = "one with its text",
	  .flags = json_only },
	{ .name = "forget",
	  .operands = "[NAME]",
	  .brief = "erase one, or with --all every one; on record",
	  .flags = memory_flags },
	{ .name = NULL },
};

#define TASK_WAIT                                                              \
	{                                                                      \
		"--wait", "SECONDS",                                           \
			"until it is over, and show it then: exit 1 if it is " \
			"not done, 3 if that takes longer",                    \
			NULL, WORD_ANY                                         \
	}

static const struct cli_flag task_run_flags[] = {
	{ "--on", "ITEM,...",
	  "about that item, which is in memory, or several of them", NULL,
	  WORD_ANY },
	TASK_WAIT,
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag task_show_flags[] = { TASK_WAIT, JSON_FLAG,
						   FLAGS_END };

static const struct cli_command task_parts[] = {
	{ .name = "run",
	  .operands = "TEXT",
	  .brief = "what you want done, in your words: who and what is named "
		   "in them, you have named",
	  .flags = task_run_flags },
	{ .name = "list",
	  .brief = "all of yours that are kept, and those of the newest items "
		   "(also without a word)",
	  .flags = json_only },
	{ .name = "show",
	  .operands = "N",
	  .brief = "one in full, with its answer and its requests",
	  .flags = task_show_flags },
	{ .name = "cancel",
	  .operands = "N",
	  .brief = "end one that waits or is at work; what it has had done "
		   "stays done",
	  .flags = json_only },
	{ .name = NULL },
};

static const struct cli_flag verify_flags[] = {
	{ "--checkpoint", "FILE",
	  "a checkpoint that was kept elsewhere: the log must go on from it",
	  NULL, WORD_FILE },
	{ "--root", "KEY",
	  "the verifier key of the root: it must have signed the first key",
	  NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag prove_flags[] = {
	{ "--consistency", "SIZE",
	  "instead of a record: that the log goes on from its first SIZE "
	  "records, as C2SP tlog-witness has it",
	  NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag keys_flags[] = {
	{ "--new", NULL,
	  "make a new one first, and erase the private half of the one before",
	  NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag query_flags[] = {
	{ "--origin", "ADDRESS|item:N",
	  "the sender, as the envelope of an item has it, or one item", NULL,
	  WORD_ANY },
	{ "--since", "TIME",
	  "only decisions from then on: 2026-11-22T18:00, in UTC, or the "
	  "beginning of that",
	  NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_flag erase_flags[] = {
	{ "--item", "N", "of one item", NULL, WORD_ANY },
	{ "--sender", "ADDRESS", "of all items of one sender", NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_command audit_parts[] = {
	{ .name = "tail",
	  .brief = "the last records, a line each",
	  .flags = tail_flags },
	{ .name = "show",
	  .operands = "INDEX",
	  .brief = "one record in full",
	  .flags = json_only },
	{ .name = "verify",
	  .brief = "check every hash and signature, and that the log goes on "
		   "from its tip, and from a checkpoint that was kept "
		   "elsewhere",
	  .flags = verify_flags },
	{ .name = "checkpoint",
	  .brief = "the last signed checkpoint, to be kept elsewhere" },
	{ .name = "prove",
	  .operands = "[INDEX]",
	  .brief = "a proof that the record is in the log, as C2SP "
		   "tlog-proof, the record as its extra data; or that the log "
		   "only grew",
	  .flags = prove_flags },
	{ .name = "gaps",
	  .brief = "effects without outcome, outcomes without intent, runs "
		   "without end, clocks and indexes that go back; exit 1 where "
		   "there are any",
	  .flags = json_only },
	{ .name = "keys",
	  .brief = "the keys that signed the log, oldest first, each with the "
		   "record that announced it",
	  .flags = keys_flags },
	{ .name = "root",
	  .operands = "new|sign FILE",
	  .brief = "make a root key in FILE, to be kept away from this "
		   "machine, or sign the log's first key with it; prints its "
		   "verifier key",
	  .choices = "new sign",
	  .word = WORD_FILE },
	{ .name = "query",
	  .brief = "every decision about data of one origin, and what came of "
		   "it",
	  .flags = query_flags },
	{ .name = "erase",
	  .brief = "erase the arguments that lie beside the records about one "
		   "origin; on record, and the log verifies as before",
	  .flags = erase_flags },
	{ .name = NULL },
};

static const struct cli_flag since_flags[] = {
	{ "--since", "TIME",
	  "only decisions from then on: 10s, 5m, 2h or 30d ago, or a time such "
	  "as 2026-11-22T07:30:00Z",
	  NULL, WORD_ANY },
	JSON_FLAG,
	FLAGS_END,
};

static const struct cli_command policy_parts[] = {
	{ .name = "check",
	  .operands = "FILE...",
	  .brief = "load them strictly, list every error",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = "test",
	  .operands = "FILE...",
	  .brief = "decide the calls of test files as the broker would, and "
		   "tell those that come to something else than they say",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = "explain",
	  .operands = "POLICY FILE|-",
	  .brief = "each step of the decision on one request",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = "diff",
	  .operands = "OLD NEW",
	  .brief = "what the new one permits that the old one does not, clause "
		   "by clause; exit 1 where it adds anything, or may",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = "blast",
	  .operands = "[FILE]",
	  .brief =
		  "the worst that a hostile planner can do in an hour and in a "
		  "day",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = "unused",
	  .operands = "[FILE]",
	  .brief = "capabilities, rows and members of sets that no decision of "
		   "the audit log met",
	  .flags = since_flags,
	  .word = WORD_FILE },
	{ .name = "suggest",
	  .operands = "[FILE]",
	  .brief = "the narrowest rows that allow what was rehearsed or "
		   "approved, from the audit log",
	  .flags = since_flags,
	  .word = WORD_FILE },
	{ .name = NULL },
};

static const struct cli_command config_parts[] = {
	{ .name = "check",
	  .operands = "[FILE]",
	  .brief = "load it strictly, list every error",
	  .flags = json_only,
	  .word = WORD_FILE },
	{ .name = NULL },
};

static const struct cli_flag init_flags[] = {
	{ "--accounts", NULL,
	  "ask for accounts, too: a mailbox (IMAP), a server that sends (SMTP) "
	  "and Telegram's bots; with a vault that holds their secrets",
	  NULL, WORD_ANY },
	{ "--bot-api", "HOST:PORT",
	  "with --accounts: a Bot API of your own (api.telegram.org:443)", NULL,
	  WORD_ANY },
	{ "--ca", "FILE",
	  "with --accounts: the authority that signs for these servers (the "
	  "system's)",
	  NULL, WORD_FILE },
	{ "--yes", NULL, "take every default, ask nothing", NULL, WORD_ANY },
	{ "--dir", "DIR", "where to write (~/.config/bulkhead)", NULL,
	  WORD_DIR },
	FLAGS_END,
};

static const struct cli_flag import_flags[] = {
	{ "--dry-run", NULL,
	  "write nothing: print the report and what would be written", NULL,
	  WORD_ANY },
	{ "--tasks", NULL,
	  "take its schedule, too: what stands there counts as your own words "
	  "from then on",
	  NULL, WORD_ANY },
	{ "--dir", "DIR", "where to write (~/.config/bulkhead)", NULL,
	  WORD_DIR },
	{ "--secret", "NAME",
	  "write nothing but this secret, to a pipe or a file: for `bulkhead "
	  "vault set`",
	  NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_command import_parts[] = {
	{ .name = "openclaw",
	  .operands = "DIR",
	  .brief = "from OpenClaw, Moltbot or Clawdbot: its state directory",
	  .flags = import_flags,
	  .word = WORD_DIR },
	{ .name = NULL },
};

static const struct cli_flag logs_flags[] = {
	{ "-f", NULL, "go on: print what is written from now on, too", NULL,
	  WORD_ANY },
	{ "--since", "TIME",
	  "only lines from then on: 10s, 5m, 2h or 7d ago, or a time such as "
	  "2026-11-22T07:30:00Z",
	  NULL, WORD_ANY },
	{ "--vm", "N", "only lines about this VM", NULL, WORD_ANY },
	{ "--item", "N", "only lines about this item", NULL, WORD_ANY },
	{ "--level", "LEVEL", "only lines of this level or a worse one",
	  "debug info warn error", WORD_ANY },
	{ "--json", NULL, "print JSON, a line each", NULL, WORD_ANY },
	FLAGS_END,
};

static const struct cli_flag doctor_flags[] = { IMAGES_FLAG, JSON_FLAG,
						FLAGS_END };

const struct cli_command cli_commands[] = {
	{ .name = "up",
	  .brief = "start the zones and begin to read",
	  .about = "Starts the monitor, which starts everything else, and "
		   "returns once all of it is ready. The log is "
		   "STATE/log/bulkhead.log: see `bulkhead logs`.",
	  .flags = up_flags,
	  .run = cmd_up },
	{ .name = "down",
	  .brief = "stop everything, finishing what is being written",
	  .about = "Asks the monitor to stop, and waits until all of it is "
		   "gone.",
	  .run = cmd_down },
	{ .name = "status",
	  .brief = "what is running, on what, and how it is",
	  .about = "Shows the virtual machine back-end, the kill latch, the "
		   "processes, the backlog, the items by verdict, and the "
		   "audit log.",
	  .flags = json_only,
	  .run = cmd_status },
	{ .name = "items",
	  .brief = "what happened to each message, step by step",
	  .about = "Shows for each item what its reader VM gave, what its "
		   "header said, what the planner asked for, the verdicts and "
		   "the planner's answer.",
	  .flags = items_flags,
	  .run = cmd_items },
	{ .name = "approvals",
	  .brief = "what waits for your word, and your word",
	  .about =
		  "A request that the policy asks you about waits here, over "
		  "restarts, until you answer or its time is over. Its card "
		  "says what would be done, and where each value came from. "
		  "What you say yes to is bound to the bytes that you saw, and "
		  "is decided once more when it is done.",
	  .parts = approvals_parts,
	  .run = cmd_approvals },
	{ .name = "outbox",
	  .brief = "what is held for its undo window",
	  .about = "An effect whose policy has `undo: {window: ...}` is held "
		   "so long before it is done, and can be cancelled.",
	  .parts = outbox_parts,
	  .run = cmd_outbox },
	{ .name = "effects",
	  .brief = "what was done, and what nobody knows of",
	  .about = "Shows each effect that the policy allowed: what became of "
		   "it, and the record in the audit log that it began with. "
		   "One that bulkhead or a connector ended in the middle of is "
		   "unknown: it may have happened. It is never repeated by "
		   "itself.",
	  .parts = effects_parts,
	  .run = cmd_effects },
	{ .name = "memory",
	  .brief = "what planners have kept for later tasks",
	  .about = "A planner may keep notes, where the policy has memory.put. "
		   "Each keeps the label that it was written with: one made of "
		   "a stranger's words is a stranger's, whichever task reads "
		   "it.",
	  .parts = memory_parts,
	  .run = cmd_memory },
	{ .name = "vault",
	  .brief = "the secrets of your accounts, encrypted",
	  .about = "Passwords and tokens lie in a file that is encrypted with "
		   "age, or by sops. Each can name the one connector, and the "
		   "hosts, that "
		   "it is for; while bulkhead runs, a process without network "
		   "hands it to that connector and to nobody else. A secret is "
		   "never an argument of a command. What you change counts "
		   "from the next start of its connector.",
	  .parts = vault_parts,
	  .run = cmd_vault },
	{ .name = "task",
	  .brief = "tell a planner what to do, and see what became of it",
	  .about = "A task runs in a planner VM of its own, which begins "
		   "clean. What you write is yours: an address or a number in "
		   "it counts as named by you, for this task alone.",
	  .parts = task_parts,
	  .run = cmd_task },
	{ .name = "read",
	  .operands = "FILE|-",
	  .brief = "read one message in a throwaway VM; works without `up`",
	  .about = "Boots a reader VM, gives it the message, prints what came "
		   "out after validation, destroys the VM.",
	  .flags = read_flags,
	  .word = WORD_FILE,
	  .run = cmd_read },
	{ .name = "wire",
	  .operands = "VM|reader|planner|next",
	  .brief = "watch what one VM and its porter say to each other",
	  .about = "Shows each frame on the wire of one VM as it passes: when, "
		   "which way, on which stream, of what kind, how long, and "
		   "the first bytes of it. The wire is all that a VM has. That "
		   "it was watched is recorded.\n"
		   "VM is the number of one that runs, 17 or vm-17; reader and "
		   "planner are the next of that kind, from its first frame; "
		   "next is the next of any kind.",
	  .flags = wire_flags,
	  .choices = "reader planner next",
	  .run = cmd_wire },
	{ .name = "audit",
	  .brief = "read, verify and prove the audit log",
	  .about = "The log is read where it lies; bulkhead need not be "
		   "running. Text that others wrote is shown escaped.",
	  .parts = audit_parts,
	  .run = cmd_audit },
	{ .name = "policy",
	  .brief = "check policy files, compare them, count the worst",
	  .about = "Every error is told with its line, its column and what to "
		   "do about it. bulkhead need not be running.",
	  .parts = policy_parts,
	  .run = cmd_policy },
	{ .name = "config",
	  .brief = "check the configuration",
	  .about = "Every error is told with its line, its column and what to "
		   "do about it; then the policy that the file names is "
		   "checked against it.",
	  .parts = config_parts,
	  .run = cmd_config },
	{ .name = "init",
	  .brief = "write a first configuration",
	  .about =
		  "Asks a few questions and writes bulkhead.yaml and "
		  "assistant.yaml. With --accounts their secrets are asked for "
		  "unseen, or read from a pipe, a line each, and are written "
		  "into a vault alone. Writes all of it or nothing; never "
		  "overwrites a file.",
	  .flags = init_flags,
	  .run = cmd_init },
	{ .name = "import",
	  .brief = "take over the configuration of another program",
	  .about = "Writes bulkhead.yaml and assistant.yaml from what another "
		   "program has: its chats, who may speak to it, its "
		   "schedule; and tells what it left out, what was open to "
		   "all, and which secrets lie there in plain text. Its files "
		   "are only read. Never overwrites a file.",
	  .parts = import_parts,
	  .run = cmd_import },
	{ .name = "kill",
	  .operands = "[REASON]",
	  .brief = "stop every effect at once, and stay stopped",
	  .about = "Ends every connector and VM and sets the latch: nothing "
		   "has any effect until the owner types `bulkhead rearm`. "
		   "With --agent, --task or --capability it stops that alone, "
		   "and its planner's VMs; connectors go on for the rest. "
		   "Where bulkhead is not running, it sets the latch and exits "
		   "with 5.",
	  .flags = kill_flags,
	  .run = cmd_kill },
	{ .name = "rearm",
	  .brief = "clear the kill latch (needs a terminal)",
	  .about = "Asks for the typed word `rearm` and removes the latch. "
		   "bulkhead must not be running; `bulkhead up` starts it "
		   "again. Latches of the agent, of a task and of a capability "
		   "are taken away one by one, and while it is running, too.",
	  .flags = rearm_flags,
	  .run = cmd_rearm },
	{ .name = "doctor",
	  .brief = "check this machine, and say what to do",
	  .about = "Each check with its result and, where needed, what to do "
		   "about it. Nothing is changed.",
	  .flags = doctor_flags,
	  .run = cmd_doctor },
	{ .name = "logs",
	  .brief = "what the processes and guests had to say",
	  .about = "Prints the log, oldest line first. Text that others wrote "
		   "is shown escaped.",
	  .flags = logs_flags,
	  .run = cmd_logs },
	{ .name = "metrics",
	  .brief = "counters, gauges and durations, as Prometheus has them",
	  .about = "Prints what telemetry serves on its socket, "
		   "STATE/metrics.sock unless the configuration says "
		   "otherwise.",
	  .flags = json_only,
	  .run = cmd_metrics },
	{ .name = "backup",
	  .operands = "FILE|-",
	  .brief = "copy the state into one file; works while it runs",
	  .about = "Writes the state directory into a new file, or to standard "
		   "output.",
	  .word = WORD_FILE,
	  .run = cmd_backup },
	{ .name = "restore",
	  .operands = "FILE|-",
	  .brief = "make the state directory from a backup",
	  .about =
		  "Checks the whole backup first, the audit log in it as well. "
		  "Never overwrites a state directory.",
	  .word = WORD_FILE,
	  .run = cmd_restore },
	{ .name = "version",
	  .brief = "print the version",
	  .flags = json_only,
	  .run = cmd_version },
	{ .name = "help",
	  .operands = "[COMMAND]",
	  .brief = "this list, or one command in full",
	  .word = WORD_COMMAND,
	  .run = cmd_help },
	{ .name = NULL },
};
