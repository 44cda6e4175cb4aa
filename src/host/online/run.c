/* run: see run.h. */
#include "run.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <poll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

enum { VAULT_MS = 60000, WORDS_MAX = 256 };

static const char no_secret[] = "the vault did not give its secret";

void online_end(struct online *o, int result)
{
	o->result = result;
	loop_stop(&o->loop);
}

void online_tell(struct online *o, struct chan *to, int fd)
{
	int r = chan_send(to, &o->msg, &fd, fd >= 0 ? 1 : 0);

	if (r < 0)
		online_end(o, r);
}

void online_link(struct online *o, enum account_state state, const char *detail,
		 uint64_t retry_ms)
{
	log_info("account", "account=%s state=%s detail=\"%s\"", o->name,
		 account_state_name(state), detail);
	o->msg.type = MSG_LINK;
	o->msg.link = (struct m_link){ .state = (uint8_t)state,
				       .detail = span_str(detail),
				       .retry_s = (retry_ms + 999) / 1000 };
	online_tell(o, &o->monitor, -1);
}

/* #syscalls:online memfd_create ftruncate fcntl int1=F_ADD_SEALS */
int online_item(struct online *o, const char *key, struct span s)
{
	CLEAN_FD int fd = memfd_sealed("item", s);
	struct m_item *it = &o->msg.item;
	unsigned n = sizeof(it->sha256);

	if (fd < 0)
		return fd;
	o->msg.type = MSG_ITEM;
	*it = (struct m_item){ .key = span_str(key), .size = s.n };
	if (EVP_Digest(s.p, s.n, it->sha256, &n, EVP_sha256(), NULL) != 1)
		return -EIO;
	online_tell(o, &o->monitor, fd);
	return 0;
}

void online_skipped(struct online *o, const char *key, const char *why)
{
	log_warn("item-skipped", "account=%s key=%s why=\"%s\"", o->name, key,
		 why);
	o->msg.type = MSG_SKIPPED;
	o->msg.skipped = (struct m_skipped){ .key = span_str(key),
					     .why = span_str(why) };
	online_tell(o, &o->monitor, -1);
}

bool online_killed(const struct online *o, struct span capability,
		   uint64_t task)
{
	return gate_why(o->gate, capability, task);
}

void online_effect_done(struct online *o, const struct msg_ids *ids,
			uint64_t effect, enum effect_state state,
			const char *detail)
{
	struct msg_ids own = o->msg.ids;

	o->msg.type = MSG_EFFECT_DONE;
	o->msg.ids = *ids;
	o->msg.effect_done = (struct m_effect_done){
		.effect = effect,
		.state = (uint8_t)state,
		.detail = span_str(detail),
	};
	online_tell(o, &o->broker, -1);
	o->msg.ids = own;
}

void online_revoked(struct online *o, enum revoked r, const char *detail)
{
	o->msg.type = MSG_REVOKED;
	o->msg.revoked = (struct m_revoked){ .result = (uint8_t)r,
					     .detail = span_str(detail) };
	online_tell(o, &o->monitor, -1);
}

static void on_revoke(struct online *o)
{
	if (o->started && o->kind->revoke)
		o->kind->revoke(o);
	else
		online_revoked(o, REVOKED_NOTHING,
			       "a credential that only its provider can take "
			       "back, by hand");
}

static void on_ping(struct online *o)
{
	o->msg.type = MSG_PONG;
	o->msg.ping = o->in.ping;
	online_tell(o, &o->monitor, -1);
}

static void on_monitor(void *arg, int, short)
{
	struct online *o = arg;
	const char *why;
	int r = chan_recv(&o->monitor, &o->in, &why);

	if (r <= 0)
		online_end(o, r);
	else if (o->in.type == MSG_STOP || o->in.type == MSG_KILL)
		online_end(o, 0);
	else if (o->in.type == MSG_PING)
		on_ping(o);
	else if (o->in.type == MSG_REVOKE && o->set.revoke)
		on_revoke(o);
	else if (o->in.type == MSG_ITEM_KEPT && o->kind->item_kept)
		o->kind->item_kept(o, o->in.item_done.key);
	else if (o->in.type == MSG_ITEM_DONE && o->kind->item_done)
		o->kind->item_done(o, o->in.item_done.key);
	else
		online_end(o, -EPROTO);
}

