/*
 * items: from a connector's hand to the broker's verdict. The monitor moves
 * descriptors and counts; it never reads an item.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "privsep/spawn.h"

struct mitem *mitem_find(struct monitor *m, uint64_t id)
{
	size_t i;

	for (i = 0; id && i < MONITOR_ITEMS; i++)
		if (m->items[i].id == id)
			return &m->items[i];
	return NULL;
}

size_t items_count(const struct monitor *m)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < MONITOR_ITEMS; i++)
		n += m->items[i].id != 0;
	return n;
}

static void envelope_end(struct mitem *it)
{
	if (!it->envelope)
		return;
	loop_timer_del(&it->m->loop, it->envelope_timer);
	loop_del(&it->m->loop, it->envelope_pidfd);
	(void)syscall(SYS_pidfd_send_signal, it->envelope_pidfd, SIGKILL, NULL,
		      0);
	(void)waitpid(it->envelope, NULL, 0);
	it->envelope = 0;
	fd_close(&it->envelope_pidfd);
}

static void item_free(struct mitem *it)
{
	envelope_end(it);
	fd_close(&it->fd);
	*it = (struct mitem){ .fd = -1, .envelope_pidfd = -1 };
}

void items_end(struct monitor *m)
{
	size_t i;

	for (i = 0; i < MONITOR_ITEMS; i++)
		if (m->items[i].id)
			item_free(&m->items[i]);
}

/* It has ended by itself: nothing is left of it. */
static void on_envelope_exit(void *arg, int, short)
{
	envelope_end(arg);
}

/* Its work takes milliseconds: one that does not end is owned by its item,
 * which would wait for it for ever and keep its connector from others. */
static void on_envelope_late(void *arg)
{
	struct mitem *it = arg;

	log_warn("envelope-late", "item=%llu", (unsigned long long)it->id);
	it->envelope_timer = -1;
	envelope_end(it);
}

/* The process that reads the header's facts, and its channel's other end. */
static int envelope_start(struct monitor *m, struct mitem *it, struct err *err)
{
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	struct spawn s = { .proc = PROC_ENVELOPE, .libexec = m->libexec };
	char ids[32];
	int pair[2];
	pid_t pid;
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	ours = pair[0];
	theirs = pair[1];
	s.fds[0] = theirs;
	s.fds[1] = it->fd;
	(void)str_printf(ids, sizeof(ids), "item=%llu",
			 (unsigned long long)it->id);
	s.ids = ids;
	pid = spawn_process(&s, &it->envelope_pidfd, err);
	if (pid < 0)
		return pid;
	it->envelope = pid;
	it->m = m;
	it->envelope_timer =
		loop_timer(&m->loop, MONITOR_ENVELOPE_MS, on_envelope_late, it);
	if (it->envelope_timer < 0 ||
	    loop_add(&m->loop, it->envelope_pidfd, POLLIN, on_envelope_exit,
		     it) < 0)
		return err_set(err, -ENFILE, "no room in the loop");
	return take_fd(&ours);
}

/* A connector that sends nonsense is ours and broken: everything stops. */
void item_from_connector(struct monitor *m, struct core *c)
{
	const struct m_item *in = &m->in.item;
	CLEAN_FD int fd = chan_take_fd(&c->chan, 0);
	CLEAN_FD int envelope = -1;
	struct mitem *it = NULL;
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < MONITOR_ITEMS && !it; i++)
		if (!m->items[i].id)
			it = &m->items[i];
	if (!it || memfd_sealed_size(fd, LIMIT_ITEM) < 0 ||
	    memfd_sealed_size(fd, LIMIT_ITEM) != (ssize_t)in->size ||
	    str_copy(it->key, sizeof(it->key), in->key) < 0) {
		monitor_fatal(m, "a connector broke its limits");
		return;
	}
	it->id = ++m->next_item;
	it->connector = c;
	it->fd = take_fd(&fd);
	it->envelope_pidfd = -1;
	envelope = envelope_start(m, it, &err);
	if (envelope < 0) {
		monitor_fatal(m, err.msg);
		return;
	}
	m->out.type = MSG_ITEM_NEW;
	m->out.ids = m->ids;
	m->out.item_new = (struct m_item_new){
		.item = it->id,
		.source = span_str(c->name + strlen("connector:")),
		.key = span_str(it->key),
		.size = in->size,
	};
	memcpy(m->out.item_new.sha256, in->sha256, sizeof(in->sha256));
	core_send(m, &m->broker, &envelope, 1);
	vm_request(m, VM_READER, it->id, 0);
}

void item_verdict(struct monitor *m, const struct m_item_verdict *v)
{
	struct mitem *it = mitem_find(m, v->item);

	if (!it || v->verdict >= ITEM_VERDICT_MAX)
		return;
	m->counts[v->verdict]++;
	requests_drop_item(m, it->id);
	if (it->connector->pid) {
		m->out.type = MSG_ITEM_DONE;
		m->out.ids = m->ids;
		m->out.item_done =
			(struct m_item_done){ span_str(it->key), v->verdict };
		core_send(m, it->connector, NULL, 0);
	}
	item_free(it);
}
