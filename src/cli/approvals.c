/*
 * approvals: what waits for the owner's word, and the word; and the outbox,
 * where effects wait for their undo window. See approvals.h.
 */
#include "cli/approvals.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "approval/approval.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/story.h"
#include "render/render.h"

enum {
	TEXT_MAX = 8 << 20,
	AT_ONCE = 16, /* under one button */
	LINE = 64,
};

/* --- what is shown ------------------------------------------------------- */

static enum show_style style_of(unsigned state)
{
	return state == APPROVAL_PENDING || state == APPROVAL_APPROVED
		       ? SHOW_BOLD
	       : state == APPROVAL_FIRED ? SHOW_GOOD
					 : SHOW_PLAIN;
}

static const char *state_word(const struct m_c_approval *a)
{
	return a->state == APPROVAL_APPROVED && a->due_s
		       ? "held"
		       : approval_state_name(a->state);
}

/* "in 1 h 5 min", "for 3 s" */
static void put_until(struct buf *b, uint64_t at, uint64_t now_s)
{
	uint64_t s = at > now_s ? at - now_s : 0;

	if (s >= 3600)
		buf_printf(b, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			   s % 3600 / 60);
	else if (s >= 60)
		buf_printf(b, "%" PRIu64 " min", s / 60);
	else
		buf_printf(b, "%" PRIu64 " s", s);
}

static void put_state(struct buf *b, const struct show *how,
		      const struct m_c_approval *a, uint64_t now_s)
{
	show_put(b, how, style_of(a->state), state_word(a));
	if (a->state == APPROVAL_PENDING) {
		buf_str(b, ", ends in ");
		put_until(b, a->expires_s, now_s);
		if (a->quorum > 1)
			buf_printf(b, ", %u of %u have said yes", a->votes,
				   a->quorum);
	} else if (a->state == APPROVAL_APPROVED && a->due_s) {
		buf_str(b, ", done in ");
		put_until(b, a->due_s, now_s);
	}
	if (a->effect)
		buf_printf(b, ", effect %" PRIu64, a->effect);
	if (a->why.n) {
		buf_str(b, ": ");
		show_text(b, how, a->why, 40, 40);
	}
}

void approvals_line(struct buf *b, const struct show *how,
		    const struct m_c_approval *a, uint64_t card_before,
		    uint64_t now_s)
{
	char ticket[TICKET_TEXT];

	if (a->card != card_before) {
		buf_printf(b, "Task %" PRIu64, a->task);
		if (a->item)
			buf_printf(b, ", item %" PRIu64, a->item);
		buf_u8(b, '\n');
	}
	ticket_text(ticket, a->ticket);
	buf_printf(b, "%6s  ", ticket);
	show_text(b, how, a->capability, 8, 8);
	buf_str(b, "  ");
	put_state(b, how, a, now_s);
	buf_u8(b, '\n');
}

/* The isolates of the renderer come in pairs on each line. */
static bool is_printable(struct span s)
{
	size_t i = 0, n, open = 0;
	uint32_t c;

	for (; i < s.n; i += n) {
		n = render_decode(span_of(s.p + i, s.n - i), &c);
		if (!n)
			return false;
		if (c == '\n' && open)
			return false;
		if (c == 0x2068)
			open++;
		else if (c == 0x2069 && open)
			open--;
		else if (c != '\n' && render_hides(c))
			return false;
	}
	return open == 0;
}

void approvals_full(struct buf *b, const struct show *how,
		    const struct m_c_approval *a, uint64_t now_s)
{
	char hash[65], ticket[TICKET_TEXT];

	ticket_text(ticket, a->ticket);
	show_put(b, how, SHOW_BOLD, ticket);
	buf_str(b, ": ");
	put_state(b, how, a, now_s);
	buf_str(b, "\n\n");
	if (is_printable(a->text))
		buf_span(b, a->text);
	else
		buf_str(b, "(a card that cannot be shown)\n");
	hex_encode(hash, a->hash, 32);
	buf_printf(b, "  card %.16s, audit record %" PRIu64 "\n", hash,
		   a->audit_index);
	if (a->code.n) {
		buf_str(b, "  code ");
		show_text(b, how, a->code, 8, 8);
		buf_u8(b, '\n');
	}
}

