/* main: see hostile.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/hostile/hostile.h"

static const struct modes *const tables[] = { &modes_greet, &modes_frames,
					      &modes_machine };

const struct mode *mode_find(struct span name)
{
	size_t t, i;

	for (t = 0; t < ARRAY_SIZE(tables); t++)
		for (i = 0; i < tables[t]->n; i++)
			if (span_is(name, tables[t]->rows[i].name))
				return &tables[t]->rows[i];
	return NULL;
}

static _Noreturn void misbehave(struct hostile *g)
{
	g->mode->fn(g);
	flush(g);
	silent();
}

/* Now, in this session, if its mode is one of these. */
static void perhaps(struct hostile *g, enum mode_when when)
{
	bool template = g->hello.flags & WIRE_HELLO_TEMPLATE;

	if (g->mode && g->mode->when == when &&
	    (g->mode->where == IN_BOTH ||
	     g->mode->where == (template ? IN_TEMPLATE : IN_WORK)))
		misbehave(g);
}

/* The mode that the mail asks for. */
static const struct mode *mode_of_mail(const struct hostile *g)
{
	static const char field[] = "\r\nX-Mode: ";
	const uint8_t *at =
		memmem(g->mail.p, g->mail.n, field, sizeof(field) - 1);
	const uint8_t *end;
	size_t left;

	if (!at)
		return NULL;
	at += sizeof(field) - 1;
	left = g->mail.n - (size_t)(at - g->mail.p);
	end = memchr(at, '\r', left);
	return end ? mode_find(span_of(at, (size_t)(end - at))) : NULL;
}

static void work(struct hostile *g, bool by_mail)
{
	work_take(g);
	if (g->away)
		return;
	if (by_mail)
		g->mode = mode_of_mail(g);
	perhaps(g, WHEN_WORKING);
	work_answer(g);
}

/* From HELLO until the host goes away, as it does in a template. */
static void session(struct hostile *g, bool by_mail)
{
	hello_take(g);
	perhaps(g, WHEN_GREETED);
	ack_put(g);
	flush(g);
	ready_put(g);
	flush(g);
	while (!g->away)
		work(g, by_mail);
	mux_go_away(&g->mux, 0);
	flush(g);
}

static ssize_t mode_read(char *text, size_t n)
{
	CLEAN_FD int fd = open("/mode", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -errno : fd_read_all(fd, text, n);

	while (got > 0 && text[got - 1] == '\n')
		got--;
	return got;
}

int main(void)
{
	static struct hostile g;
	char name[64];
	ssize_t n = mode_read(name, sizeof(name));
	bool by_mail;

	if (n <= 0)
		off();
	by_mail = span_is(span_of(name, (size_t)n), "mail");
	g.mode = mode_find(span_of(name, (size_t)n));
	if ((!by_mail && !g.mode) || mounts_early() < 0 ||
	    port_open(&g.port) < 0)
		off();
	buf_init(&g.out, 4096);
	buf_init(&g.mail, 64 << 10);
	perhaps(&g, WHEN_BOOTED);
	for (;;)
		session(&g, by_mail);
}
