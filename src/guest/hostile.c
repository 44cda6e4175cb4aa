/*
 * hostile: a guest that breaks the protocol, for the tests of the host: it
 * stands where init stands (tools/image hostile-MODE), boots in the same real
 * VM, and does what the first line of /mode says. Never part of an image that
 * does real work.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "guest/guest.h"

static struct port port;
static struct buf out;
static uint8_t filler[LIMIT_WIRE_FRAME];

static _Noreturn void off(void)
{
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)pause();
}

void note(const char *, int)
{
}

static _Noreturn void silent(void)
{
	for (;;)
		(void)pause();
}

static void send_out(void)
{
	if (port_send(&port, &out) < 0)
		off();
	buf_reset(&out);
}

static void send_frame(enum wire_type t, enum wire_service s, struct span p)
{
	wire_put(&out, t, s, p);
	send_out();
}

/* A head by hand, for what wire_put refuses. */
static void send_head(uint32_t len, uint8_t type, uint8_t service,
		      uint16_t zero)
{
	buf_u32(&out, len);
	buf_u8(&out, type);
	buf_u8(&out, service);
	buf_u16(&out, zero);
	send_out();
}

/* HELLO as it came, unanswered. */
static void take_hello(struct wire_frame *f, struct wire_hello *h)
{
	struct pollfd pfd = { .fd = port.fd, .events = POLLIN };
	int r;

	while ((r = port_next(&port, f)) == 0)
		(void)poll(&pfd, 1, -1);
	if (r < 0 || wire_hello_get(f->payload, h) != WIRE_OK)
		off();
}

static enum wire_service service_of(const struct wire_hello *h)
{
	return h->workload == WIRE_PLANNER_TRIAGE ||
			       h->workload == WIRE_PLANNER_GULLIBLE
		       ? WIRE_MCP
		       : WIRE_READER;
}

/* An honest start; the service is that of the workload the host wanted. */
static enum wire_service start_well(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	wire_ack_put(&out, h.key, f.payload);
	send_out();
	send_frame(WIRE_READY, WIRE_CONTROL, span_of(NULL, 0));
	return service_of(&h);
}

/* ---- the modes; each may return, and is silent then */

static void bad_mac(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	h.key[0] ^= 1;
	wire_ack_put(&out, h.key, f.payload);
	send_out();
}

/* What this guest would have answered in another handshake. */
static void replay(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	memset(h.key, 0x55, sizeof(h.key));
	wire_ack_put(&out, h.key, SPAN_LIT("an earlier HELLO"));
	send_out();
}

static void bad_version(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	wire_ack_put(&out, h.key, f.payload);
	out.p[WIRE_HEAD] ^= 2;
	send_out();
}

static void short_ack(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	send_frame(WIRE_ACK, WIRE_CONTROL, span_of("\1\0", 2));
}

static void early_data(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	send_frame(WIRE_DATA, service_of(&h), SPAN_LIT("{}"));
}

/* Before it has heard anything. */
static void first_word(void)
{
	send_frame(WIRE_READY, WIRE_CONTROL, span_of(NULL, 0));
}

static void silence(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
}

/* A good handshake, and then not a word. */
static void mute(void)
{
	(void)start_well();
}

static void no_ready(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	wire_ack_put(&out, h.key, f.payload);
	send_out();
	send_frame(WIRE_DATA, service_of(&h), SPAN_LIT("{}"));
}

static void second_ack(void)
{
	struct wire_frame f;
	struct wire_hello h;

	take_hello(&f, &h);
	wire_ack_put(&out, h.key, f.payload);
	wire_ack_put(&out, h.key, f.payload);
	send_out();
}

static void oversized(void)
{
	send_head(LIMIT_WIRE_FRAME + 1, WIRE_DATA, (uint8_t)start_well(), 0);
}

static void huge(void)
{
	send_head(UINT32_MAX, WIRE_DATA, (uint8_t)start_well(), 0);
}

static void unknown_type(void)
{
	(void)start_well();
	send_head(0, WIRE_TYPE_MAX, WIRE_CONTROL, 0);
}

static void unknown_service(void)
{
	(void)start_well();
	send_head(1, WIRE_DATA, WIRE_SERVICE_MAX, 0);
}

static void wrong_service(void)
{
	enum wire_service s = start_well();

	send_frame(WIRE_DATA, s == WIRE_MCP ? WIRE_READER : WIRE_MCP,
		   SPAN_LIT("{}"));
}