json_t *approvals_json(const struct m_c_approval *a)
{
	char ticket[TICKET_TEXT], hash[65];

	ticket_text(ticket, a->ticket);
	hex_encode(hash, a->hash, 32);
	return json_pack(
		"{s:s,s:I,s:I,s:I,s:I,s:s,s:o,s:o,s:o,s:I,s:I,s:I,s:I,"
		"s:I,s:I,s:I,s:s,s:I}",
		"ticket", ticket, "card", (json_int_t)a->card, "button",
		(json_int_t)a->button, "task", (json_int_t)a->task, "item",
		(json_int_t)a->item, "state", state_word(a), "capability",
		story_foreign(a->capability), "clause",
		story_foreign(a->clause), "why", story_foreign(a->why),
		"created_s", (json_int_t)a->created_s, "expires_s",
		(json_int_t)a->expires_s, "due_s", (json_int_t)a->due_s,
		"ended_s", (json_int_t)a->ended_s, "quorum",
		(json_int_t)a->quorum, "votes", (json_int_t)a->votes, "effect",
		(json_int_t)a->effect, "card_sha256", hash, "audit_index",
		(json_int_t)a->audit_index);
}

/* --- asking -------------------------------------------------------------- */

struct view {
	struct show how;
	struct buf text;
	json_t *json; /* a list */
	uint64_t now_s, card, button;
	size_t n;
	bool full, must_see; /* all of it, before a word counts */
	bool shown;	     /* its card is one that can be */
	bool same;	     /* and the one that its hash is of */
	uint8_t hash[32];
	bool coded;
};

static bool is_of(struct span text, const uint8_t hash[32])
{
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, text);
	sha256_final(&h, sum);
	return memcmp(sum, hash, sizeof(sum)) == 0;
}

static int add(void *arg, struct chan *, const struct msg *m)
{
	struct view *v = arg;
	const struct m_c_approval *a = &m->c_approval;

	if (m->type != MSG_C_APPROVAL)
		return -1;
	if (v->full)
		approvals_full(&v->text, &v->how, a, v->now_s);
	else
		approvals_line(&v->text, &v->how, a, v->n ? v->card : 0,
			       v->now_s);
	v->card = a->card;
	v->button = a->button;
	v->must_see = a->show;
	v->shown = a->text.n && is_printable(a->text);
	v->same = is_of(a->text, a->hash);
	v->coded = a->code.n != 0;
	memcpy(v->hash, a->hash, sizeof(v->hash));
	v->n++;
	return json_array_append_new(v->json, approvals_json(a)) < 0 ? -1 : 0;
}

static void view_begin(struct view *v)
{
	*v = (struct view){ .how = show_for(stdout),
			    .now_s = (uint64_t)time(NULL),
			    .json = json_array() };
	buf_init(&v->text, TEXT_MAX);
}

static void view_done(struct view *v)
{
	buf_done(&v->text);
	json_decref(v->json);
}

static int ask(const struct conf *conf, struct view *v,
	       const struct m_c_approvals *q)
{
	static struct msg m;

	m = (struct msg){ .type = MSG_C_APPROVALS };
	m.c_approvals = *q;
	v->full = q->ticket != 0;
	return v->json ? client_ask(conf, &m, add, v) : CLI_NO;
}

static int print(struct view *v, const struct cli *cli, const char *name,
		 const char *none)
{
	json_t *doc;
	int rc;

	if (cli->json) {
		doc = json_pack("{s:O}", name, v->json);
		rc = cli_json(stdout, doc);
		json_decref(doc);
		return rc;
	}
	if (!v->n)
		(void)puts(none);
	return buf_ok(&v->text) &&
			       fwrite(v->text.p, 1, v->text.n, stdout) ==
				       v->text.n &&
			       fflush(stdout) == 0
		       ? CLI_OK
		       : CLI_NO;
}

static int list(const struct conf *conf, const struct cli *cli,
		const struct m_c_approvals *q)
{
	struct view v;
	int rc;

	view_begin(&v);
	rc = ask(conf, &v, q);
	if (rc == CLI_OK)
		rc = print(&v, cli, q->held ? "outbox" : "approvals",
			   q->held ? "Nothing is held."
				   : "Nothing waits for you.");
	view_done(&v);
	return rc;
}

