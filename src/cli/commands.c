/* commands: the table of everything that `bulkhead` can do. */
#include "cli/cli.h"

const struct cli_command cli_commands[] = {
	{ "up", "[--foreground] [--config FILE] [--images DIR]",
	  "start the zones and begin to read",
	  "Starts the monitor, which starts everything else, and returns once\n"
	  "all of it is ready. The log is STATE/log/bulkhead.log.\n"
	  "  --foreground   stay attached, log to this terminal\n"
	  "  --images DIR   guest kernel and images, if not the installed "
	  "ones\n",
	  cmd_up },
	{ "down", "", "stop everything, finishing what is being written",
	  "Asks the monitor to stop, and waits until all of it is gone.\n",
	  cmd_down },
	{ "status", "[--json]", "what is running, on what, and how it is",
	  "Shows the virtual machine back-end, the kill latch, the processes,\n"
	  "the backlog, the items by verdict, and the audit log.\n",
	  cmd_status },
	{ "items", "[--wait SECONDS] [--least N] [--json]",
	  "what happened to each message, step by step",
	  "Shows for each item what its reader VM gave, what its header said,\n"
	  "what the planner asked for, the verdicts and the planner's answer.\n"
	  "  --wait SECONDS   first wait until every item has its verdict;\n"
	  "                   exit 3 if that takes longer\n"
	  "  --least N        and until there are N items (default 1)\n",
	  cmd_items },
	{ "read",
	  "[--as email] [--json] [--console FILE] [--images DIR] FILE|-",
	  "read one message in a throwaway VM; works without `up`",
	  "Boots a reader VM, gives it the message, prints what came out "
	  "after\n"
	  "validation, destroys the VM.\n"
	  "  --as email       kind of message (the only one yet)\n"
	  "  --console FILE   write the VM's serial console there, at most 1 "
	  "MiB\n"
	  "  --images DIR     guest kernel and images\n",
	  cmd_read },
	{ "wire", "VM|reader|planner|next [--full] [--json]",
	  "watch what one VM and its porter say to each other",
	  "Shows each frame on the wire of one VM as it passes: when, which "
	  "way,\n"
	  "on which stream, of what kind, how long, and the first bytes of "
	  "it.\n"
	  "The wire is all that a VM has. That it was watched is recorded.\n"
	  "  VM               the number of one that runs, 17 or vm-17\n"
	  "  reader, planner  the next of that kind, from its first frame\n"
	  "  next             the next of any kind\n"
	  "  --full           not only the first 64 bytes, but 512\n",
	  cmd_wire },
	{ "audit", "tail|show|verify|checkpoint|prove|gaps ...",
	  "read, verify and prove the audit log",
	  "  audit tail [-n N] [--json]   the last N records (default 20)\n"
	  "  audit show INDEX [--json]    one record\n"
	  "  audit verify [--checkpoint FILE] [--json]\n"
	  "                               check every hash and signature, and "
	  "that\n"
	  "                               the log goes on from the tip, and "
	  "from a\n"
	  "                               checkpoint that was kept elsewhere\n"
	  "  audit checkpoint             the last signed checkpoint, to be "
	  "kept\n"
	  "                               elsewhere\n"
	  "  audit prove INDEX            a proof that the record is in the "
	  "log, as\n"
	  "                               C2SP tlog-proof, the record as its "
	  "extra data\n"
	  "  audit prove --consistency SIZE\n"
	  "                               a proof that the log goes on from "
	  "its "
	  "first\n"
	  "                               SIZE records, as C2SP tlog-witness "
	  "has it\n"
	  "  audit gaps [--json]          effects without outcome, outcomes "
	  "without\n"
	  "                               intent, runs without end, clocks and "
	  "indexes\n"
	  "                               that go back; exit 1 where there are "
	  "any\n",
	  cmd_audit },
	{ "policy", "check [--json] FILE...", "check policy files",
	  "  policy check FILE...   load them strictly, list every error\n",
	  cmd_policy },
	{ "config", "check [--json] [FILE]", "check the configuration",
	  "  config check [FILE]   load it strictly, list every error\n",
	  cmd_config },
	{ "init", "[--yes] [--dir DIR]", "write a first configuration",
	  "Asks a few questions and writes bulkhead.yaml and assistant.yaml.\n"
	  "Never overwrites a file.\n"
	  "  --yes       take every default, ask nothing\n"
	  "  --dir DIR   where to write (default ~/.config/bulkhead)\n",
	  cmd_init },
	{ "kill", "[REASON]", "stop every effect at once, and stay stopped",
	  "Ends every connector and VM and sets the latch: nothing has any\n"
	  "effect until the owner types `bulkhead rearm`. Where bulkhead is\n"
	  "not running, it sets the latch and exits with 5.\n",
	  cmd_kill },
	{ "rearm", "", "clear the kill latch (needs a terminal)",
	  "Asks for the typed word `rearm` and removes the latch. bulkhead "
	  "must\n"
	  "not be running; `bulkhead up` starts it again.\n",
	  cmd_rearm },
	{ "doctor", "[--json] [--images DIR]",
	  "check this machine, and say what to do",
	  "Each check with its result and, where needed, what to do about "
	  "it.\n",
	  cmd_doctor },
	{ "version", "[--json]", "print the version", "", cmd_version },
	{ "help", "[COMMAND]", "this list, or one command in full", "",
	  cmd_help },
	{ NULL, NULL, NULL, NULL, NULL },
};
