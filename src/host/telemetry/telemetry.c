/*
 * bulkhead-telemetry: what is told of the work to those who watch it.
 *
 * SECURITY. Reads: typed messages of the monitor and the broker (trusted), and
 * the bundles of the audit log, whose records are auditd's own JSON with texts
 * in it that may be an attacker's: they are carried, never interpreted. From
 * outside: the heads of HTTP requests of local processes that the socket's mode
 * and SO_PEERCRED let through, and the answers of the collector, of which a
 * bounded reader takes three numbers. It trusts nobody outside with anything
 * but being counted. It makes no socket and connects none: the monitor hands it
 * one that is being connected to the address in the configuration, and nowhere
 * else. It holds no key and no policy, sees no mail, and of the log no key;
 * no path names anything, files are opened for reading only, and the one that
 * it writes is its cursor. What hangs, lags or dies here harms nobody: others
 * tell it things without waiting, and drop what it does not take.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "retry.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "otlp.h"
#include "post.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "records.h"
#include "serve.h"

enum {
	TICK_MS = 250,
	SPANS_BATCH = 512,	/* spans of one request */
	SPANS_WAIT_MS = 1000,	/* for more of them */
	METRICS_MS = 10000,	/* between two requests with metrics */
	LOGS_MS = 500,		/* between two looks into the log */
	LOGS_BATCH = 256,	/* records of one request, */
	LOGS_BYTES = 512 << 10, /* and of its body, but for the last one */
	STOP_MS = 800,		/* for what is left, at the end */
	SPAN_MESSAGES = 256,	/* taken at once */
	QUEUE_DEFAULT = 2048,
};

struct telemetry {
	struct loop loop;
	struct chan monitor, observe;
	struct msg in, out;
	struct msg_ids ids;
	struct metrics metrics;
	struct spans spans;
	struct records records;
	struct serve serve;
	struct post post;
	struct otlp_resource resource;
	char host[64]; /* "": there is no collector */
	enum conf_logs logs;
	uint64_t queue;
	struct retry retry[SIGNAL_MAX];
	uint64_t due_ms[SIGNAL_MAX];
	enum signal under_way;
	enum signal turn;
	size_t batch; /* spans or records in what is under way */
	struct buf body;
	bool log_broken; /* said so already */
	bool stopping;
	bool told_lost; /* that the collector does not answer */
};

/* What the metrics say of telemetry itself. */
static void refresh(void *arg)
{
	struct telemetry *t = arg;

	t->metrics.queue = t->spans.n;
	t->metrics.queue_dropped = t->spans.dropped;
	t->metrics.log_next = t->records.next;
}

/* --- to the collector ---------------------------------------------------- */

static void ask_socket(void *arg)
{
	struct telemetry *t = arg;

	t->out.type = MSG_CONNECT;
	t->out.ids = t->ids;
	t->out.empty = (struct m_empty){ 0 };
	/* Without an answer its time runs out. */
	if (chan_send(&t->monitor, &t->out, NULL, 0) < 0)
		log_warn("connect", "why=\"the monitor takes no request\"");
}

/* The body of what is due of the log; false: nothing is. */
static bool logs_body(struct telemetry *t)
{
	uint64_t now = clock_ns(CLOCK_REALTIME);
	struct span record;
	size_t n = 0;
	int r = 0;

	otlp_logs_begin(&t->body, &t->resource);
	while (n < LOGS_BATCH && t->body.n < LOGS_BYTES) {
		r = records_get(&t->records, t->records.next + n, &record);
		if (r <= 0)
			break;
		otlp_logs_add(&t->body, n == 0, t->records.next + n, record,
			      t->logs, now);
		n++;
	}
	otlp_logs_end(&t->body);
	if (r < 0 && !t->log_broken)
		log_warn("log-unreadable", "index=%llu error=%s",
			 (unsigned long long)(t->records.next + n),
			 strerrorname_np(-r));
	t->log_broken = r < 0;
	t->batch = n;
	return n > 0;
}

/* True: there is a body to be sent. */
static bool make_body(struct telemetry *t, enum signal s)
{
	buf_reset(&t->body);
	switch (s) {
	case SIGNAL_TRACES:
		t->batch = t->spans.n < SPANS_BATCH ? t->spans.n : SPANS_BATCH;
		if (t->batch)
			otlp_traces(&t->body, &t->resource, &t->spans,
				    t->batch);
		return t->batch > 0;
	case SIGNAL_METRICS:
		refresh(t);
		otlp_metrics(&t->body, &t->resource, &t->metrics,
			     clock_ns(CLOCK_REALTIME));
		return true;
	case SIGNAL_LOGS:
		return t->logs != LOGS_NONE && logs_body(t);
	case SIGNAL_MAX:
		break;
	}
	return false;
}

static bool is_due(const struct telemetry *t, enum signal s, uint64_t now)
{
	if (t->retry[s].until_ms > now)
		return false;
	return t->stopping || now >= t->due_ms[s] ||
	       (s == SIGNAL_TRACES && t->spans.n >= SPANS_BATCH);
}

