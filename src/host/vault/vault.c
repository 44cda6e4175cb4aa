/*
 * vault: opens the owner's files of secrets and hands one secret to one
 * connector, over a channel that leads to it alone.
 *
 * SECURITY. Reads: files that the owner wrote and somebody may have changed
 * (src/vault, bounded; nothing of a file counts before all of it is proved),
 * names from the monitor. Holds: every secret, and what opens them, in locked
 * memory that is in no core and is wiped before it is given back. It has no
 * network and no path; its files come as descriptors. It never says a byte of
 * a secret to anybody but to the connector that the secret names, for the
 * hosts that it names; who asks for another is told so, and it is recorded.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "ring.h"

static struct ring ring;

struct vault {
	struct loop loop;
	struct chan monitor;
	struct msg in, out;
	struct msg_ids ids;
	int result;
};

static void end(struct vault *v, int result)
{
	v->result = result;
	loop_stop(&v->loop);
}

static void to_monitor(struct vault *v, enum msg_type t)
{
	v->out.type = t;
	v->out.ids = v->ids;
	if (chan_send(&v->monitor, &v->out, NULL, 0) < 0)
		end(v, -EPIPE);
}

/* The value, in a datagram that is wiped; then the channel is closed. */
static int hand_over(struct vault *v, int fd, struct span value)
{
	struct chan c;
	int r = chan_init(&c, fd);

	if (r < 0)
		return r;
	v->out.type = MSG_SECRET;
	v->out.ids = v->ids;
	v->out.secret.value = value;
	r = chan_send(&c, &v->out, NULL, 0);
	if (c.out.p)
		OPENSSL_cleanse(c.out.p, c.out.cap);
	chan_done(&c);
	return r;
}

static void on_give(struct vault *v)
{
	const struct m_v_give ask = v->in.v_give;
	CLEAN_FD int fd = chan_take_fd(&v->monitor, 0);
	const char *why = fd < 0 ? "there is no connector to give it to" : NULL;
	struct ring_value value = { 0 };

	if (!why)
		why = ring_take(&ring, ask.connector, ask.secret, ask.hosts,
				&value);
	if (!why && hand_over(v, take_fd(&fd), value.text) < 0)
		why = "the connector is gone";
	ring_give_back(&value);
	v->out.v_given = (struct m_v_given){ .connector = ask.connector,
					     .secret = ask.secret,
					     .ok = !why,
					     .why = span_str(why) };
	to_monitor(v, MSG_V_GIVEN);
}

/* What is wrong with a file is logged, with its name; what it would have had is
 * then not to be had. */
static void on_file(struct vault *v)
{
	CLEAN_FD int fd = chan_take_fd(&v->monitor, 0);
	const struct m_v_file *f = &v->in.v_file;
	const char *why = fd < 0 ? "no descriptor came with it" : NULL;
	char name[256];

	if (str_copy(name, sizeof(name), f->name) < 0)
		(void)str_copy(name, sizeof(name), SPAN_LIT("(long name)"));
	if (!why && f->what == V_IDENTITY)
		why = ring_identity(&ring, fd);
	else if (!why && f->what == V_PASSPHRASE)
		why = ring_passphrase(&ring, fd);
	else if (!why && f->what == V_SECRETS)
		why = ring_secrets(&ring, fd);
	else if (!why)
		why = "a kind of file that is none";
	if (why)
		log_error("vault-file", "text=%s: %s", name, why);
}

static void on_monitor(void *arg, int, short)
{
	struct vault *v = arg;
	const char *why;
	int r = chan_recv(&v->monitor, &v->in, &why);

	if (r <= 0)
		end(v, r);
	else if (v->in.type == MSG_STOP || v->in.type == MSG_KILL)
		end(v, 0);
	else if (v->in.type == MSG_PING)
		v->out.ping = v->in.ping, to_monitor(v, MSG_PONG);
	else if (v->in.type == MSG_V_FILE)
		on_file(v);
	else if (v->in.type == MSG_V_GIVE)
		on_give(v);
	else
		end(v, -EPROTO);
}

static int start(struct vault *v)
{
	const char *why = NULL;
	int r = chan_init(&v->monitor, graph_fd(PROC_VAULT, FD_MONITOR));

	if (r == 0)
		r = chan_recv(&v->monitor, &v->in, &why);
	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (v->in.type != MSG_HELLO)
		return -EPROTO;
	v->ids = v->in.ids;
	r = loop_add(&v->loop, v->monitor.fd, POLLIN, on_monitor, v);
	if (r == 0) {
		v->out.empty = (struct m_empty){ 0 };
		to_monitor(v, MSG_READY);
	}
	return r;
}

int main(void)
{
	static struct vault v;
	int r;

	/* Locked memory and libcrypto's own start need what the sandbox
	 * takes. */
	ring_prepare();
	process_start(PROC_VAULT);
	loop_init(&v.loop);
	r = start(&v);
	if (r == 0)
		r = loop_run(&v.loop);
	if (r == 0)
		r = v.result;
	ring_wipe(&ring);
	chan_done(&v.monitor);
	if (r < 0)
		log_error("stopped", "error=%s", strerrorname_np(-r));
	return r < 0 ? 1 : 0;
}
