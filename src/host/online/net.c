/*
 * net: see net.h. Theory of operation: a job waits for its turn, is dialed by
 * netd (one that may use an idle connection only if there is none), and then
 * runs in a CURLM: all calls in one, each link in one of its own, because
 * libcurl looks through the idle connections of a CURLM whenever it makes
 * another, and would take a link for one. libcurl is given its socket in the
 * callback that it makes sockets by, and an address of the documentation (RFC
 * 5737) for every name, so that it has nothing to look up; it calls connect()
 * all the same, and finds the one of this file.
 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum {
	URL_MAX = 4096,
	WHY_MAX = 256,
	READS_A_ROUND = 64, /* of a link, before others have their turn */
};

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

struct net_job {
	struct net_job *next;
	struct net *net;
	struct net_multi *multi; /* where it runs; NULL: it does not yet */
	CURL *easy;		 /* owned */
	struct curl_slist *pin, *headers; /* owned */
	int fd;				  /* of netd, until libcurl has it */
	int its; /* libcurl's, of a call that keeps none */
	char scheme[8];
	char host[256];
	uint32_t port;
	bool is_link;
	/* a call */
	struct net_call call; /* its strings are not used any more */
	char method[16];
	char *path; /* owned */
	struct buf body, answer;
	bool sent, full;
	size_t came;   /* bytes of pieces */
	bool dialed;   /* fd is, or was, of netd for this call */
	bool undialed; /* libcurl wanted a socket, and there was none */
	/* a link */
	struct net_link link;
	bool up, busy, dead; /* busy: in a callback; dead: to be freed then */
	int socket;	     /* libcurl's */
	int again;	     /* timer: there is more to read */
	struct buf out;
	uint8_t chunk[NET_LINK_CHUNK]; /* OpenSSL wants a piece again as it was
					*/
	size_t chunk_n, chunk_at;
};

/*
 * What libcurl finds for connect(): a socket of netd is connected, and there is
 * no other. #syscalls:online getpeername getsockname
 */
int connect(int fd, __CONST_SOCKADDR_ARG, socklen_t)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &n);
}

static void check_done(struct net_multi *m);
static void dial_next(struct net *n);

/* --- libcurl and the loop --- */

static void on_socket(void *arg, int fd, short revents)
{
	struct net_multi *m = arg;
	int what = 0;
	int left;

	if (revents & (POLLIN | POLLHUP))
		what |= CURL_CSELECT_IN;
	if (revents & POLLOUT)
		what |= CURL_CSELECT_OUT;
	if (revents & (POLLERR | POLLNVAL))
		what |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(m->curl, fd, what, &left);
	check_done(m);
}

static int socket_cb(CURL *, curl_socket_t fd, int what, void *arg, void *known)
{
	struct net_multi *m = arg;
	short events = 0;

	if (what == CURL_POLL_REMOVE) {
		loop_del(m->net->loop, fd);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= POLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= POLLOUT;
	if (known) {
		loop_events(m->net->loop, fd, events);
		return 0;
	}
	if (loop_add(m->net->loop, fd, events, on_socket, m) < 0)
		return -1;
	return curl_multi_assign(m->curl, fd, m) == CURLM_OK ? 0 : -1;
}

static void on_timeout(void *arg)
{
	struct net_multi *m = arg;
	int left;

	m->timer = -1;
	(void)curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &left);
	check_done(m);
}

static int timer_cb(CURLM *, long ms, void *arg)
{
	struct net_multi *m = arg;

	if (!m->net->loop)
		return 0;
	loop_timer_del(m->net->loop, m->timer);
	m->timer = -1;
	if (ms < 0)
		return 0;
	m->timer = ms ? loop_timer(m->net->loop, (uint64_t)ms, on_timeout, m)
		      : loop_soon(m->net->loop, on_timeout, m);
	return m->timer < 0 ? -1 : 0;
}

static int multi_make(struct net *n, struct net_multi *m)
{
	*m = (struct net_multi){ .net = n, .timer = -1 };
	m->curl = curl_multi_init();
	if (!m->curl)
		return -ENOMEM;
	if (curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, socket_cb) ||
	    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m) ||
	    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, timer_cb) ||
	    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m) ||
	    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)NET_KEPT))
		return -EINVAL;
	return 0;
}