static void later(struct telemetry *t, enum signal s, uint64_t now)
{
	static const uint64_t pause[] = {
		[SIGNAL_TRACES] = SPANS_WAIT_MS,
		[SIGNAL_METRICS] = METRICS_MS,
		[SIGNAL_LOGS] = LOGS_MS,
	};

	t->due_ms[s] = now + pause[s];
	/* At the end everything goes once. */
	if (t->stopping && s == SIGNAL_METRICS)
		t->due_ms[s] = UINT64_MAX;
}

/* Begins the next request, if one is due: each kind has its turn. */
static void send_next(struct telemetry *t)
{
	static const char *const paths[] = {
		[SIGNAL_TRACES] = "/v1/traces",
		[SIGNAL_METRICS] = "/v1/metrics",
		[SIGNAL_LOGS] = "/v1/logs",
	};
	uint64_t now = now_ms();
	int i;

	if (!t->host[0] || t->post.state != POST_IDLE)
		return;
	for (i = 0; i < SIGNAL_MAX; i++) {
		enum signal s = t->turn;

		t->turn = (enum signal)((s + 1) % SIGNAL_MAX);
		if (!is_due(t, s, now) || t->due_ms[s] == UINT64_MAX)
			continue;
		later(t, s, now);
		if (!make_body(t, s))
			continue;
		t->under_way = s;
		if (!buf_ok(&t->body))
			buf_reset(&t->body);
		post_begin(&t->post, paths[s], buf_view(&t->body));
		return;
	}
	if (t->stopping)
		loop_stop(&t->loop);
}

/* The collector has it, or never will. */
static void forget(struct telemetry *t, enum signal s, bool arrived)
{
	int r;

	if (s == SIGNAL_TRACES) {
		spans_drop(&t->spans, t->batch);
		t->metrics.refused_spans += arrived ? 0 : t->batch;
	}
	if (s != SIGNAL_LOGS)
		return;
	t->metrics.log_dropped += arrived ? 0 : t->batch;
	r = records_keep(&t->records, t->records.next + t->batch);
	if (r < 0)
		log_warn("cursor", "error=%s", strerrorname_np(-r));
	/* There may be more of it. */
	t->due_ms[s] = 0;
}

/* Refused for what is in it, and not for who sends it or where to: only then is
 * it no use to send a record again. */
static bool is_content(int status)
{
	return status == 400 || status == 413 || status == 422;
}

