/*
 * netd: the only process of bulkhead that makes sockets of a network. It
 * connects accounts to what the configuration says, and hands them the
 * connected socket; those who talk on it have no network of their own.
 *
 * SECURITY. Reads: its table, from the monitor (trusted); requests of the
 * connectors, of which each is looked up in its own account's rows, byte for
 * byte, and presumed to be hostile; answers of the name servers, which a
 * bounded cursor reads (dns.h). It never reads nor writes a byte on the
 * sockets that it connects. Every address is judged (base/netaddr.h) before the
 * first packet goes there, also where a name server says it. It has no file, no
 * secret and no policy. What it refuses goes to the monitor, for the record; a
 * connector that is refused often is heard once a second.
 */
#include <errno.h>
#include <poll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "dial.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "table.h"

enum {
	ACCOUNTS = 16,
	/* Of refusals an account may have so many, and one more each second:
	 * each is a record. */
	REFUSALS = 64,
	REFUSAL_MS = 1000,
	SEND_WHY = 500,
};

struct netd;

struct account {
	bool used;
	char name[LIMIT_NAME + 1];
	struct table table;
	struct chan chan;
	struct dial dial;
	uint64_t refusals;    /* left to it */
	uint64_t refilled_ms; /* as of then */
	struct netd *netd;
};

struct netd {
	struct loop loop;
	struct chan monitor;
	struct dial_servers servers;
	struct account accounts[ACCOUNTS];
	struct msg in, out;
	struct msg_ids ids;
};

static void account_end(struct account *a)
{
	if (!a->used)
		return;
	dial_stop(&a->dial);
	loop_del(&a->netd->loop, a->chan.fd);
	chan_done(&a->chan);
	a->used = false;
}

static void to_monitor(struct netd *n)
{
	n->out.ids = n->ids;
	if (chan_send(&n->monitor, &n->out, NULL, 0) < 0)
		die("the monitor takes no message");
}

/* Answers the account; one that takes no answer is given up. */
static void answer(struct account *a, enum msg_type type, const char *text,
		   int fd)
{
	struct netd *n = a->netd;

	n->out.type = type;
	n->out.ids = n->ids;
	n->out.text.text = span_str(text);
	if (chan_send(&a->chan, &n->out, &fd, fd >= 0 ? 1 : 0) < 0)
		account_end(a);
}

/* One refusal less; without any, it is not heard for a while. */
static void spend(struct account *a)
{
	uint64_t more = (now_ms() - a->refilled_ms) / REFUSAL_MS;

	a->refilled_ms += more * REFUSAL_MS;
	a->refusals =
		more > REFUSALS - a->refusals ? REFUSALS : a->refusals + more;
	if (a->refusals)
		a->refusals--;
	if (!a->refusals)
		loop_rest(&a->netd->loop, a->chan.fd, REFUSAL_MS);
}

/* Tells the monitor and the account. */
static void refuse(struct account *a, struct span host, uint32_t port,
		   const char *why)
{
	struct netd *n = a->netd;

	n->out.type = MSG_N_REFUSED;
	n->out.n_refused = (struct m_n_refused){ .account = span_str(a->name),
						 .host = host,
						 .port = port,
						 .why = span_str(why) };
	to_monitor(n);
	spend(a);
	answer(a, MSG_DIAL_FAIL, why, -1);
}

static void on_ended(void *arg, enum dial_end end, int fd, const char *text)
{
	struct account *a = arg;
	CLEAN_FD int owned = fd;
	char why[SEND_WHY];

	loop_events(&a->netd->loop, a->chan.fd, POLLIN);
	if (end == DIAL_DONE) {
		answer(a, MSG_DIALED, text, owned);
		return;
	}
	(void)str_printf(why, sizeof(why), "%s: %s", a->dial.row->host, text);
	if (end == DIAL_REFUSED)
		refuse(a, span_str(a->dial.row->host), a->dial.row->port, why);
	else
		answer(a, MSG_DIAL_FAIL, why, -1);
}

