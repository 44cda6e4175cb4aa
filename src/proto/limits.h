/*
 * limits: the named maxima of what passes between zones and processes. A
 * limit that only one module knows stands in that module's header.
 */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

enum {
	/* one inbound item (a raw mail) */
	LIMIT_ITEM = 16 << 20,
	/* what one reader VM may say in all: the JSON of one message */
	LIMIT_READER_JSON = 2 << 20,
	/* the same as a typed record between porter and broker */
	LIMIT_RECORD = 2 << 20,
	/* one IPC message between host processes, head included */
	LIMIT_MSG = 80 << 10,
	LIMIT_MSG_FDS = 4,
	/* what one planner VM may say on its wire in one task */
	LIMIT_PLANNER_BYTES = 8 << 20,
	/* one MCP message, a line of JSON */
	LIMIT_MCP_LINE = 48 << 10,
	/* capability calls */
	LIMIT_NAME = 128, /* capability, argument, set and connector names */
	LIMIT_ARGS = 64,
	LIMIT_ARG_BYTES = 32 << 10,
	LIMIT_RESULT = 32 << 10, /* bytes of what comes of a call */
	/* rows of the broker's own in the store, and how many change at once */
	LIMIT_ROW = 64 << 10,
	LIMIT_ROW_KEY = 400,
	LIMIT_ROWS = 128,
	/* a card, as lines */
	LIMIT_CARD = 72 << 10,
	/* what a task is to do, and what is shown of its items as JSON */
	LIMIT_INSTRUCTION = 4096,
	LIMIT_TASK_OTHERS = 3, /* items of a task beside its first */
	LIMIT_VIEW = 48 << 10,
	/* the owner's own texts that a planner with a model begins with */
	LIMIT_DOCUMENTS = 16 << 10,
	/* of a task: the label of what its planner has seen, in words; why it
	 * failed */
	LIMIT_TASK_LABEL = 16 << 10,
	LIMIT_TASK_FAULT = 512,
	/* the task's final answer to the owner */
	LIMIT_ANSWER = 32 << 10,
	/* one audit record: C2SP tlog-tiles, uint16 length prefix */
	LIMIT_AUDIT_RECORD = 65535,
	LIMIT_AUDIT_FIELDS = 384, /* five of each argument, and some */
	/* ids of what lies aside, in one message, and the sender that it is of
	 */
	LIMIT_ASIDE_IDS = 16 << 10,
	LIMIT_SENDER = 400,
	/* metrics in one message, and the bytes of a label's value */
	LIMIT_SAMPLES = 256,
	LIMIT_LABEL = 64,
	/* a credential, PEM keys among them */
	LIMIT_SECRET = 16 << 10,
	/* of an account: its table of hosts */
	LIMIT_HOSTS = 2048,
	/* a message to a chat: what Slack takes, ten times Telegram's */
	LIMIT_SAY = 40 << 10,
	LIMIT_BUTTONS = 12,
	/* the text of one update or event that a process on the host sees */
	LIMIT_CHAT_TEXT = 16 << 10,
	LIMIT_CHAT_ID = 128,
	/* what a model may answer to a question about one text */
	LIMIT_VALUE = 4096,
};

#endif