/* --- the owner's word ---------------------------------------------------- */

static bool at_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* A line without its newline; false: there is none. */
static bool typed(const char *prompt, char ret[LINE])
{
	size_t n;

	(void)fputs(prompt, stdout);
	(void)fflush(stdout);
	if (!fgets(ret, LINE, stdin))
		return false;
	n = strlen(ret);
	if (n && ret[n - 1] == '\n')
		ret[n - 1] = 0;
	return true;
}

struct word {
	uint64_t tickets[AT_ONCE];
	uint8_t hashes[AT_ONCE][32];
	size_t n;
	uint64_t times;
	bool always;
	const char *code; /* NULL: asked for, where there is one */
	bool coded;
};

/* The card of one, and then all of it where it cannot be undone. Only what is
 * seen can be said yes to. */
static int show_card(const struct conf *conf, struct view *v, uint64_t ticket)
{
	struct m_c_approvals q = { .ticket = ticket, .code = 1 };
	int rc;

	view_begin(v);
	rc = ask(conf, v, &q);
	if (rc == CLI_OK && (!v->shown || !v->same)) {
		cli_error("nothing is approved: its card is not the one that "
			  "is on record");
		return CLI_NO;
	}
	if (rc != CLI_OK || !v->must_see)
		return rc;
	view_done(v);
	view_begin(v);
	q.full = 1;
	rc = ask(conf, v, &q);
	if (rc == CLI_OK && !v->shown) {
		cli_error("nothing is approved: its card cannot be shown");
		return CLI_NO;
	}
	return rc;
}

/* Shows what he is asked about. */
static int show_all(const struct conf *conf, struct word *w)
{
	const struct cli text = { 0 };
	uint64_t button = 0;
	size_t i;
	int rc = CLI_OK;

	for (i = 0; i < w->n && rc == CLI_OK; i++) {
		struct view v;

		rc = show_card(conf, &v, w->tickets[i]);
		if (rc == CLI_OK)
			rc = print(&v, &text, "approvals", "");
		if (rc == CLI_OK && i && v.button != button) {
			cli_error("not under one word: tasks or targets "
				  "differ; approve each by itself");
			rc = CLI_NO;
		}
		button = i ? button : v.button;
		w->coded |= v.coded;
		memcpy(w->hashes[i], v.hash, 32);
		view_done(&v);
	}
	return rc;
}

static int heard(void *arg, struct chan *, const struct msg *m)
{
	(void)arg;
	if (m->type != MSG_C_TEXT)
		return -1;
	cli_show(stdout, m->text.text);
	(void)fputc('\n', stdout);
	return 0;
}

static int send_yes(const struct conf *conf, const struct word *w, size_t i,
		    const char *code)
{
	static struct msg m;

	m = (struct msg){ .type = MSG_C_APPROVE };
	m.c_approve = (struct m_c_approve){ .ticket = w->tickets[i],
					    .times = (uint32_t)w->times,
					    .always = w->always,
					    .code = span_str(code) };
	memcpy(m.c_approve.hash, w->hashes[i], 32);
	return client_ask(conf, &m, heard, NULL);
}

static int approve(const struct conf *conf, struct word *w)
{
	char prompt[LINE], want[TICKET_TEXT], line[LINE], code[LINE] = "";
	size_t i;
	int rc;

	if (!at_terminal()) {
		cli_error("nothing is approved: call it at a terminal, it asks "
			  "for a typed word");
		return CLI_NO;
	}
	rc = show_all(conf, w);
	if (rc != CLI_OK)
		return rc;
	ticket_text(want, w->tickets[0]);
	(void)str_printf(prompt, sizeof(prompt), "Type %s to say yes: ", want);
	if (!typed(prompt, line) || strcmp(line, want) != 0) {
		(void)puts("Nothing changed.");
		return CLI_NO;
	}
	if (w->code)
		(void)str_printf(code, sizeof(code), "%s", w->code);
	else if (w->coded && !typed("Type its code: ", code))
		return CLI_NO;
	for (i = 0; i < w->n && rc == CLI_OK; i++)
		rc = send_yes(conf, w, i, code);
	return rc;
}