/* What the broker sends to an account that has no secret. */
static void fail_message(struct online *o)
{
	struct msg_ids ids = o->in.ids;

	if (o->in.type == MSG_EFFECT) {
		online_effect_done(o, &ids, o->in.effect.effect, EFFECT_FAILED,
				   no_secret);
		return;
	}
	if (o->in.type == MSG_L_CALL) {
		o->msg.type = MSG_L_DONE;
		o->msg.l_done = (struct m_l_done){ .call = o->in.l_call.call,
						   .state = L_FAILED,
						   .why = span_str(no_secret) };
		online_tell(o, &o->broker, -1);
		return;
	}
	if (o->in.type != MSG_SAY) {
		online_end(o, -EPROTO);
		return;
	}
	o->msg.type = MSG_SAID;
	o->msg.said = (struct m_said){ .number = o->in.say.number,
				       .state = EFFECT_FAILED,
				       .detail = span_str(no_secret) };
	online_tell(o, &o->broker, -1);
}

/* A stop or a kill that is already here goes before any effect. */
static void on_broker(void *arg, int, short)
{
	struct online *o = arg;
	struct pollfd first = { .fd = o->monitor.fd, .events = POLLIN };
	const struct online_kind *k = o->kind;
	const char *why;
	int r;

	while (!o->loop.stop && poll(&first, 1, 0) > 0)
		on_monitor(o, first.fd, first.revents);
	if (o->loop.stop || o->held)
		return;
	r = chan_recv(&o->broker, &o->in, &why);
	if (r <= 0)
		online_end(o, r);
	else if (!o->started)
		fail_message(o);
	else if (o->in.type == MSG_EFFECT && k->effect)
		k->effect(o);
	else if (o->in.type == MSG_L_CALL && k->model)
		k->model(o);
	else if (o->in.type == MSG_SAY && k->say)
		k->say(o);
	else if (o->in.type == MSG_HEARD_OK && k->heard_ok)
		k->heard_ok(o);
	else
		online_end(o, -EPROTO);
}

static void watch_broker(struct online *o)
{
	int r = 0;

	loop_del(&o->loop, o->broker.fd);
	if (!o->held && !o->set.revoke)
		r = loop_add(&o->loop, o->broker.fd, POLLIN, on_broker, o);
	if (r < 0)
		online_end(o, r);
}

void online_hold(struct online *o, bool on)
{
	if (o->held == on)
		return;
	o->held = on;
	watch_broker(o);
}

static void begin(struct online *o)
{
	int r;

	o->started = true;
	watch_broker(o);
	r = o->kind->start(o);
	if (r < 0)
		online_end(o, r);
}

static void without_secret(struct online *o)
{
	online_link(o, ACCOUNT_REFUSED, no_secret, 0);
	watch_broker(o);
}

/* The channel's memory held it, and holds it no longer. */
static void close_vault(struct online *o)
{
	loop_timer_del(&o->loop, o->vault_timer);
	o->vault_timer = -1;
	loop_del(&o->loop, o->vault.fd);
	if (o->vault.in)
		OPENSSL_cleanse(o->vault.in, LIMIT_MSG);
	chan_done(&o->vault);
	o->vault.fd = -1;
}

static void on_vault(void *arg, int, short)
{
	struct online *o = arg;
	struct msg m;
	const char *why;
	int r = chan_recv(&o->vault, &m, &why);

	if (r == -EAGAIN)
		return;
	if (r > 0)
		r = m.type == MSG_SECRET && m.secret.value.n
			    ? secret_set(&o->secret, m.secret.value)
			    : -EPROTO;
	else if (r == 0)
		r = -EPIPE;
	close_vault(o);
	if (r < 0)
		without_secret(o);
	else
		begin(o);
}