/* --- jobs --- */

static void job_free(struct net_job *j)
{
	struct curl_slist *h;

	if (j->easy) {
		if (j->multi)
			(void)curl_multi_remove_handle(j->multi->curl, j->easy);
		curl_easy_cleanup(j->easy);
	}
	curl_slist_free_all(j->pin);
	/* They may hold a credential, as the path may. */
	for (h = j->headers; h; h = h->next)
		OPENSSL_cleanse(h->data, strlen(h->data));
	curl_slist_free_all(j->headers);
	if (j->path)
		OPENSSL_cleanse(j->path, strlen(j->path));
	fd_close(&j->fd);
	if (j->body.p)
		OPENSSL_cleanse(j->body.p, j->body.cap);
	buf_done(&j->body);
	if (j->answer.p)
		OPENSSL_cleanse(j->answer.p, j->answer.cap);
	buf_done(&j->answer);
	if (j->out.p)
		OPENSSL_cleanse(j->out.p, j->out.cap);
	buf_done(&j->out);
	OPENSSL_cleanse(j->chunk, sizeof(j->chunk));
	free(j->path);
	j->net->n_jobs--;
	free(j);
}

/* Off the list, if it is there: nothing of it follows j into another one. */
static void unlink_from(struct net_job **list, struct net_job *j)
{
	while (*list && *list != j)
		list = &(*list)->next;
	if (!*list)
		return;
	*list = j->next;
	j->next = NULL;
}

/* Off all lists, and off the loop: nothing calls it any more. */
static void job_detach(struct net_job *j)
{
	struct net *n = j->net;

	unlink_from(&n->waiting, j);
	unlink_from(&n->running, j);
	if (n->dialing == j)
		n->dialing = NULL;
	loop_timer_del(n->loop, j->again);
	j->again = -1;
	if (j->up)
		loop_del(n->loop, j->socket);
	j->up = false;
}

/*
 * libcurl ends an upload that is taken away from it as if it were whole, which
 * for a mail is the dot: nothing more may get to the server.
 * #syscalls:online shutdown
 */
void net_cancel(struct net_job *j)
{
	if (!j)
		return;
	if (j->its >= 0)
		(void)shutdown(j->its, SHUT_RDWR);
	job_detach(j);
	if (j->busy)
		j->dead = true;
	else
		job_free(j);
}

static struct net_job *job_new(struct net *n, const char *scheme,
			       const char *host, uint32_t port, size_t most)
{
	struct net_job *j;

	if (n->n_jobs >= most + NET_LINKS)
		return NULL;
	j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->net = n;
	j->fd = j->its = j->socket = j->again = -1;
	j->port = port;
	n->n_jobs++;
	if (str_printf(j->scheme, sizeof(j->scheme), "%s", scheme) < 0 ||
	    str_printf(j->host, sizeof(j->host), "%s", host) < 0) {
		job_free(j);
		return NULL;
	}
	return j;
}

static void job_queue(struct net_job *j)
{
	struct net_job **at = &j->net->waiting;

	while (*at)
		at = &(*at)->next;
	*at = j;
	dial_next(j->net);
}

static void job_end(struct net_job *j, const char *why, CURLcode code)
{
	struct net_answer a = {
		.why = why,
		.sent = j->sent,
		.denied = code == CURLE_LOGIN_DENIED,
		.trusted = code != CURLE_PEER_FAILED_VERIFICATION &&
			   code != CURLE_SSL_ISSUER_ERROR,
	};
	curl_off_t after = 0;

	job_detach(j);
	if (j->is_link) {
		j->link.down(j->link.arg, why, a.trusted);
	} else {
		if (j->easy) {
			(void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE,
						&a.status);
			(void)curl_easy_getinfo(j->easy, CURLINFO_RETRY_AFTER,
						&after);
		}
		a.retry_after_s = after > 0 ? (uint64_t)after : 0;
		a.body = buf_view(&j->answer);
		j->call.done(j->call.arg, &a);
	}
	job_free(j);
}

