/* ws: see ws.h. */
#include "ws.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <strings.h>

#include "base/str.h"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void ws_init(struct ws *w)
{
	*w = (struct ws){ .timer = -1 };
	buf_init(&w->in, WS_MESSAGE + WS_HEAD);
	buf_init(&w->head, WS_HEAD);
}

void ws_close(struct ws *w)
{
	net_cancel(w->link);
	w->link = NULL;
	w->open = false;
	w->heard = false;
	if (w->timer >= 0)
		loop_timer_del(w->loop, w->timer);
	w->timer = -1;
	if (w->ctx)
		wslay_event_context_free(w->ctx);
	w->ctx = NULL;
	buf_done(&w->in);
	buf_done(&w->head);
}

static void lost(struct ws *w, const char *why)
{
	ws_close(w);
	w->down(w->arg, why);
}

static void on_quiet(void *arg)
{
	struct ws *w = arg;

	w->timer = -1;
	lost(w, "the server has been silent for too long");
}

static void watch(struct ws *w, uint64_t ms)
{
	if (w->timer >= 0)
		loop_timer_del(w->loop, w->timer);
	w->timer = loop_timer(w->loop, ms, on_quiet, w);
}

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *p, size_t n, int,
		       void *arg)
{
	struct ws *w = arg;

	if (w->in.n == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (n > w->in.n)
		n = w->in.n;
	memcpy(p, w->in.p, n);
	buf_drop(&w->in, n);
	return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *p, size_t n,
		       int, void *arg)
{
	struct ws *w = arg;

	if (net_send(w->link, span_of(p, n)) < 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	return (ssize_t)n;
}

static int on_mask(wslay_event_context_ptr, uint8_t *p, size_t n, void *)
{
	return RAND_bytes(p, (int)n) == 1 ? 0 : -1;
}

static void on_message(wslay_event_context_ptr,
		       const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct ws *w = arg;

	if (m->opcode != WSLAY_TEXT_FRAME)
		return;
	w->heard = true;
	watch(w, WS_QUIET_MS);
	w->text(w->arg, span_of(m->msg, m->msg_length));
}

static int start_frames(struct ws *w)
{
	static const struct wslay_event_callbacks calls = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_msg_recv_callback = on_message,
	};

	if (wslay_event_context_client_init(&w->ctx, &calls, w) != 0)
		return -ENOMEM;
	wslay_event_config_set_max_recv_msg_length(w->ctx, WS_MESSAGE);
	w->open = true;
	return 0;
}

/* The value of a field that stands there once, or the empty span. */
static struct span field(struct span head, const char *name)
{
	const size_t n = strlen(name);
	struct span found = { NULL, 0 };

	while (head.n) {
		const uint8_t *end = memchr(head.p, '\n', head.n);
		size_t len = end ? (size_t)(end - head.p) : head.n;
		struct span v;

		if (len > n && head.p[n] == ':' &&
		    !strncasecmp((const char *)head.p, name, n)) {
			v = span_of(head.p + n + 1, len - n - 1);
			while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
				v = span_of(v.p + 1, v.n - 1);
			while (v.n &&
			       (v.p[v.n - 1] == '\r' || v.p[v.n - 1] == ' '))
				v.n--;
			if (found.n)
				return span_of(NULL, 0);
			found = v;
		}
		len += end != NULL;
		head = span_of(head.p + len, head.n - len);
	}
	return found;
}

bool ws_head_ok(struct span head, const char *accept)
{
	static const char status[] = "HTTP/1.1 101 ";
	const size_t n = sizeof(status) - 1;
	struct span up = field(head, "upgrade");

	/* No extension was asked for, and no protocol. */
	return head.n > n && !memcmp(head.p, status, n) && up.n == 9 &&
	       !strncasecmp((const char *)up.p, "websocket", 9) &&
	       span_is(field(head, "sec-websocket-accept"), accept) &&
	       !field(head, "sec-websocket-extensions").n &&
	       !field(head, "sec-websocket-protocol").n;
}

/* True as soon as the whole head is there and taken off. */
static bool take_head(struct ws *w, const char **why)
{
	static const char end[] = "\r\n\r\n";
	const uint8_t *p = memmem(w->in.p, w->in.n, end, 4);
	size_t n = p ? (size_t)(p - w->in.p) : 0;

	*why = NULL;
	if (!p) {
		if (w->in.n >= WS_HEAD)
			*why = "its answer to the upgrade has no end";
		return false;
	}
	if (!ws_head_ok(span_of(w->in.p, n + 2), w->accept)) {
		*why = "it does not speak WebSocket";
		return false;
	}
	buf_drop(&w->in, n + 4);
	if (start_frames(w) < 0) {
		*why = "out of memory";
		return false;
	}
	return true;
}

/* wslay works on the context while a text is given: who takes it may send, but
 * not close. */
static void on_bytes(void *arg, struct span bytes)
{
	struct ws *w = arg;
	const char *why = NULL;

	buf_span(&w->in, bytes);
	if (!buf_ok(&w->in)) {
		lost(w, "more came than may wait");
		return;
	}
	if (!w->open && !take_head(w, &why)) {
		if (why)
			lost(w, why);
		return;
	}
	if (w->heard)
		watch(w, WS_QUIET_MS);
	if (wslay_event_recv(w->ctx) == 0 && wslay_event_send(w->ctx) == 0 &&
	    wslay_event_get_read_enabled(w->ctx))
		return;
	lost(w, wslay_event_get_close_received(w->ctx)
			? "the server closed the connection"
			: "its frames break the rules");
}

static void on_up(void *arg)
{
	struct ws *w = arg;
	int r = net_send(w->link, buf_view(&w->head));

	buf_reset(&w->head);
	watch(w, WS_UP_MS);
	if (r < 0)
		lost(w, strerrorname_np(-r));
}

static void on_down(void *arg, const char *why, bool)
{
	struct ws *w = arg;
	char text[256];

	/* The link is freed by now, and its words may be with it. */
	(void)str_printf(text, sizeof(text), "%s", why);
	w->link = NULL;
	lost(w, text);
}

/* What base64 makes of at most 20 bytes. */
static int make_key(struct ws *w, char key[32])
{
	char text[96];
	uint8_t raw[16], sum[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(sum);

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return -EIO;
	(void)EVP_EncodeBlock((unsigned char *)key, raw, sizeof(raw));
	if (str_printf(text, sizeof(text), "%s%s", key, guid) < 0 ||
	    EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL) != 1)
		return -EIO;
	(void)EVP_EncodeBlock((unsigned char *)w->accept, sum, (int)n);
	return 0;
}

int ws_open(struct ws *w, struct net *n, const char *host, uint32_t port,
	    struct span path)
{
	const struct net_link l = {
		.scheme = "https",
		.host = host,
		.port = port,
		.up = on_up,
		.bytes = on_bytes,
		.down = on_down,
		.arg = w,
	};
	char key[32];
	int r;

	ws_close(w);
	w->loop = n->loop;
	r = make_key(w, key);
	if (r < 0)
		return r;
	buf_str(&w->head, "GET ");
	buf_span(&w->head, path);
	buf_printf(&w->head, " HTTP/1.1\r\nHost: %s", host);
	if (port != 443)
		buf_printf(&w->head, ":%u", port);
	buf_printf(&w->head,
		   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
		   key);
	r = buf_ok(&w->head) ? net_link(n, &l, &w->link) : -ENAMETOOLONG;
	if (r < 0) {
		w->link = NULL;
		ws_close(w);
	}
	return r;
}

int ws_send(struct ws *w, struct span text)
{
	const struct wslay_event_msg m = { WSLAY_TEXT_FRAME, text.p, text.n };

	if (!w->open)
		return -ENOTCONN;
	if (wslay_event_queue_msg(w->ctx, &m) != 0)
		return -ENOMEM;
	return wslay_event_send(w->ctx) == 0 ? 0 : -EPIPE;
}
