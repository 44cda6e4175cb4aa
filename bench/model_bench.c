/*
 * model_bench: what the gateway to models costs. Requests by one kept
 * connection, in turns: straight to a provider on loopback, and through the
 * gateway, that is the real porter, broker (with auditd and store) and
 * connector in their sandboxes, with the bench as the VM's end of the wire, as
 * netd and as the monitor. Then STREAMS streams at once through one connector.
 *
 * Prints JSON: medians in nanoseconds of whole answers, and of the time to the
 * first event of a stream; how many streams did not come whole. The argument is
 * the folder of the bulkhead-* binaries.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/porter/porter_rig.h"
#include "llm/llm.h"
#include "tests/llm/gateway.h"
#include "tests/system/peers_rig.h"

enum {
	ROUNDS = 200,
	WARM = 10,	   /* before them */
	PAUSE_US = 120000, /* one planner may ask 20 times a second */
	STREAMS = 200,
	EVENTS = 40, /* of a slow stream, one each */
	EVENT_US = 25000,
	TEXT = 2000, /* bytes of what is asked */
};

#define SLOW "slowly"

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median(uint64_t *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_size);
	return v[ROUNDS / 2];
}

/* --- the provider -------------------------------------------------------- */

#define ANSWER                                                                 \
	"{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":" \
	"\"text\",\"text\":\"Fine.\"}],\"usage\":{\"input_tokens\":500,"       \
	"\"output_tokens\":2}}"
#define FIRST                                                                  \
	"data: {\"type\":\"message_start\",\"message\":{\"usage\":{"           \
	"\"input_tokens\":500,\"output_tokens\":1}}}\n\n"
#define DELTA                                                                  \
	"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"      \
	"\"type\":\"text_delta\",\"text\":\"word\"}}\n\n"
#define LAST                                                                   \
	"data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}"   \
	"\n\ndata: {\"type\":\"message_stop\"}\n\n"

static void put(int fd, const char *text)
{
	(void)fd_write_all(fd, span_str(text));
}

static void put_chunk(int fd, const char *text)
{
	char b[1024];

	(void)snprintf(b, sizeof(b), "%zx\r\n%s\r\n", strlen(text), text);
	put(fd, b);
}

static void answer(int fd, const char *request)
{
	char b[1024];
	int i;

	if (!strstr(request, "\"stream\":true")) {
		(void)snprintf(b, sizeof(b),
			       "HTTP/1.1 200 OK\r\nContent-Type: "
			       "application/json\r\nContent-Length: %zu\r\n\r\n"
			       "%s",
			       strlen(ANSWER), ANSWER);
		put(fd, b);
		return;
	}
	put(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	put_chunk(fd, FIRST);
	for (i = 0; strstr(request, SLOW) && i < EVENTS; i++) {
		(void)usleep(EVENT_US);
		put_chunk(fd, DELTA);
	}
	put_chunk(fd, LAST);
	put(fd, "0\r\n\r\n");
}

/* The whole request is there: its head, and as much as that says. */
static bool is_whole(const char *s, size_t n)
{
	const char *end = strstr(s, "\r\n\r\n");
	const char *length = strstr(s, "Content-Length: ");

	return end && length &&
	       n >= (size_t)(end + 4 - s) + strtoul(length + 16, NULL, 10);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char request[16384];
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, request + n, sizeof(request) - 1 - n)) > 0) {
		n += (size_t)r;
		request[n] = 0;
		if (!is_whole(request, n))
			continue;
		answer(fd, request);
		n = 0;
	}
	(void)close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	int listener = (int)(intptr_t)arg, fd, on = 1;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		gateway_thread(serve, (void *)(intptr_t)fd);
	}
	return NULL;
}