/* In words for the owner, where libcurl's are of its own making. */
static const char *why_of(const struct net_job *j, CURLcode code)
{
	if (j->full)
		return "the answer is too long";
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return "the server's certificate is not to be trusted for its "
		       "name";
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "the server did not answer in time";
	if (code == CURLE_GOT_NOTHING)
		return "the server closed the connection without an answer";
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return "stopped before it was sent";
	if (code == CURLE_LOGIN_DENIED)
		return "the server does not take the credential";
	if (code == CURLE_USE_SSL_FAILED)
		return "the server offers no TLS";
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return "the server's answer is none that could be";
	return curl_easy_strerror(code);
}

/* --- a link that is up --- */

/* After a callback: whether the job is still there. */
static bool job_alive(struct net_job *j)
{
	j->busy = false;
	if (!j->dead)
		return true;
	job_free(j);
	return false;
}

static void link_down(struct net_job *j, CURLcode code)
{
	job_end(j,
		code == CURLE_OK ? "the server closed the connection"
				 : why_of(j, code),
		code);
}

static void on_link(void *arg, int fd, short revents);

static void on_again(void *arg)
{
	struct net_job *j = arg;

	j->again = -1;
	on_link(j, j->socket, POLLIN);
}

static void link_read(struct net_job *j)
{
	uint8_t in[NET_LINK_CHUNK];
	int rounds;

	for (rounds = 0; rounds < READS_A_ROUND; rounds++) {
		size_t n = 0;
		CURLcode r = curl_easy_recv(j->easy, in, sizeof(in), &n);

		if (r == CURLE_AGAIN)
			return;
		if (r != CURLE_OK || n == 0) {
			link_down(j, r);
			return;
		}
		j->busy = true;
		j->link.bytes(j->link.arg, span_of(in, n));
		if (!job_alive(j))
			return;
	}
	/* What OpenSSL holds already, poll does not tell. */
	if (j->again < 0)
		j->again = loop_timer(j->net->loop, 0, on_again, j);
	if (j->again < 0)
		link_down(j, CURLE_OUT_OF_MEMORY);
}

static CURLcode link_write(struct net_job *j)
{
	CURLcode r = CURLE_OK;

	while (r == CURLE_OK && (j->chunk_n || j->out.n)) {
		size_t n = 0;

		if (!j->chunk_n) {
			j->chunk_n = j->out.n < sizeof(j->chunk)
					     ? j->out.n
					     : sizeof(j->chunk);
			j->chunk_at = 0;
			memcpy(j->chunk, j->out.p, j->chunk_n);
			buf_drop(&j->out, j->chunk_n);
			/* What moved up left its old place behind. */
			OPENSSL_cleanse(j->out.p + j->out.n,
					j->out.cap - j->out.n);
		}
		r = curl_easy_send(j->easy, j->chunk + j->chunk_at,
				   j->chunk_n - j->chunk_at, &n);
		j->chunk_at += n;
		if (j->chunk_at == j->chunk_n) {
			OPENSSL_cleanse(j->chunk, j->chunk_n);
			j->chunk_n = 0;
		}
	}
	return r == CURLE_AGAIN ? CURLE_OK : r;
}

static void link_events(struct net_job *j)
{
	loop_events(j->net->loop, j->socket,
		    j->chunk_n ? POLLIN | POLLOUT : POLLIN);
}

static void on_link(void *arg, int, short revents)
{
	struct net_job *j = arg;
	CURLcode r = link_write(j);

	if (r != CURLE_OK) {
		link_down(j, r);
		return;
	}
	link_events(j);
	if (revents & (POLLIN | POLLHUP | POLLERR))
		link_read(j);
}

int net_send(struct net_job *j, struct span bytes)
{
	if (!j->up || bytes.n > NET_LINK_OUT - j->out.n)
		return -ENOBUFS;
	buf_span(&j->out, bytes);
	if (!buf_ok(&j->out))
		return -ENOBUFS;
	/* A failure is met by the next read, which can end the link. */
	(void)link_write(j);
	link_events(j);
	return 0;
}

static void link_stands(struct net_job *j)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(j->easy, CURLINFO_ACTIVESOCKET, &fd) !=
		    CURLE_OK ||
	    fd == CURL_SOCKET_BAD ||
	    loop_add(j->net->loop, fd, POLLIN, on_link, j) < 0) {
		link_down(j, CURLE_FAILED_INIT);
		return;
	}
	j->socket = fd;
	j->up = true;
	j->busy = true;
	j->link.up(j->link.arg);
	if (job_alive(j))
		link_read(j);
}

