/* peers_rig: see peers_rig.h. */
#include "peers_rig.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/sha256.h"
#include "base/str.h"
#include "policy/policy.h"
#include "privsep/spawn.h"
#include "proto/message.h"
#include "proto/message_sample.h"

enum { HEAR_SECONDS = 8, SOON_MS = 3000 };

const char *libexec;

struct world w;

struct msg out, in;

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

void chan_limited(struct chan *c, int fd)
{
	const struct timeval limit = { .tv_sec = HEAR_SECONDS };

	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		0);
	assert_int_equal(chan_init(c, fd), 0);
}

void say(struct chan *c, enum msg_type t, int fd)
{
	out.type = t;
	assert_int_equal(chan_send(c, &out, &fd, fd >= 0 ? 1 : 0), 0);
}

/* The next message of that type; those before it are passed over. */
void hear(struct chan *c, enum msg_type t)
{
	const char *why;

	do
		if (chan_recv(c, &in, &why) != 1)
			fail_msg("no %s came", msg_type_name(t));
	while (in.type != t);
}

/* Whether the other end has been closed. */
bool closed(struct chan *c)
{
	const char *why;
	int r;

	do
		r = chan_recv(c, &in, &why);
	while (r == 1);
	return r == 0;
}

pid_t start_process(enum proc p, const int *fds, size_t n)
{
	const char *const email[] = { "email", NULL };
	struct spawn s = { .proc = p,
			   .libexec = libexec,
			   .args = p == PROC_ENVELOPE ? email : NULL };
	struct err err = { 0 };
	CLEAN_FD int pidfd = -1;
	pid_t pid;
	size_t i;

	for (i = 0; i < n; i++)
		s.fds[i] = fds[i];
	pid = spawn_process(&s, &pidfd, &err);
	if (pid < 0)
		fail_msg("%s", err.msg);
	return pid;
}

