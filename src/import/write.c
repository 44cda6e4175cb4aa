/*
 * write: bulkhead.yaml and the policy of what was taken. Nothing leaves without
 * the owner's word: each capability asks, and only for those whom the imported
 * lists name.
 */
#include "import/inner.h"

static const char head[] =
	"# Made by `bulkhead import openclaw`. Read it before you start: "
	"docs/import.md\n"
	"# says what was taken over and how it was understood.\n"
	"bulkhead: 1\n\n";

static const char *const kinds[] = { "telegram", "slack" };
static const char *const hosts[] = {
	"[\"api.telegram.org:443\"]",
	"[\"slack.com:443\", \"wss-primary.slack.com:443\"]",
};

static void put_tasks(struct taking *t, struct buf *b)
{
	size_t i;

	buf_str(b, "    planner: {kind: triage}\n    tasks:\n");
	for (i = 0; i < t->n_accounts; i++)
		buf_printf(b,
			   "      - {on: %s, say: \"Tell me what is new and "
			   "what needs an answer.\"}\n",
			   t->accounts[i].name);
	if (t->n_tasks && !t->take_tasks)
		buf_str(b, "      # From its schedule, which its agent could "
			   "write. Read each before you\n"
			   "      # take the # away: it is your word then.\n");
	for (i = 0; i < t->n_tasks; i++) {
		buf_printf(b, "      %s- {every: \"%s\", say: ",
			   t->take_tasks ? "" : "# ", t->tasks[i].every);
		put_quoted(b, span_str(t->tasks[i].say));
		buf_str(b, "}\n");
	}
}

static void write_conf(struct taking *t)
{
	struct buf *b = &t->o->conf;
	size_t i;

	buf_str(b, head);
	buf_str(b, "state: ~/.local/state/bulkhead\n\n");
	if (t->o->n_secrets || t->n_accounts)
		buf_str(b, "vault:\n  files: [secrets.age]\n"
			   "  identity: identity.txt\n\n");
	buf_str(b, "agents:\n  assistant:\n    policy: assistant.yaml\n");
	if (t->n_accounts || (t->n_tasks && t->take_tasks))
		put_tasks(t, b);
	else
		buf_str(b, "    planner: {kind: none}\n");
	buf_str(b, "\nconnectors:\n");
	for (i = 0; i < t->n_accounts; i++) {
		const struct account *a = &t->accounts[i];

		buf_printf(b, "  %s: {kind: %s, hosts: %s, secret: %s}\n",
			   a->name, kinds[a->kind], hosts[a->kind], a->name);
	}
	if (!t->n_accounts)
		buf_str(b, "  inbox: {kind: maildir, path: ~/Maildir}\n");
	buf_str(b, "  notes: {kind: outbox, path: ~/bulkhead-notes}\n");
}

static void put_set(struct buf *b, const char *name, const char *what,
		    const struct ids *l)
{
	size_t i;

	if (!l->n)
		return;
	buf_printf(b, "  %s-%s: [", name, what);
	for (i = 0; i < l->n; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", l->id[i]);
	buf_str(b, "]\n");
}

static void put_sets(struct taking *t, struct buf *b)
{
	bool any = false;
	size_t i;

	for (i = 0; i < t->n_accounts; i++)
		any |= t->accounts[i].people.n || t->accounts[i].chats.n;
	if (!any)
		return;
	buf_str(b, "# Who was let in, by the ids that their providers vouch "
		   "for.\nsets:\n");
	for (i = 0; i < t->n_accounts; i++) {
		const struct account *a = &t->accounts[i];

		put_set(b, a->name, "people", &a->people);
		put_set(b, a->name, "chats", &a->chats);
	}
	buf_str(b, "\n");
}

/* Into a direct chat of Telegram one writes by the id of its person; Slack's
 * have ids of their own, which the lists do not name. */
static void put_capability(struct buf *b, const struct account *a)
{
	bool people = a->kind == CHAT_TELEGRAM && a->people.n;
	bool both = people && a->chats.n;

	if (!people && !a->chats.n) {
		buf_printf(b,
			   "  # Nobody was named for %s: nothing is sent "
			   "there.\n",
			   a->name);
		return;
	}
	buf_printf(b,
		   "  %s.%s:\n"
		   "    connector: %s\n"
		   "    effect: external\n"
		   "    undo: none\n"
		   "    args:\n"
		   "      %s: {type: id, role: target, from: [config], else: "
		   "deny}\n"
		   "      text: {type: text, max: %s, role: content, from: "
		   "[planner, handle], links: strip}\n"
		   "    flow: {text: audience}\n"
		   "    decide:\n",
		   a->name, a->kind == CHAT_TELEGRAM ? "send" : "post", a->name,
		   a->kind == CHAT_TELEGRAM ? "chat" : "channel",
		   a->kind == CHAT_TELEGRAM ? "4000" : "3000");
	if (people)
		buf_printf(b, "      - ask: {chat: {in: %s-people}}\n",
			   a->name);
	if (a->chats.n)
		buf_printf(b, "      - ask: {%s: {in: %s-chats}}\n",
			   a->kind == CHAT_TELEGRAM ? "chat" : "channel",
			   a->name);
	buf_printf(b,
		   "    limits: {rate: %s/hour}\n"
		   "    approve: {who: owner, via: [cli], ttl: 12h, remember: "
		   "never}\n\n",
		   both ? "12" : "6");
}

static void write_policy(struct taking *t)
{
	struct buf *b = &t->o->policy;
	size_t i;

	buf_str(b, head);
	buf_str(b, "profile: imported\nmode: enforce\n\n");
	if (t->owners.n == 1)
		buf_printf(b,
			   "# The one whom commands.ownerAllowFrom named.\n"
			   "owner:\n  telegram: %s\n"
			   "  approvals: {cli: true}\n\n",
			   t->owners.id[0]);
	else
		buf_str(b, "# Your own id: what you write there is an order.\n"
			   "# owner:\n#   telegram: 11122233\n\n");
	put_sets(t, b);
	if (!t->n_accounts)
		buf_str(b,
			"sources:\n  mail: {reader: email, connector: inbox, "
			"integrity: external, audience: thread, reveal: "
			"handles}\n");
	else
		buf_str(b, "# Messages reach the planner as handles: it passes "
			   "them on unread. Who is in no\n"
			   "# set above is a stranger.\nsources:\n");
	for (i = 0; i < t->n_accounts; i++) {
		const struct account *a = &t->accounts[i];

		buf_printf(b,
			   "  %s: {reader: %s, connector: %s, integrity: %s, "
			   "audience: thread, reveal: handles}\n",
			   a->name, kinds[a->kind], a->name,
			   a->people.n ? "known" : "external");
	}
	buf_str(b, "\n# Each asks you. Where no row matches the answer is no.\n"
		   "capabilities:\n");
	for (i = 0; i < t->n_accounts; i++)
		put_capability(b, &t->accounts[i]);
	buf_str(b, "  # A note to you, in a folder of yours.\n"
		   "  notes.append:\n"
		   "    connector: notes\n"
		   "    effect: internal\n"
		   "    undo: none\n"
		   "    args:\n"
		   "      text: {type: text, max: 2000, role: content, from: "
		   "[planner]}\n"
		   "    decide:\n"
		   "      - allow: {}\n"
		   "    limits: {rate: 30/hour}\n");
}

void write_files(struct taking *t)
{
	write_conf(t);
	write_policy(t);
}