/* --- what libcurl asks --- */

static curl_socket_t open_cb(void *arg, curlsocktype, struct curl_sockaddr *)
{
	struct net_job *j = arg;

	j->undialed = j->fd < 0 && !j->dialed;
	if (!j->is_link && !j->call.keep)
		j->its = j->fd;
	return j->fd >= 0 ? take_fd(&j->fd) : CURL_SOCKET_BAD;
}

/* A call that keeps no connection closes its own before it ends. */
static int close_cb(void *arg, curl_socket_t fd)
{
	struct net_job *j = arg;

	if (j->its == fd)
		j->its = -1;
	return close(fd);
}

static int before_cb(void *arg, char *, char *, int, int)
{
	struct net_job *j = arg;

	if (j->call.go && !j->call.go(j->call.arg))
		return CURL_PREREQFUNC_ABORT;
	j->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t answer_cb(char *p, size_t size, size_t n, void *arg)
{
	struct net_job *j = arg;
	long status = 0;

	if (j->full)
		return 0;
	(void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	if (j->call.piece && status >= 200 && status <= 299) {
		if (size * n > j->answer.max - j->came) {
			j->full = true;
			return 0;
		}
		if (!j->call.piece(j->call.arg, span_of(p, size * n)))
			return CURL_WRITEFUNC_PAUSE;
		j->came += size * n;
		return size * n;
	}
	buf_put(&j->answer, p, size * n);
	j->full = !buf_ok(&j->answer);
	return j->full ? 0 : size * n;
}

/* No idle connection was good: the call takes its turn to be dialed. */
static void job_dial(struct net_job *j)
{
	unlink_from(&j->net->running, j);
	(void)curl_multi_remove_handle(j->multi->curl, j->easy);
	curl_easy_cleanup(j->easy);
	curl_slist_free_all(j->pin);
	j->multi = NULL;
	j->easy = NULL;
	j->pin = NULL;
	j->sent = j->undialed = false;
	j->dialed = true;
	job_queue(j);
}

void net_resume(struct net_job *j)
{
	CURLcode r;

	if (!j->easy)
		return;
	r = curl_easy_pause(j->easy, CURLPAUSE_CONT);
	/* What was held back was not taken then: libcurl tells it here, and
	 * would go on with what comes behind that. */
	if (r != CURLE_OK)
		job_end(j, why_of(j, r), r);
}

static void check_done(struct net_multi *m)
{
	const CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(m->curl, &left))) {
		CURLcode code = msg->data.result;
		struct net_job *j = NULL;

		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j) !=
			    CURLE_OK)
			continue;
		if (j->is_link && code == CURLE_OK)
			link_stands(j);
		else if (code != CURLE_OK && j->undialed)
			job_dial(j);
		else
			job_end(j, code == CURLE_OK ? NULL : why_of(j, code),
				code);
	}
}

/* --- what libcurl is told --- */

