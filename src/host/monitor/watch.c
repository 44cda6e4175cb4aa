/*
 * watch: the owner looks at a VM's wire (`bulkhead wire`). For each watcher a
 * channel is made: one end goes to the command, through control, the other to
 * the VM's porter, which copies each frame onto it. We keep a duplicate of that
 * other end, to say first which VM it is and at last why it ended; the frames
 * themselves never pass here. Who waits for the next VM of a kind is a row
 * without a VM, and attached before the VM's first frame.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

static void answer(struct monitor *m, enum msg_type t, const char *text,
		   const int *fd)
{
	m->out.type = t;
	m->out.ids = m->ids;
	if (t == MSG_C_FAIL)
		m->out.text.text = span_str(text);
	else
		m->out.empty = (struct m_empty){ 0 };
	core_send(m, &m->control, fd, fd ? 1 : 0);
}

/* Without waiting for who may not read; its porter, which has the same end and
 * may be owned, could fill it and make it one that waits. */
static int tell(const struct watch *w, const struct msg *m)
{
	struct chan c;
	int fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = chan_init(&c, fd);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	c.send_no_wait = true;
	r = chan_send(&c, m, NULL, 0);
	chan_done(&c);
	return r;
}

static void forget(struct watch *w)
{
	fd_close(&w->fd);
	*w = (struct watch){ .fd = -1 };
}

/* The watcher has gone, and nobody can be told anything any more. */
static bool hung_up(const struct watch *w)
{
	struct pollfd p = { .fd = w->fd };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static struct watch *free_row(struct monitor *m)
{
	size_t i;

	for (i = 0; i < MONITOR_WATCHES; i++)
		if (m->watches[i].used && hung_up(&m->watches[i]))
			forget(&m->watches[i]);
	for (i = 0; i < MONITOR_WATCHES; i++)
		if (!m->watches[i].used)
			return &m->watches[i];
	return NULL;
}

/* Binds a watcher to a VM: recorded first, then told. False: it has gone. */
static bool bind(struct monitor *m, struct watch *w, const struct mvm *v)
{
	struct msg say = { .type = MSG_HELLO, .ids = m->ids };
	char name[32], what[64];

	if (hung_up(w)) {
		forget(w);
		return false;
	}
	w->vm = v->id;
	vm_audit(m, v, "vm.watched");
	monitor_audit(m);
	(void)str_printf(name, sizeof(name), "vm-%llu",
			 (unsigned long long)v->id);
	(void)str_printf(what, sizeof(what), "%s, item %llu", vm_zone(v->kind),
			 (unsigned long long)v->item);
	say.hello = (struct m_hello){ span_str(name), span_str(what) };
	if (!generation_works(m) || tell(w, &say) < 0) {
		forget(w);
		return false;
	}
	return true;
}

size_t watch_next(struct monitor *m, const struct mvm *v, int fds[MONITOR_TAPS])
{
	size_t i, n = 0;

	for (i = 0; i < MONITOR_WATCHES && n < MONITOR_TAPS; i++) {
		struct watch *w = &m->watches[i];

		if (w->used && !w->vm && (!w->kind || w->kind == v->kind) &&
		    bind(m, w, v))
			fds[n++] = w->fd;
	}
	return n;
}

void watch_send(struct monitor *m, struct mvm *v, const int *fds, size_t n)
{
	size_t i;

	m->out.type = MSG_TAP;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	/* One that does not take it is about to end, and so is the view. */
	for (i = 0; i < n; i++)
		vm_send(m, v, &fds[i], 1);
}

void watch_end(struct monitor *m, uint64_t vm, const char *reason)
{
	struct msg say = { .type = MSG_VM_GONE,
			   .ids = m->ids,
			   .vm_gone = { vm, span_str(reason) } };
	size_t i;

	for (i = 0; i < MONITOR_WATCHES; i++) {
		if (!m->watches[i].used || m->watches[i].vm != vm)
			continue;
		(void)tell(&m->watches[i], &say);
		forget(&m->watches[i]);
	}
}

/* How many watch that VM. */
static size_t watching(const struct monitor *m, uint64_t vm)
{
	size_t i, n = 0;

	for (i = 0; i < MONITOR_WATCHES; i++)
		n += m->watches[i].used && m->watches[i].vm == vm;
	return n;
}

/* A channel for a watcher, one end in the row, the other returned. */
static int make_row(struct watch *w, uint8_t kind)
{
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0)
		return r;
	*w = (struct watch){ .used = true, .kind = kind, .fd = pair[0] };
	return pair[1];
}

void watch_request(struct monitor *m)
{
	const struct m_c_wire want = m->in.c_wire;
	struct watch *w = free_row(m);
	CLEAN_FD int theirs = -1;
	struct mvm *v = NULL;

	if (want.kind >= VM_KIND_MAX || (want.vm && want.kind)) {
		answer(m, MSG_C_FAIL, "no such kind of VM", NULL);
		return;
	}
	if (want.vm)
		v = vm_find(m, want.vm);
	if (want.vm && (!v || v->role != VM_WORKING)) {
		answer(m, MSG_C_FAIL,
		       "no VM of that number runs; `bulkhead wire next` waits "
		       "for one",
		       NULL);
		return;
	}
	if (!w || (want.vm && watching(m, want.vm) == MONITOR_TAPS)) {
		answer(m, MSG_C_FAIL, "too many watch already", NULL);
		return;
	}
	theirs = make_row(w, want.kind);
	if (theirs < 0) {
		answer(m, MSG_C_FAIL, "no descriptors left", NULL);
		return;
	}
	if (v && bind(m, w, v))
		watch_send(m, v, &w->fd, 1);
	if (!m->stopping)
		answer(m, MSG_C_OK, NULL, &theirs);
}