static void on_account(void *arg, int, short)
{
	struct account *a = arg;
	struct netd *n = a->netd;
	const struct m_dial *d = &n->in.dial;
	const struct table_row *row;
	const char *why;
	int r;

	/* It is not read from while it is answered: this is its end. */
	if (a->dial.busy) {
		account_end(a);
		return;
	}
	r = chan_recv(&a->chan, &n->in, &why);
	if (r == -EAGAIN)
		return;
	if (r <= 0 || n->in.type != MSG_DIAL) {
		if (r != 0)
			log_warn("account", "name=%s why=\"%s\"", a->name,
				 r > 0 ? "a message of the wrong type"
				 : why ? why
				       : "its channel fails");
		account_end(a);
		return;
	}
	row = table_find(&a->table, d->host, d->port);
	if (!row) {
		refuse(a, d->host, d->port,
		       "it is not in the account's \"hosts\"");
		return;
	}
	/* Nothing more of it until this one is answered. */
	loop_events(&n->loop, a->chan.fd, 0);
	dial_begin(&a->dial, row, a->table.private);
}

/* The row of that name, or a free one. */
static struct account *account_row(struct netd *n, struct span name)
{
	struct account *row = NULL;
	size_t i;

	for (i = 0; i < ACCOUNTS; i++) {
		if (n->accounts[i].used && span_is(name, n->accounts[i].name))
			return &n->accounts[i];
		if (!n->accounts[i].used && !row)
			row = &n->accounts[i];
	}
	return row;
}

static void take_account(struct netd *n)
{
	const struct m_n_account *in = &n->in.n_account;
	struct account *a = account_row(n, in->account);
	CLEAN_FD int fd = chan_take_fd(&n->monitor, 0);

	if (!a || fd < 0)
		die("an account too many, or without a channel");
	account_end(a);
	if (str_copy(a->name, sizeof(a->name), in->account) < 0 ||
	    table_parse(&a->table, in->hosts, in->private_ok == 1) < 0)
		die("an account that is none");
	if (chan_init(&a->chan, take_fd(&fd)) < 0)
		die("out of memory");
	a->chan.no_wait = true;
	a->chan.send_no_wait = true;
	a->netd = n;
	a->refusals = REFUSALS;
	a->refilled_ms = now_ms();
	a->dial.loop = &n->loop;
	a->dial.servers = &n->servers;
	a->dial.ended = on_ended;
	a->dial.arg = a;
	dial_init(&a->dial);
	a->used = true;
	if (loop_add(&n->loop, a->chan.fd, POLLIN, on_account, a) < 0)
		die("no room in the loop");
}

/* The name servers; again, when they have changed. */
static void take_hello(struct netd *n)
{
	n->ids = n->in.ids;
	if (dial_servers_parse(&n->servers, n->in.hello.arg) < 0)
		die("hello: no list of name servers");
}

static void pong(struct netd *n)
{
	n->out.type = MSG_PONG;
	n->out.ping = n->in.ping;
	to_monitor(n);
}

static void on_monitor(void *arg, int, short)
{
	struct netd *n = arg;
	const char *why;
	int r = chan_recv(&n->monitor, &n->in, &why);

	if (r == -EAGAIN)
		return;
	if (r <= 0 || n->in.type == MSG_STOP)
		loop_stop(&n->loop);
	else if (n->in.type == MSG_HELLO)
		take_hello(n);
	else if (n->in.type == MSG_N_ACCOUNT)
		take_account(n);
	else if (n->in.type == MSG_PING)
		pong(n);
	else
		die("a message of the wrong type: %s",
		    msg_type_name(n->in.type));
}

int main(void)
{
	static struct netd n;
	const char *why;

	process_start(PROC_NETD);
	loop_init(&n.loop);
	if (chan_init(&n.monitor, graph_fd(PROC_NETD, FD_MONITOR)) < 0)
		die("out of memory");
	if (chan_recv(&n.monitor, &n.in, &why) != 1 || n.in.type != MSG_HELLO)
		die("no hello from the monitor");
	take_hello(&n);
	n.monitor.no_wait = true;
	if (loop_add(&n.loop, n.monitor.fd, POLLIN, on_monitor, &n) < 0)
		die("no room in the loop");
	n.out.type = MSG_READY;
	n.out.empty = (struct m_empty){ 0 };
	to_monitor(&n);
	return loop_run(&n.loop) < 0 ? 1 : 0;
}