static void reserved_bits(void)
{
	send_head(1, WIRE_DATA, (uint8_t)start_well(), 1);
}

/* The host's own word. */
static void hello_back(void)
{
	(void)start_well();
	send_frame(WIRE_HELLO, WIRE_CONTROL, span_of(filler, WIRE_HELLO_LEN));
}

static void long_log(void)
{
	(void)start_well();
	send_frame(WIRE_LOG, WIRE_LOGS, span_of(filler, WIRE_LOG_MAX + 1));
}

static void log_flood(void)
{
	(void)start_well();
	for (;;)
		send_frame(WIRE_LOG, WIRE_LOGS, span_of(filler, WIRE_LOG_MAX));
}

static void giant_stream(void)
{
	enum wire_service s = start_well();

	for (;;)
		send_frame(WIRE_DATA, s, span_of(filler, sizeof(filler)));
}

static void tiny_flood(void)
{
	enum wire_service s = start_well();

	for (;;)
		send_frame(WIRE_DATA, s, SPAN_LIT(" "));
}

static void half_frame(void)
{
	send_head(LIMIT_WIRE_FRAME, WIRE_DATA, (uint8_t)start_well(), 0);
	off();
}

static void early_exit(void)
{
	(void)start_well();
	wire_exit_put(&out, &(struct wire_exit){ WIRE_EXIT_CODE, 0 });
	send_out();
}

static void bad_exit(void)
{
	(void)start_well();
	wire_exit_put(&out, &(struct wire_exit){ 77, 0 });
	send_out();
}

static void after_exit(void)
{
	enum wire_service s = start_well();

	wire_exit_put(&out, &(struct wire_exit){ WIRE_EXIT_CODE, 0 });
	wire_put(&out, WIRE_DATA, s, SPAN_LIT("{}"));
	send_out();
}

static void after_end(void)
{
	enum wire_service s = start_well();

	wire_put(&out, WIRE_END, s, span_of(NULL, 0));
	wire_put(&out, WIRE_DATA, s, SPAN_LIT("{}"));
	send_out();
}

static void power_off(void)
{
	(void)start_well();
	off();
}

/* A flawless wire, and rubbish on it. */
static void rubbish(void)
{
	enum wire_service s = start_well();

	wire_put(&out, WIRE_DATA, s, SPAN_LIT("\x1b[2J{\"subject\":\xff"));
	wire_put(&out, WIRE_END, s, span_of(NULL, 0));
	wire_exit_put(&out, &(struct wire_exit){ WIRE_EXIT_CODE, 0 });
	send_out();
}

static const struct {
	const char *name;
	void (*fn)(void);
} modes[] = {
	{ "bad-mac", bad_mac },
	{ "replay", replay },
	{ "bad-version", bad_version },
	{ "short-ack", short_ack },
	{ "early-data", early_data },
	{ "first-word", first_word },
	{ "silence", silence },
	{ "mute", mute },
	{ "no-ready", no_ready },
	{ "second-ack", second_ack },
	{ "oversized", oversized },
	{ "huge", huge },
	{ "unknown-type", unknown_type },
	{ "unknown-service", unknown_service },
	{ "wrong-service", wrong_service },
	{ "reserved-bits", reserved_bits },
	{ "hello-back", hello_back },
	{ "long-log", long_log },
	{ "log-flood", log_flood },
	{ "giant-stream", giant_stream },
	{ "tiny-flood", tiny_flood },
	{ "half-frame", half_frame },
	{ "early-exit", early_exit },
	{ "bad-exit", bad_exit },
	{ "after-exit", after_exit },
	{ "after-end", after_end },
	{ "power-off", power_off },
	{ "rubbish", rubbish },
};

int main(void)
{
	char mode[32] = { 0 };
	CLEAN_FD int fd = open("/mode", O_RDONLY | O_CLOEXEC);
	size_t i;

	if (fd < 0 || fd_read_all(fd, mode, sizeof(mode) - 1) <= 0 ||
	    mounts_early() < 0 || port_open(&port) < 0)
		off();
	mode[strcspn(mode, "\n")] = 0;
	buf_init(&out, 1 << 20);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, mode) == 0) {
			modes[i].fn();
			silent();
		}
	}
	off();
}