/* That ends a task at work, and is the owner's own. */
static bool freeze_confirmed(void)
{
	char line[LINE];

	if (!at_terminal()) {
		cli_error("nothing is frozen: call it at a terminal, it asks "
			  "for a typed word");
		return false;
	}
	if (typed("Type freeze to end its task: ", line) &&
	    !strcmp(line, "freeze"))
		return true;
	(void)puts("Nothing changed.");
	return false;
}

static int refuse(const struct conf *conf, uint64_t ticket, bool freeze,
		  const char *done)
{
	static struct msg m;
	int rc;

	if (freeze && !freeze_confirmed())
		return CLI_NO;
	m = (struct msg){ .type = MSG_C_DECLINE };
	m.c_decline =
		(struct m_c_decline){ .ticket = ticket, .freeze = freeze };
	rc = client_ask(conf, &m, NULL, NULL);
	if (rc == CLI_OK)
		(void)printf("q%" PRIu64 " is %s.\n", ticket, done);
	return rc;
}

/* --- the commands -------------------------------------------------------- */

/* "q7" or "7" */
static uint64_t ticket_of(const char *text)
{
	uint64_t n = ticket_read(span_str(text));

	return n || num_parse(span_str(text), 1, INT64_MAX, &n) == 0 ? n : 0;
}

static int cmd_approve(int argc, char **argv, const struct conf *conf,
		       const char *times, bool always, const char *code)
{
	struct word w = { .times = 1, .always = always, .code = code };
	int i;

	for (i = 2; i < argc && w.n < AT_ONCE; i++) {
		w.tickets[w.n] = ticket_of(argv[i]);
		if (!w.tickets[w.n++])
			return cli_usage("approvals", "%s is no ticket",
					 argv[i]);
	}
	if (w.n == 0 || i < argc ||
	    (times && (always || num_parse(span_str(times), 1, APPROVAL_TIMES,
					   &w.times) < 0)) ||
	    ((times || always) && w.n > 1))
		return cli_usage("approvals",
				 "approve takes tickets, and of one --always "
				 "or --times 1 to %d",
				 APPROVAL_TIMES);
	return approve(conf, &w);
}

static int show_one(const struct conf *conf, const struct cli *cli,
		    uint64_t ticket, bool full)
{
	const struct m_c_approvals q = {
		.ticket = ticket,
		.full = full,
		/* The code is for the eyes of who sits here. */
		.code = !cli->json && at_terminal(),
	};

	return list(conf, cli, &q);
}

int cmd_approvals(int argc, char **argv, const struct cli *cli)
{
	const char *times = NULL, *code = NULL, *what;
	bool always = false, freeze = false, all = false, full = false;
	const struct cli_opt opts[] = {
		{ "--times", NULL, &times },   { "--code", NULL, &code },
		{ "--always", &always, NULL }, { "--freeze", &freeze, NULL },
		{ "--all", &all, NULL },       { "--full", &full, NULL },
	};
	struct m_c_approvals q = { 0 };
	struct conf conf;
	uint64_t one;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	what = argc > 1 ? argv[1] : "list";
	one = argc == 3 ? ticket_of(argv[2]) : 0;
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	q.history = all;
	if (!strcmp(what, "list") && argc <= 2)
		return list(&conf, cli, &q);
	if (!strcmp(what, "show") && one)
		return show_one(&conf, cli, one, full);
	if (!strcmp(what, "approve"))
		return cmd_approve(argc, argv, &conf, times, always, code);
	if (!strcmp(what, "refuse") && one)
		return refuse(&conf, one, freeze,
			      freeze ? "refused, and its task frozen"
				     : "refused");
	return cli_usage("approvals", "it takes list, show N, approve N... or "
				      "refuse N");
}

int cmd_outbox(int argc, char **argv, const struct cli *cli)
{
	const struct m_c_approvals q = { .held = 1 };
	struct conf conf;
	const char *what;
	uint64_t one;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	what = argc > 1 ? argv[1] : "list";
	one = argc == 3 ? ticket_of(argv[2]) : 0;
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	if (!strcmp(what, "list") && argc <= 2)
		return list(&conf, cli, &q);
	if (!strcmp(what, "cancel") && one)
		return refuse(&conf, one, false, "cancelled");
	return cli_usage("outbox", "it takes list or cancel N");
}
