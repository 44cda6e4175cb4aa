/*
 * wire: the frames of one VM's wire, live: what its porter tells over a channel
 * that the monitor made for it (MSG_C_WIRE) and on which nothing is said back.
 * The first message on it is the monitor's, and says which VM it is; so is the
 * last. What lies between is foreign.
 */
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/frame.h"

enum { LINE_MAX_BYTES = 64 << 10 };

struct view {
	const struct cli *cli;
	struct show how;
	bool full;
	bool named; /* we know which VM it is */
	bool ended; /* and that it is no more */
};

/* "17", "vm-17", "reader", "planner", "next". 0 or -1. */
static int parse_which(const char *word, struct m_c_wire *ret)
{
	const char *number = strncmp(word, "vm-", 3) == 0 ? word + 3 : word;

	*ret = (struct m_c_wire){ 0 };
	if (!strcmp(word, "reader"))
		ret->kind = VM_READER;
	else if (!strcmp(word, "planner"))
		ret->kind = VM_PLANNER;
	else if (strcmp(word, "next") != 0)
		return num_parse(span_str(number), 1, INT64_MAX, &ret->vm);
	return 0;
}

static int put_json(json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	int r = text ? puts(text) : EOF;

	json_decref(j);
	free(text);
	return r < 0 || fflush(stdout) != 0 ? -1 : 0;
}

static int put_text(const struct buf *b)
{
	return !buf_ok(b) || fwrite(b->p, 1, b->n, stdout) != b->n ||
			       fflush(stdout) != 0
		       ? -1
		       : 0;
}

/* "vm-17" and "reader item=3": of our monitor, shown as if it were not. */
static int show_name(struct view *v, const struct m_hello *h)
{
	CLEAN_BUF struct buf b = { 0 };

	v->named = true;
	if (v->cli->json)
		return put_json(
			json_pack("{s:s, s:s%, s:s%}", "event", "watching",
				  "vm", (const char *)h->name.p, h->name.n,
				  "what", (const char *)h->arg.p, h->arg.n));
	buf_init(&b, LINE_MAX_BYTES);
	show_put(&b, &v->how, SHOW_BOLD, "watching ");
	show_text(&b, &v->how, h->name, 9, 9);
	buf_str(&b, ", ");
	show_text(&b, &v->how, h->arg, 20, 9);
	buf_u8(&b, '\n');
	return put_text(&b);
}

static int show_end(struct view *v, const struct m_vm_gone *g)
{
	CLEAN_BUF struct buf b = { 0 };

	v->ended = true;
	if (v->cli->json)
		return put_json(json_pack("{s:s, s:s%}", "event", "ended",
					  "reason", (const char *)g->reason.p,
					  g->reason.n));
	buf_init(&b, LINE_MAX_BYTES);
	show_put(&b, &v->how, SHOW_BOLD, "the VM has ended: ");
	show_text(&b, &v->how, g->reason, 18, 6);
	buf_u8(&b, '\n');
	return put_text(&b);
}

static int show_frame(const struct view *v, const struct m_frame *f)
{
	CLEAN_BUF struct buf b = { 0 };
	json_t *j;

	if (v->cli->json) {
		j = frame_json(f, v->full);
		if (j)
			(void)json_object_set_new(j, "event",
						  json_string("frame"));
		return put_json(j);
	}
	buf_init(&b, LINE_MAX_BYTES);
	frame_print(&b, &v->how, f, v->full);
	return put_text(&b);
}

/* One message; 0, or -1 when it is none of these or cannot be written. */
static int show_message(struct view *v, const struct msg *m)
{
	if (m->type == MSG_HELLO && !v->named)
		return show_name(v, &m->hello);
	if (m->type == MSG_FRAME && v->named && !v->ended)
		return show_frame(v, &m->frame);
	if (m->type == MSG_VM_GONE && v->named && !v->ended)
		return show_end(v, &m->vm_gone);
	return -1;
}

static int follow(struct view *v, struct chan *c)
{
	const char *why = NULL;
	struct msg m;

	while (chan_recv(c, &m, &why) == 1)
		if (show_message(v, &m) < 0) {
			cli_error("what came was no frame, or could not be "
				  "written");
			return CLI_NO;
		}
	if (v->ended)
		return CLI_OK;
	cli_error(v->named ? "the VM's porter stopped telling; `bulkhead "
			     "items` shows what became of its work"
			   : "no VM came before bulkhead ended");
	return CLI_NO;
}

/* Asks for the channel. CLI_OK and *ret, or another code, told. */
static int ask(const struct conf *conf, const struct m_c_wire *which,
	       struct chan *ret)
{
	struct msg m = { .type = MSG_C_WIRE, .c_wire = *which };
	struct chan control;
	int rc = client_open(conf, &control);
	int fd;

	if (rc != CLI_OK)
		return rc;
	rc = client_exchange(&control, &m, NULL, NULL);
	fd = rc == CLI_OK ? chan_take_fd(&control, 0) : -1;
	chan_done(&control);
	if (rc == CLI_OK && (fd < 0 || chan_init(ret, fd) < 0)) {
		cli_error("the control process gave no channel");
		rc = CLI_NO;
	}
	return rc;
}

int cmd_wire(int argc, char **argv, const struct cli *cli)
{
	struct view v = { .cli = cli, .how = show_for(stdout) };
	const struct cli_opt opts[] = { { "--full", &v.full, NULL } };
	struct m_c_wire which;
	struct conf conf;
	struct chan c;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 2 || parse_which(argv[1], &which) < 0)
		return cli_usage("wire", "it takes the number of a VM, or "
					 "reader, planner or next");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	rc = ask(&conf, &which, &c);
	if (rc != CLI_OK)
		return rc;
	/* From here on it misses none. */
	if (!which.vm)
		(void)fputs("waiting for the next VM ...\n", stderr);
	rc = follow(&v, &c);
	chan_done(&c);
	return rc;
}