static void on_vault_late(void *arg)
{
	struct online *o = arg;

	o->vault_timer = -1;
	close_vault(o);
	without_secret(o);
}

static int wait_secret(struct online *o)
{
	if (!o->set.secret) {
		close_vault(o);
		begin(o);
		return 0;
	}
	o->vault_timer = loop_timer(&o->loop, VAULT_MS, on_vault_late, o);
	if (o->vault_timer < 0)
		return o->vault_timer;
	return loop_add(&o->loop, o->vault.fd, POLLIN, on_vault, o);
}

static int find_kind(struct online *o)
{
	size_t i;

	for (i = 0; online_kinds[i]; i++)
		if (strcmp(o->set.kind, online_kinds[i]->name) == 0) {
			o->kind = online_kinds[i];
			return 0;
		}
	return -EPROTO;
}

/* The descriptors beside HELLO, in the order of settings.h. */
static int take_files(struct online *o)
{
	size_t i = 0;
	int r = 0;

	if (o->set.ca) {
		CLEAN_FD int ca = chan_take_fd(&o->monitor, i++);

		r = ca < 0 ? -EPROTO : net_trust(&o->net, ca);
	}
	if (r == 0 && o->set.requests) {
		o->requests = chan_take_fd(&o->monitor, i);
		if (o->requests < 0)
			r = -EPROTO;
	}
	return r;
}

static int take_hello(struct online *o)
{
	const char *why = NULL;
	int r = chan_recv(&o->monitor, &o->in, &why);

	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (o->in.type != MSG_HELLO || o->in.hello.name.n == 0 ||
	    str_copy(o->name, sizeof(o->name), o->in.hello.name) < 0)
		return -EPROTO;
	o->msg.ids = o->in.ids;
	if (settings_parse(o->in.hello.arg, &o->set, &why) < 0) {
		log_error("settings", "account=%s why=\"%s\"", o->name, why);
		return -EPROTO;
	}
	r = find_kind(o);
	return r == 0 ? take_files(o) : r;
}

static void on_net_broken(void *arg, int error)
{
	online_end(arg, error);
}

static int start(struct online *o, int netd)
{
	int r = take_hello(o);

	if (r == 0)
		r = net_start(&o->net, &o->loop, netd);
	o->net.broken = on_net_broken;
	o->net.broken_arg = o;
	if (r == 0)
		r = loop_add(&o->loop, o->monitor.fd, POLLIN, on_monitor, o);
	if (r == 0) {
		o->msg.type = MSG_READY;
		o->msg.empty = (struct m_empty){ 0 };
		online_tell(o, &o->monitor, -1);
		r = wait_secret(o);
	}
	return r;
}

/* #syscalls:online fcntl int1=F_GET_SEALS */
int online_run(struct online *o, const struct online_fds *fds)
{
	int r;

	o->state = fds->state;
	o->requests = -1;
	o->vault_timer = -1;
	o->monitor.fd = o->broker.fd = o->vault.fd = -1;
	loop_init(&o->loop);
	r = chan_init(&o->monitor, fds->monitor);
	if (r == 0)
		r = chan_init(&o->broker, fds->broker);
	if (r == 0)
		r = chan_init(&o->vault, fds->vault);
	if (r == 0)
		r = gate_map(fds->gate, &o->gate);
	if (r == 0)
		r = start(o, fds->netd);
	if (r == 0)
		r = loop_run(&o->loop);
	if (r == 0)
		r = o->result;
	if (o->kind)
		o->kind->stop(o);
	net_stop(&o->net);
	secret_wipe(&o->secret);
	close_vault(o);
	fd_close(&o->requests);
	chan_done(&o->monitor);
	chan_done(&o->broker);
	return r;
}