static CURLcode set_base(struct net_job *j, const char *url)
{
	struct curl_blob ca = { .data = j->net->ca.p,
				.len = j->net->ca.n,
				.flags = CURL_BLOB_NOCOPY };
	CURLcode r = CURLE_OK;
	CURL *e = j->easy;

	NET_SET(r, e, CURLOPT_URL, url);
	NET_SET(r, e, CURLOPT_PRIVATE, j);
	NET_SET(r, e, CURLOPT_PROTOCOLS_STR, j->scheme);
	NET_SET(r, e, CURLOPT_REDIR_PROTOCOLS_STR, j->scheme);
	NET_SET(r, e, CURLOPT_FOLLOWLOCATION, 0L);
	NET_SET(r, e, CURLOPT_PROXY, "");
	NET_SET(r, e, CURLOPT_NOSIGNAL, 1L);
	NET_SET(r, e, CURLOPT_RESOLVE, j->pin);
	NET_SET(r, e, CURLOPT_OPENSOCKETFUNCTION, open_cb);
	NET_SET(r, e, CURLOPT_OPENSOCKETDATA, j);
	NET_SET(r, e, CURLOPT_FRESH_CONNECT, 1L);
	NET_SET(r, e, CURLOPT_SSL_VERIFYPEER, 1L);
	NET_SET(r, e, CURLOPT_SSL_VERIFYHOST, 2L);
	NET_SET(r, e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	NET_SET(r, e, CURLOPT_CAINFO, NULL);
	NET_SET(r, e, CURLOPT_CAPATH, NULL);
	NET_SET(r, e, CURLOPT_CAINFO_BLOB, &ca);
	NET_SET(r, e, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	NET_SET(r, e, CURLOPT_CONNECTTIMEOUT_MS, (long)NET_CONNECT_MS);
	NET_SET(r, e, CURLOPT_TCP_KEEPALIVE, 1L);
	NET_SET(r, e, CURLOPT_TCP_KEEPIDLE, 60L);
	NET_SET(r, e, CURLOPT_TCP_KEEPINTVL, 30L);
	return r;
}

static CURLcode set_link(struct net_job *j)
{
	CURLcode r = CURLE_OK;

	NET_SET(r, j->easy, CURLOPT_CONNECT_ONLY, 1L);
	/* IMAP has no name there that a server would have to know. */
	NET_SET(r, j->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	return r;
}

static CURLcode set_http(struct net_job *j)
{
	CURLcode r = CURLE_OK;
	CURL *e = j->easy;

	NET_SET(r, e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	NET_SET(r, e, CURLOPT_USERAGENT, "bulkhead");
	NET_SET(r, e, CURLOPT_HTTPHEADER, j->headers);
	if (j->body.n || strcmp(j->method, "POST") == 0) {
		NET_SET(r, e, CURLOPT_POSTFIELDSIZE, (long)j->body.n);
		NET_SET(r, e, CURLOPT_POSTFIELDS,
			j->body.n ? (char *)j->body.p : "");
	}
	if (strcmp(j->method, "HEAD") == 0)
		NET_SET(r, e, CURLOPT_NOBODY, 1L);
	else if (strcmp(j->method, "GET") != 0)
		NET_SET(r, e, CURLOPT_CUSTOMREQUEST, j->method);
	return r;
}

/* Whether there is another call by its connection. */
static CURLcode set_kept(struct net_job *j)
{
	CURLcode r = CURLE_OK;
	CURL *e = j->easy;

	if (j->call.keep) {
		NET_SET(r, e, CURLOPT_FRESH_CONNECT, j->dialed ? 1L : 0L);
		return r;
	}
	NET_SET(r, e, CURLOPT_FORBID_REUSE, 1L);
	NET_SET(r, e, CURLOPT_CLOSESOCKETFUNCTION, close_cb);
	NET_SET(r, e, CURLOPT_CLOSESOCKETDATA, j);
	return r;
}

static CURLcode set_call(struct net_job *j)
{
	CURLcode r = set_kept(j);
	CURL *e = j->easy;
	uint32_t ms = j->call.limit_ms ? j->call.limit_ms : NET_CALL_MS;

	if (j->call.quiet_ms) {
		NET_SET(r, e, CURLOPT_LOW_SPEED_LIMIT, 1L);
		NET_SET(r, e, CURLOPT_LOW_SPEED_TIME,
			(long)(j->call.quiet_ms / 1000));
	}
	NET_SET(r, e, CURLOPT_TIMEOUT_MS, (long)ms);
	NET_SET(r, e, CURLOPT_PREREQFUNCTION, before_cb);
	NET_SET(r, e, CURLOPT_PREREQDATA, j);
	NET_SET(r, e, CURLOPT_WRITEFUNCTION, answer_cb);
	NET_SET(r, e, CURLOPT_WRITEDATA, j);
	if (r == CURLE_OK && strncmp(j->scheme, "http", 4) == 0)
		r = set_http(j);
	if (r == CURLE_OK && j->call.set)
		r = j->call.set(j->call.arg, e);
	return r;
}

static int make_easy(struct net_job *j)
{
	bool bare = strchr(j->host, ':');
	char url[URL_MAX], pin[sizeof(j->host) + 64];
	CURLcode r;

	if (str_printf(url, sizeof(url), "%s://%s%s%s:%u%s", j->scheme,
		       bare ? "[" : "", j->host, bare ? "]" : "", j->port,
		       j->path ? j->path : "/") < 0)
		return -ENAMETOOLONG;
	(void)str_printf(pin, sizeof(pin), "%s:%u:192.0.2.1", j->host, j->port);
	/* An address needs no pin, and one with colons would be no good one. */
	j->pin = bare ? NULL : curl_slist_append(NULL, pin);
	j->easy = curl_easy_init();
	if (!j->easy || (!bare && !j->pin))
		return -ENOMEM;
	r = set_base(j, url);
	if (r == CURLE_OK)
		r = j->is_link ? set_link(j) : set_call(j);
	return r == CURLE_OK ? 0 : -EINVAL;
}

static struct net_multi *free_link(struct net *n)
{
	const struct net_job *j;
	size_t i;

	for (i = 0; i < NET_LINKS; i++) {
		for (j = n->running; j && j->multi != &n->links[i]; j = j->next)
			;
		if (!j)
			return &n->links[i];
	}
	return NULL;
}

static int job_run(struct net_job *j)
{
	struct net *n = j->net;
	struct net_multi *m = &n->calls;
	int r = 0;

	if (j->is_link) {
		m = free_link(n);
		r = m ? 0 : -EBUSY;
	}
	if (r == 0)
		r = make_easy(j);
	if (r < 0)
		return r;
	if (curl_multi_add_handle(m->curl, j->easy) != CURLM_OK)
		return -EINVAL;
	j->next = n->running;
	n->running = j;
	j->multi = m;
	return 0;
}

static void job_dialed(struct net_job *j)
{
	int r;

	j->dialed = true;
	r = job_run(j);
	if (r < 0)
		job_end(j, strerrordesc_np(-r), CURLE_FAILED_INIT);
}

/* --- netd --- */

static void broken(struct net *n, int error)
{
	loop_del(n->loop, n->netd.fd);
	n->broken(n->broken_arg, error);
}

static void on_dial_late(void *arg)
{
	struct net *n = arg;

	n->dial_timer = -1;
	broken(n, -ETIMEDOUT);
}

static void dial_next(struct net *n)
{
	struct net_job *j = n->waiting;
	struct msg m = { .type = MSG_DIAL };
	int r;

	if (n->asked || !j)
		return;
	n->waiting = j->next;
	j->next = NULL;
	n->dialing = j;
	n->asked = true;
	m.dial = (struct m_dial){ .host = span_str(j->host), .port = j->port };
	r = chan_send(&n->netd, &m, NULL, 0);
	if (r == 0) {
		n->dial_timer =
			loop_timer(n->loop, NET_DIAL_MS, on_dial_late, n);
		r = n->dial_timer < 0 ? n->dial_timer : 0;
	}
	if (r < 0)
		broken(n, r);
}

static void on_netd(void *arg, int, short)
{
	struct net *n = arg;
	struct net_job *j = n->dialing;
	char text[WHY_MAX];
	struct msg m;
	const char *why;
	int r = chan_recv(&n->netd, &m, &why);

	if (r > 0 &&
	    (!n->asked || (m.type != MSG_DIALED && m.type != MSG_DIAL_FAIL)))
		r = -EPROTO;
	if (r <= 0) {
		broken(n, r == 0 ? -EPIPE : r);
		return;
	}
	loop_timer_del(n->loop, n->dial_timer);
	n->dial_timer = -1;
	n->asked = false;
	n->dialing = NULL;
	if (j && m.type == MSG_DIALED) {
		j->fd = chan_take_fd(&n->netd, 0);
		if (j->fd >= 0)
			job_dialed(j);
		else
			job_end(j, "netd gave no socket", CURLE_FAILED_INIT);
	} else if (j) {
		if (str_copy(text, sizeof(text), m.text.text) < 0)
			(void)str_printf(text, sizeof(text), "not reached");
		job_end(j, text, CURLE_COULDNT_CONNECT);
	}
	dial_next(n);
}

/* --- what users call --- */

static int call_copy(struct net_job *j, const struct net_call *c)
{
	size_t i;

	j->call = *c;
	if (str_printf(j->method, sizeof(j->method), "%s",
		       c->method ? c->method : "GET") < 0)
		return -EINVAL;
	j->path = strdup(c->path ? c->path : "/");
	buf_init(&j->answer, c->limit_bytes ? c->limit_bytes : NET_CALL_BYTES);
	buf_init(&j->body, c->body.n);
	buf_span(&j->body, c->body);
	for (i = 0; i < c->n_headers; i++) {
		struct curl_slist *l =
			curl_slist_append(j->headers, c->headers[i]);

		if (!l)
			return -ENOMEM;
		j->headers = l;
	}
	return j->path && buf_ok(&j->body) ? 0 : -ENOMEM;
}

int net_call(struct net *n, const struct net_call *c, struct net_job **ret)
{
	const size_t most = c->keep ? NET_KEPT : NET_CALLS;
	struct net_job *j;
	int r;

	if (n->n_jobs >= most + NET_LINKS || c->n_headers > NET_HEADERS)
		return -EBUSY;
	j = job_new(n, c->scheme, c->host, c->port, most);
	if (!j)
		return -ENOMEM;
	r = call_copy(j, c);
	/* One that may use an idle connection tries that first. */
	if (r == 0 && c->keep)
		r = job_run(j);
	if (r < 0) {
		job_free(j);
		return r;
	}
	if (ret)
		*ret = j;
	if (!c->keep)
		job_queue(j);
	return 0;
}

int net_link(struct net *n, const struct net_link *l, struct net_job **ret)
{
	struct net_job *j = job_new(n, l->scheme, l->host, l->port, NET_CALLS);

	if (!j)
		return -EBUSY;
	j->is_link = true;
	j->link = *l;
	buf_init(&j->out, NET_LINK_OUT);
	*ret = j;
	job_queue(j);
	return 0;
}

static int read_ca(struct net *n, int fd)
{
	uint8_t *p;
	ssize_t got;

	buf_done(&n->ca);
	buf_init(&n->ca, NET_CA_MAX);
	p = buf_extend(&n->ca, NET_CA_MAX);
	if (!p)
		return -ENOMEM;
	got = fd_read_all(fd, p, NET_CA_MAX);
	buf_cut(&n->ca, got > 0 ? (size_t)got : 0);
	return got < 0 ? (int)got : 0;
}

int net_trust(struct net *n, int fd)
{
	int r = read_ca(n, fd);

	return r == 0 && n->ca.n == 0 ? -EINVAL : r;
}

int net_prepare(struct net *n)
{
	CLEAN_FD int ca = -1;
	size_t i;
	int r;

	*n = (struct net){ .netd = { .fd = -1 }, .dial_timer = -1 };
	/* No configuration file: it could name modules to be loaded. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	r = multi_make(n, &n->calls);
	for (i = 0; i < NET_LINKS && r == 0; i++)
		r = multi_make(n, &n->links[i]);
	ca = open(system_ca, O_RDONLY | O_CLOEXEC);
	/* Where there are none, none is trusted. */
	if (r == 0 && ca >= 0)
		r = read_ca(n, ca);
	return r;
}

/*
 * #syscalls:online getsockopt recvfrom
 * #syscalls:online setsockopt int1=SOL_SOCKET,IPPROTO_TCP
 * #syscalls:online sendto arg4=0
 */
int net_start(struct net *n, struct loop *loop, int netd)
{
	int r = chan_init(&n->netd, netd);

	n->loop = loop;
	return r == 0 ? loop_add(loop, n->netd.fd, POLLIN, on_netd, n) : r;
}

static void end_all(struct net_job **list)
{
	struct net_job *j;

	while ((j = *list)) {
		*list = j->next;
		net_cancel(j);
	}
}

void net_stop(struct net *n)
{
	size_t i;

	if (n->loop) {
		end_all(&n->waiting);
		end_all(&n->running);
		net_cancel(n->dialing);
		loop_del(n->loop, n->netd.fd);
		loop_timer_del(n->loop, n->dial_timer);
	}
	for (i = 0; i < NET_LINKS; i++)
		(void)curl_multi_cleanup(n->links[i].curl);
	(void)curl_multi_cleanup(n->calls.curl);
	chan_done(&n->netd);
	buf_done(&n->ca);
}
