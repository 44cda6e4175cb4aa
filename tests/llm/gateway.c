/* gateway: see gateway.h. */
#include "gateway.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/system/peers_rig.h"

static struct sockaddr_in provider;
static int connector; /* the broker has it, too */

void gateway_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg) != 0 || pthread_detach(t) != 0)
		exit(1);
}

int gateway_provider(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&provider, sizeof(provider)) < 0)
		exit(1);
	return fd;
}

static void *netd(void *arg)
{
	struct chan c = { 0 };
	struct msg m;
	const char *why;

	if (chan_init(&c, (int)(intptr_t)arg) < 0)
		exit(1);
	while (chan_recv(&c, &m, &why) > 0) {
		int fd = gateway_provider();

		(void)fd_nonblock(fd, true);
		m = (struct msg){ .type = MSG_DIALED,
				  .text = { SPAN_LIT("127.0.0.1") } };
		if (chan_send(&c, &m, &fd, 1) < 0)
			exit(1);
		(void)close(fd);
	}
	return NULL;
}

/* What a connector tells the monitor, which nobody wants to know. */
static void *drain(void *arg)
{
	struct chan *c = arg;
	struct msg m;
	const char *why;

	while (chan_recv(c, &m, &why) > 0)
		;
	return NULL;
}

int gateway_connector(bool anthropic)
{
	static struct chan monitors[4];
	static size_t n_monitors;
	struct chan *monitor = &monitors[n_monitors++ % 4];
	int m[2], b[2], n[2], v[2];
	CLEAN_FD int dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int gate = -1;
	struct gate *latches;
	char words[256];

	assert_int_equal(gate_make(&latches, &gate), 0);
	assert_int_equal(chan_pair(m), 0);
	assert_int_equal(chan_pair(b), 0);
	assert_int_equal(chan_pair(n), 0);
	assert_int_equal(chan_pair(v), 0);
	(void)start_process(PROC_ONLINE,
			    (int[]){ m[1], b[1], n[1], v[1], dir, gate }, 6);
	(void)close(m[1]);
	(void)close(b[1]);
	(void)close(n[1]);
	(void)close(v[1]);
	assert_int_equal(chan_init(monitor, m[0]), 0);
	(void)snprintf(words, sizeof(words),
		       "kind=model\nhosts=127.0.0.1:%u\napi=%s\n"
		       "models=m\nprivate=yes\nplain=yes\n",
		       ntohs(provider.sin_port),
		       anthropic ? "anthropic" : "openai");
	out.hello = (struct m_hello){ SPAN_LIT("model"), span_str(words) };
	say(monitor, MSG_HELLO, -1);
	gateway_thread(netd, (void *)(intptr_t)n[0]);
	gateway_thread(drain, monitor);
	return b[0];
}

void gateway_start(uint16_t port, bool anthropic)
{
	provider =
		(struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	(void)world_start(NULL);
	connector = gateway_connector(anthropic);
	out.connector = (struct m_connector){ .name = SPAN_LIT("model"),
					      .ways = WAY_MODEL,
					      .kind = SPAN_LIT("model") };
	say(&w.monitor, MSG_CONNECTOR, connector);
}

struct mux_stream *gateway_planner(struct rig *r)
{
	struct mux_stream *llm;
	struct chan planner;
	int pair[2];

	out.task_run = (struct m_task_run){ .text = SPAN_LIT("Think.") };
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.monitor, MSG_TASK_START);
	(void)new_vm(VM_PLANNER, in.task_start.item, &planner);
	pair[0] = dup(planner.fd);
	pair[1] = planner.fd;
	rig_start_between(r,
			  "workload=planner-llm deadline_ms=600000 model=m "
			  "tokens=99 api=messages binding=enforce",
			  -1, pair);
	rig_work(r, -1, 0);
	guest_open(r);
	llm = mux_open(&r->mux, WIRE_LLM);
	guest_sync(r);
	return llm;
}