void world_begin(void)
{
	int a[2], audit[2], m[2], c[2], s[2], kept[2];
	CLEAN_FD int dir = -1;
	CLEAN_FD int queue = -1;
	CLEAN_FD int tip = -1;
	CLEAN_FD int policy = -1;
	CLEAN_FD int gate = -1;

	dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	policy = memfd_sealed(
		"policy", w.bundle.n
				  ? w.bundle
				  : span_str(w.policy ? w.policy
						      : policy_default_text()));
	(void)mkdirat(dir, "store", 0700);
	queue = openat(dir, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(dir, "tip", 0700);
	tip = openat(dir, "tip", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(gate_make(&w.gate, &gate), 0);
	assert_true(dir >= 0 && queue >= 0 && tip >= 0 && policy >= 0);
	assert_int_equal(chan_pair(s), 0);
	assert_int_equal(chan_pair(kept), 0);
	assert_int_equal(chan_pair(a), 0);
	assert_int_equal(chan_pair(audit), 0);
	assert_int_equal(chan_pair(m), 0);
	assert_int_equal(chan_pair(c), 0);
	w.auditd = start_process(PROC_AUDITD,
				 (int[]){ a[1], audit[1], dir, tip }, 4);
	w.store = start_process(PROC_STORE, (int[]){ s[1], kept[1], queue }, 3);
	w.broker = start_process(
		PROC_BROKER,
		(int[]){ m[1], audit[0], c[1], policy, kept[0], gate }, 6);
	fd_close(&s[1]);
	fd_close(&kept[0]);
	fd_close(&kept[1]);
	fd_close(&a[1]);
	fd_close(&audit[0]);
	fd_close(&audit[1]);
	fd_close(&m[1]);
	fd_close(&c[1]);
	chan_limited(&w.auditd_monitor, a[0]);
	chan_limited(&w.store_monitor, s[0]);
	chan_limited(&w.monitor, m[0]);
	chan_limited(&w.control, c[0]);
	out.hello = (struct m_hello){ span_str("auditd"), span_str("boot") };
	say(&w.auditd_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str("store"),
				      span_str("items=1000 bytes=100000000 "
					       "per_source=1000 reserve=0 "
					       "history=1000 last=none") };
	say(&w.store_monitor, MSG_HELLO, -1);
	out.hello =
		(struct m_hello){ span_str("p.yaml"),
				  span_str(w.tasks ? w.tasks
						   : "triage\nmail\x1fTell me."
						     "\x1e") };
	say(&w.monitor, MSG_HELLO, -1);
	hear(&w.monitor, MSG_READY);
}

int world_start(void **state)
{
	w = (struct world){ .dir = "/tmp/bhp-XXXXXX",
			    .next = 1,
			    .policy = state ? *state : NULL };
	assert_non_null(mkdtemp(w.dir));
	world_begin();
	return 0;
}

void world_end(void)
{
	chan_done(&w.monitor);
	chan_done(&w.control);
	chan_done(&w.auditd_monitor);
	chan_done(&w.store_monitor);
	(void)kill(w.broker, SIGKILL);
	(void)kill(w.auditd, SIGKILL);
	(void)kill(w.store, SIGKILL);
	(void)waitpid(w.broker, NULL, 0);
	(void)waitpid(w.store, NULL, 0);
	(void)waitpid(w.auditd, NULL, 0);
}

int world_stop(void **)
{
	world_end();
	(void)nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* The owner asks, and is answered soon: nobody has been harmed. */
void alive(void)
{
	uint64_t start = now_ms();

	out.empty = (struct m_empty){ 0 };
	say(&w.control, MSG_C_ITEMS, -1);
	hear(&w.control, MSG_C_OK);
	assert_true(now_ms() - start < SOON_MS);
	assert_int_equal(waitpid(w.broker, NULL, WNOHANG), 0);
	assert_int_equal(waitpid(w.auditd, NULL, WNOHANG), 0);
	assert_int_equal(waitpid(w.store, NULL, WNOHANG), 0);
}

/* What a connector gave, kept, and taken out again to be worked on. */
static void through_store(const char *key, struct m_item_new *ret)
{
	static unsigned serial;
	CLEAN_FD int fd = memfd_sealed("item", SPAN_LIT("x"));
	char unique[64];
	struct sha256 h;

	(void)str_printf(unique, sizeof(unique), "%u", ++serial);
	out.q_put = (struct m_q_put){ .source = SPAN_LIT("inbox"),
				      .key = span_str(unique),
				      .size = 1 };
	sha256_init(&h);
	sha256_add(&h, SPAN_LIT("x"));
	sha256_final(&h, out.q_put.sha256);
	say(&w.store_monitor, MSG_Q_PUT, fd);
	out.empty = (struct m_empty){ 0 };
	say(&w.store_monitor, MSG_Q_NEXT, -1);
	hear(&w.store_monitor, MSG_Q_ITEM);
	*ret = (struct m_item_new){ .item = in.q_item.item,
				    .source = span_str("inbox"),
				    .key = span_str(key),
				    .task = in.q_item.task,
				    .attempt = 1,
				    .sort = SORT_EMAIL };
}

/* What the monitor does with a new item; the envelope's end in *envelope. */
uint64_t new_item(const char *key, struct chan *envelope)
{
	struct m_item_new item;
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(envelope, pair[0]);
	through_store(key, &item);
	out.item_new = item;
	say(&w.monitor, MSG_ITEM_NEW, pair[1]);
	fd_close(&pair[1]);
	return item.item;
}

uint64_t new_vm(enum vm_kind kind, uint64_t item, struct chan *porter)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(porter, pair[0]);
	out.vm_new = (struct m_vm_new){ w.next++, (uint8_t)kind, item };
	/* Its task is the one that was asked for last. */
	out.ids.task = kind == VM_PLANNER ? in.task_start.task : 0;
	say(&w.monitor, MSG_VM_NEW, pair[1]);
	out.ids.task = 0;
	fd_close(&pair[1]);
	return w.next - 1;
}

void vm_gone(uint64_t vm, const char *reason)
{
	out.vm_gone = (struct m_vm_gone){ vm, span_str(reason) };
	say(&w.monitor, MSG_VM_GONE, -1);
}

int record_memfd(void)
{
	const struct message m = message_sample();
	CLEAN_BUF struct buf b;
	int fd;

	buf_init(&b, LIMIT_RECORD);
	message_encode(&b, &m);
	fd = memfd_sealed("record", buf_view(&b));
	assert_true(fd >= 0);
	return fd;
}

/* The other half of an item whose envelope is on its way: its record; then its
 * planner's porter. */
static void planner_after(uint64_t item, struct chan *planner, uint64_t *vm)
{
	CLEAN_FD int record = record_memfd();
	struct chan reader;
	uint64_t reader_vm = new_vm(VM_READER, item, &reader);

	out.empty = (struct m_empty){ 0 };
	say(&reader, MSG_RECORD, record);
	hear(&w.monitor, MSG_TASK_START);
	vm_gone(reader_vm, "done");
	*vm = new_vm(VM_PLANNER, item, planner);
	chan_done(&reader);
}

uint64_t planner_of_item(struct chan *planner, uint64_t *vm)
{
	struct chan envelope;
	uint64_t item = new_item("1.mail", &envelope);

	out.envelope = (struct m_envelope){ .ok = 1 };
	say(&envelope, MSG_ENVELOPE, -1);
	planner_after(item, planner, vm);
	chan_done(&envelope);
	return item;
}

uint64_t planner_of_mail(const char *mail, struct chan *planner, uint64_t *vm)
{
	CLEAN_FD int bytes = memfd_sealed("item", span_str(mail));
	struct chan envelope;
	uint64_t item = new_item("1.mail", &envelope);
	pid_t pid;

	assert_true(bytes >= 0);
	pid = start_process(PROC_ENVELOPE, (int[]){ envelope.fd, bytes }, 2);
	chan_done(&envelope);
	planner_after(item, planner, vm);
	(void)waitpid(pid, NULL, 0);
	return item;
}

void call(struct chan *planner, const char *capability, uint32_t n)
{
	call_bound(planner, capability, n, CALL_BOUND);
}

void call_bound(struct chan *planner, const char *capability, uint32_t n,
		enum call_bound bound)
{
	out.call.call = 1;
	out.call.bound = (uint8_t)bound;
	out.call.capability = span_str(capability);
	out.call.n = n;
	say(planner, MSG_CALL, -1);
}