static void on_ended(void *arg, const struct reply *r)
{
	struct telemetry *t = arg;
	enum signal s = t->under_way;
	enum post_result result = retry_judge(r->status);
	uint32_t random = 0;

	if (s == SIGNAL_LOGS && result == POST_REFUSED &&
	    !is_content(r->status))
		result = POST_RETRY;
	t->metrics.posts[s][result]++;
	if (result == POST_OK) {
		if (t->told_lost)
			log_info("collector-answers", "signal=%s",
				 signal_name(s));
		t->told_lost = false;
		retry_clear(&t->retry[s]);
		t->metrics.rejected[s] += r->rejected;
	} else {
		if (!t->told_lost)
			log_warn("collector", "signal=%s status=%d",
				 signal_name(s), r->status);
		t->told_lost = true;
		(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
		retry_more(&t->retry[s], now_ms(), r->retry_after_s, random);
	}
	if (result != POST_RETRY)
		forget(t, s, result == POST_OK);
	send_next(t);
}

static void on_tick(void *arg)
{
	struct telemetry *t = arg;

	send_next(t);
	if (loop_timer(&t->loop, TICK_MS, on_tick, t) < 0)
		die("no timer left");
}

/* --- who speaks to it ---------------------------------------------------- */

static void on_observe(void *arg, int, short)
{
	struct telemetry *t = arg;
	const char *why;
	int i, r = 0;

	for (i = 0; i < SPAN_MESSAGES; i++) {
		r = chan_recv(&t->observe, &t->in, &why);
		if (r <= 0)
			break;
		if (t->in.type == MSG_SAMPLES) {
			metrics_samples(&t->metrics, &t->in.samples);
		} else if (t->in.type == MSG_SPAN &&
			   t->in.span.stage > STAGE_NONE &&
			   t->in.span.stage < STAGE_MAX) {
			metrics_span(&t->metrics, &t->in.span);
			if (t->host[0])
				spans_put(&t->spans, &t->in);
		} else {
			die("a message that nobody may send here");
		}
	}
	if (r == -EPROTO)
		die("a bad message: %s", why);
	/* All who had the other end are gone: so are we, in a moment. */
	if (r == 0)
		loop_del(&t->loop, t->observe.fd);
}

static void on_stop_late(void *arg)
{
	struct telemetry *t = arg;

	loop_stop(&t->loop);
}

static void stop(struct telemetry *t)
{
	/* What was told before this is in the channel. */
	on_observe(t, t->observe.fd, POLLIN);
	t->stopping = true;
	if (!t->host[0] || loop_timer(&t->loop, STOP_MS, on_stop_late, t) < 0)
		loop_stop(&t->loop);
	else
		send_next(t);
}

static void pong(struct telemetry *t)
{
	t->out.type = MSG_PONG;
	t->out.ids = t->ids;
	t->out.ping = t->in.ping;
	if (chan_send(&t->monitor, &t->out, NULL, 0) < 0)
		die("the monitor takes no message");
}

static void on_monitor(void *arg, int, short)
{
	struct telemetry *t = arg;
	const char *why;
	int r = chan_recv(&t->monitor, &t->in, &why);

	if (r == -EAGAIN)
		return;
	if (r <= 0)
		loop_stop(&t->loop);
	else if (t->in.type == MSG_CONNECT)
		post_socket(&t->post, chan_take_fd(&t->monitor, 0));
	else if (t->in.type == MSG_PING)
		pong(t);
	else if (t->in.type == MSG_STOP)
		stop(t);
	else
		die("a message of the wrong type: %s",
		    msg_type_name(t->in.type));
}

/* --- start --------------------------------------------------------------- */

static void take_word(struct telemetry *t, struct span name, struct span value)
{
	uint64_t n = 0;

	if (span_is(name, "users")) {
		if (users_take(&t->serve.users, value) < 0)
			die("hello: bad list of users");
	} else if (span_is(name, "otlp")) {
		if (str_copy(t->host, sizeof(t->host), value) < 0)
			die("hello: bad address");
	} else if (num_parse(value, 0, UINT64_MAX / 2, &n) < 0)
		die("hello: bad number");
	if (span_is(name, "logs"))
		t->logs = n < LOGS_MAX ? (enum conf_logs)n : LOGS_NONE;
	if (span_is(name, "queue"))
		t->queue = n;
	if (span_is(name, "start_ns"))
		t->resource.start_ns = n;
}

/* m_hello.arg: NAME=VALUE, a blank between: users, otlp, logs, queue,
 * start_ns. */
static void take_hello(struct telemetry *t)
{
	struct span rest = t->in.hello.arg;

	t->ids = t->in.ids;
	t->queue = QUEUE_DEFAULT;
	memcpy(t->resource.run, t->ids.run, MSG_RUN);
	while (rest.n) {
		const uint8_t *blank = memchr(rest.p, ' ', rest.n);
		size_t n = blank ? (size_t)(blank - rest.p) : rest.n;
		const uint8_t *eq = memchr(rest.p, '=', n);
		size_t k = eq ? (size_t)(eq - rest.p) : n;

		if (!eq)
			die("hello: a word without a value");
		take_word(t, span_of(rest.p, k), span_of(eq + 1, n - k - 1));
		n += blank ? 1 : 0;
		rest = span_of(rest.p + n, rest.n - n);
	}
	t->metrics.start_ns = t->resource.start_ns;
}

/* #syscalls:telemetry getsockopt int1=SOL_SOCKET int2=SO_TYPE */
static bool is_socket(int fd)
{
	socklen_t n = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
}

static void open_all(struct telemetry *t)
{
	int listen_fd = graph_fd(PROC_TELEMETRY, FD_LISTEN);

	t->monitor.no_wait = true;
	t->observe.no_wait = true;
	t->serve.loop = &t->loop;
	t->serve.metrics = &t->metrics;
	t->serve.refresh = refresh;
	t->serve.arg = t;
	t->post.loop = &t->loop;
	t->post.ask = ask_socket;
	t->post.ended = on_ended;
	t->post.arg = t;
	t->post.host = t->host;
	post_init(&t->post);
	buf_init(&t->body, POST_BODY);
	records_open(&t->records, graph_fd(PROC_TELEMETRY, FD_DIR),
		     t->logs == LOGS_NONE
			     ? -1
			     : graph_fd(PROC_TELEMETRY, FD_CURSOR));
	if (t->host[0] && spans_init(&t->spans, t->queue ? t->queue : 1) < 0)
		die("out of memory");
	if (loop_add(&t->loop, t->monitor.fd, POLLIN, on_monitor, t) < 0 ||
	    loop_add(&t->loop, t->observe.fd, POLLIN, on_observe, t) < 0 ||
	    (is_socket(listen_fd) && serve_init(&t->serve, listen_fd) < 0))
		die("no room in the loop");
	if (t->host[0])
		on_tick(t);
}

int main(void)
{
	static struct telemetry t;
	const char *why;

	process_start(PROC_TELEMETRY);
	/* jansson would open /dev/urandom for its hash seed. */
	json_object_seed(1);
	loop_init(&t.loop);
	if (chan_init(&t.monitor, graph_fd(PROC_TELEMETRY, FD_MONITOR)) < 0 ||
	    chan_init(&t.observe, graph_fd(PROC_TELEMETRY, FD_OBSERVE)) < 0)
		die("out of memory");
	if (chan_recv(&t.monitor, &t.in, &why) != 1 || t.in.type != MSG_HELLO)
		die("no hello from the monitor");
	take_hello(&t);
	open_all(&t);
	t.out.type = MSG_READY;
	t.out.ids = t.ids;
	t.out.empty = (struct m_empty){ 0 };
	if (chan_send(&t.monitor, &t.out, NULL, 0) < 0)
		die("the monitor takes no message");
	return loop_run(&t.loop) < 0 ? 1 : 0;
}