/* Its port. */
static uint16_t provider_start(void)
{
	struct sockaddr_in provider;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(provider);

	provider =
		(struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	if (fd < 0 || bind(fd, (struct sockaddr *)&provider, n) < 0 ||
	    listen(fd, STREAMS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&provider, &n) < 0)
		exit(1);
	gateway_thread(accept_all, (void *)(intptr_t)fd);
	return ntohs(provider.sin_port);
}

/* --- requests ------------------------------------------------------------ */

static char body[2][TEXT + 256], request[2][TEXT + 512];

static void write_requests(void)
{
	char text[TEXT + 1];
	int i;

	memset(text, 'a', TEXT);
	text[TEXT] = 0;
	for (i = 0; i < 2; i++) {
		(void)snprintf(body[i], sizeof(body[i]),
			       "{\"model\":\"m\",\"max_tokens\":99,%s"
			       "\"messages\":[{\"role\":\"user\",\"content\":"
			       "\"%s\"}]}",
			       i ? "\"stream\":true," : "", text);
		(void)snprintf(request[i], sizeof(request[i]),
			       "POST /v1/messages HTTP/1.1\r\nHost: a\r\n"
			       "Content-Type: application/json\r\n"
			       "Content-Length: %zu\r\n\r\n%s",
			       strlen(body[i]), body[i]);
	}
}

static bool has(const char *s, const char *part)
{
	return strstr(s, part) != NULL;
}

/* How long it took to the first event of a stream, or to the end. */
struct took {
	uint64_t first, whole;
};

static struct took direct(int fd, bool stream)
{
	const uint64_t start = now_ns();
	struct took t = { 0 };
	char b[16384];
	size_t n = 0;
	ssize_t r;

	put(fd, request[stream]);
	while (!t.whole) {
		r = read(fd, b + n, sizeof(b) - 1 - n);
		if (r <= 0)
			exit(1);
		n += (size_t)r;
		b[n] = 0;
		if (!t.first && has(b, "data:"))
			t.first = now_ns() - start;
		if (has(b, stream ? "\r\n0\r\n\r\n" : "\"output_tokens\":2}}"))
			t.whole = now_ns() - start;
	}
	return t;
}

static struct rig r;
static struct mux_stream *llm;

static struct took through(bool stream)
{
	const uint64_t start = now_ns();
	struct took t = { 0 };

	buf_reset(&r.got);
	guest_send(&r, llm, span_str(request[stream]));
	while (!t.whole) {
		const char *s;

		if (!guest_pump(&r))
			exit(1);
		s = buf_cstr(&r.got);
		if (!t.first && has(s, "data:"))
			t.first = now_ns() - start;
		if (has(s, stream ? "\r\n0\r\n\r\n" : "\"output_tokens\":2}}"))
			t.whole = now_ns() - start;
		else if (has(s, "bulkhead:"))
			(void)fprintf(stderr, "%s\n", s), exit(1);
	}
	return t;
}

/* --- many streams -------------------------------------------------------- */

struct one {
	int fd;
	size_t n;
	char end[64]; /* the last bytes that came */
	bool over;
};

static void take(struct one *o)
{
	char b[4096];
	ssize_t n = read(o->fd, b, sizeof(b));
	size_t keep;

	if (n <= 0) {
		o->over = true;
		return;
	}
	o->n += (size_t)n;
	keep = (size_t)n < sizeof(o->end) - 1 ? (size_t)n : sizeof(o->end) - 1;
	memmove(o->end, o->end + keep, sizeof(o->end) - 1 - keep);
	memcpy(o->end + sizeof(o->end) - 1 - keep, b + n - keep, keep);
}

static void ask(struct chan *broker, struct one *o, uint64_t call)
{
	static const char slow[] = "{\"model\":\"m\",\"max_tokens\":99,"
				   "\"stream\":true,\"messages\":[{\"role\":"
				   "\"user\",\"content\":\"" SLOW "\"}]}";
	struct msg m = { .type = MSG_L_CALL };
	int pair[2], fds[2];

	fds[0] = memfd_sealed("request", span_str(slow));
	if (fds[0] < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		exit(1);
	fds[1] = pair[1];
	m.l_call = (struct m_l_call){ .call = call,
				      .api = LLM_MESSAGES,
				      .stream = 1,
				      .tokens = 99,
				      .size = sizeof(slow) - 1,
				      .model = SPAN_LIT("m") };
	if (chan_send(broker, &m, fds, 2) < 0)
		exit(1);
	(void)close(fds[0]);
	(void)close(fds[1]);
	o->fd = pair[0];
}

/* How many of them did not come whole; *most: how many were open at once. */
static size_t streams(int connector, size_t *most)
{
	static struct one all[STREAMS];
	static const size_t whole = 2 + sizeof(FIRST) - 1 +
				    EVENTS * (sizeof(DELTA) - 1) +
				    sizeof(LAST) - 1;
	struct chan broker = { 0 };
	size_t left = STREAMS, lost = 0, i;
	struct pollfd p[STREAMS];
	struct msg m;
	const char *why;

	assert_int_equal(chan_init(&broker, connector), 0);
	for (i = 0; i < STREAMS; i++)
		ask(&broker, &all[i], i + 1);
	for (*most = 0; left;) {
		size_t open_now = 0;

		for (i = 0; i < STREAMS; i++) {
			p[i] = (struct pollfd){ all[i].over ? -1 : all[i].fd,
						POLLIN, 0 };
			open_now += all[i].n && !all[i].over;
		}
		*most = open_now > *most ? open_now : *most;
		if (poll(p, STREAMS, 60000) <= 0)
			break;
		for (i = 0; i < STREAMS; i++)
			if (p[i].revents) {
				take(&all[i]);
				left -= all[i].over;
			}
	}
	for (i = 0; i < STREAMS; i++)
		lost += !all[i].over || all[i].n != whole ||
			!has(all[i].end, "message_stop");
	for (i = 0; i < STREAMS && !left; i++)
		lost += chan_recv(&broker, &m, &why) != 1 ||
			m.l_done.state != L_ANSWERED || m.l_done.told != 1;
	return lost;
}

int main(int argc, char **argv)
{
	static uint64_t whole[2][ROUNDS], first[2][ROUNDS];
	size_t lost, most;
	int fd, i;

	if (argc != 2 || setenv("BULKHEAD_LIBEXEC", argv[1], 1) < 0)
		return 2;
	libexec = argv[1];
	write_requests();
	gateway_start(provider_start(), true);
	llm = gateway_planner(&r);
	fd = gateway_provider();
	for (i = -WARM; i < ROUNDS; i++) {
		const struct took a = direct(fd, false), b = through(false),
				  c = direct(fd, true), d = through(true);

		(void)usleep(PAUSE_US);
		if (i < 0)
			continue;
		whole[0][i] = a.whole;
		whole[1][i] = b.whole;
		first[0][i] = c.first;
		first[1][i] = d.first;
	}
	lost = streams(gateway_connector(true), &most);
	printf("{\"n\": %d, \"direct_ns\": %" PRIu64
	       ", \"gateway_ns\": %" PRIu64 ", \"direct_first_ns\": %" PRIu64
	       ", \"gateway_first_ns\": %" PRIu64
	       ", \"streams\": %d, \"at_once\": %zu, \"lost\": %zu}\n",
	       ROUNDS, median(whole[0]), median(whole[1]), median(first[0]),
	       median(first[1]), STREAMS, most, lost);
	return world_stop(NULL);
}
