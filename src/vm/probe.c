/*
 * probe: which back-end really works here; see vm.h. That /dev/kvm exists says
 * little (nested and paravirtual hosts have one that cannot run a stock
 * kernel), so a real guest is booted and must answer the wire's handshake.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/spawn.h"
#include "proto/wire.h"
#include "vm/launch.h"
#include "vm/probe_cache.h"
#include "vm/tsc.h"
#include "vm/vm.h"

enum {
	PROBE_MEMORY_MIB = 128,
	PROBE_KERNEL_MAX = 512 << 20,
	KEY_TEXT = 1024,
	ONLY_LIMIT_S = 60, /* asked for by name: nothing else to turn to */
};

static const struct candidate {
	enum vm_backend backend;
	uint32_t limit_s;
} candidates[] = {
	{ VM_QEMU_KVM, 10 },
	/* The last: on a busy host it is slow, and `up` waits for a minute. */
	{ VM_QEMU_TCG, 45 },
};

struct probe {
	const char *libexec;
	const struct vm_images *images;
	enum vm_backend want;
	uint32_t tsc_khz;
	/* One was given up by the clock: on another day it may run. */
	bool late;
};

/* A guest that is being tried. */
struct trial {
	int wire;
	pid_t pid;
	int pidfd;
	uint64_t start_ms, end_ms;
	struct wire_in in;
	struct wire_hello hello;
	struct buf out;
};

/* --- the handshake ------------------------------------------------------ */

static int say_hello(struct trial *t)
{
	struct wire_hello *h = &t->hello;

	*h = (struct wire_hello){ .version = WIRE_VERSION,
				  .workload = WIRE_PROBE,
				  .wall_ns = clock_ns(CLOCK_REALTIME) };
	if (getrandom(h->random, sizeof(h->random), 0) != WIRE_RANDOM ||
	    getrandom(h->key, sizeof(h->key), 0) != WIRE_KEY)
		return -EIO;
	wire_hello_put(&t->out, h);
	if (!buf_ok(&t->out))
		return -ENOMEM;
	/* It fits the socket. Whose jail failed at once has hung up already. */
	if (send(t->wire, t->out.p, t->out.n, MSG_NOSIGNAL) !=
	    (ssize_t)t->out.n)
		return -ECHILD;
	return 0;
}

/* The first message must be the guest's proof. 1: it is, 0: more bytes. */
static int check_answer(struct trial *t, struct span bytes)
{
	struct span hello = buf_view(&t->out);
	struct wire_msg m;
	int r = wire_in_next(&t->in, &bytes, &m);

	if (r <= 0)
		return r < 0 ? -EPROTO : 0;
	hello = span_of(hello.p + WIRE_HEAD, hello.n - WIRE_HEAD);
	if (m.type != WIRE_ACK ||
	    wire_ack_check(m.payload, t->hello.key, hello) != WIRE_OK)
		return -EPROTO;
	return 1;
}

static int wait_answer(struct trial *t)
{
	struct pollfd p[] = { { .fd = t->wire, .events = POLLIN },
			      { .fd = t->pidfd, .events = POLLIN } };
	uint8_t chunk[4096];

	for (;;) {
		uint64_t now = now_ms();
		ssize_t n;
		int r;

		if (now >= t->end_ms)
			return -ETIMEDOUT;
		if (poll(p, 2, (int)(t->end_ms - now)) < 0 && errno != EINTR)
			return -errno;
		if (!(p[0].revents & (POLLIN | POLLHUP))) {
			if (p[1].revents)
				return -ECHILD;
			continue;
		}
		n = read(t->wire, chunk, sizeof(chunk));
		if (n <= 0)
			return -ECHILD;
		r = check_answer(t, span_of(chunk, (size_t)n));
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

/* --- one candidate ------------------------------------------------------ */

static int start_guest(const struct probe *p, const struct candidate *c,
		       struct trial *t, struct err *err)
{
	struct vm_spec spec = { .backend = c->backend,
				.memory_mib = PROBE_MEMORY_MIB,
				.cpus = 1,
				.deadline_s = c->limit_s,
				.tsc_khz = p->tsc_khz,
				.own_qemu = p->images->qemu_fd >= 0 };
	CLEAN_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int theirs = -1;
	char text[VM_SPEC_TEXT];
	const char *const args[] = { text, NULL };
	int pair[2];

	if (null_fd < 0 || vm_spec_format(text, sizeof(text), &spec) < 0)
		return err_set(err, -EIO, "probe: /dev/null");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "probe: %s", strerror(errno));
	t->wire = pair[0];
	theirs = pair[1];
	t->start_ms = now_ms();
	t->end_ms = t->start_ms + c->limit_s * 1000ull;
	t->pid = spawn_process(
		&(struct spawn){
			.proc = PROC_VMM,
			.libexec = p->libexec,
			.fds = { theirs, null_fd, p->images->kernel_fd,
				 p->images->initrd_fd[WIRE_PROBE], null_fd,
				 null_fd, null_fd,
				 spec.own_qemu ? p->images->qemu_fd : null_fd },
			.args = args },
		&t->pidfd, err);
	return t->pid < 0 ? (int)t->pid : 0;
}

/* Ends it; returns how bulkhead-vmm exited, -1 if it had to be killed. */
static int end_guest(struct trial *t, bool gone)
{
	int status = 0;

	if (t->pid > 0) {
		if (!gone)
			(void)syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL,
				      NULL, 0);
		while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	fd_close(&t->pidfd);
	fd_close(&t->wire);
	explicit_bzero(&t->hello, sizeof(t->hello));
	buf_done(&t->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Boots a guest; why says what happened if it does not run. 0 or -errno. */
static int try_candidate(const struct probe *p, const struct candidate *c,
			 uint32_t *boot_ms, char *why, size_t why_cap)
{
	struct trial t = { .wire = -1, .pid = -1, .pidfd = -1 };
	struct err err = { 0 };
	int status;
	int r;

	buf_init(&t.out, 1024);
	r = start_guest(p, c, &t, &err);
	if (r == 0)
		r = say_hello(&t);
	if (r == 0)
		r = wait_answer(&t);
	*boot_ms = (uint32_t)(now_ms() - t.start_ms);
	status = end_guest(&t, r == -ECHILD);
	if (r == -ETIMEDOUT)
		(void)str_printf(why, why_cap,
				 "a guest does not start within %u s",
				 c->limit_s);
	else if (r == -ECHILD && status == VM_EXIT_JAIL)
		(void)str_printf(why, why_cap, "its jail cannot be built");
	else if (r == -EPROTO)
		(void)str_printf(why, why_cap, "the guest answers wrongly");
	else if (r < 0)
		(void)str_printf(why, why_cap, "%s",
				 err.code ? err.msg : "cannot run a guest");
	return r;
}

/* --- which ---------------------------------------------------------------- */

/* Why a candidate need not be tried at all; NULL if it must. */
static const char *obstacle(const struct probe *p, const struct candidate *c)
{
	if (p->images->qemu_fd < 0 &&
	    access(vm_backend_program(c->backend), X_OK) < 0)
		return "its QEMU is not installed (apt-get install "
		       "qemu-system-x86)";
	if (c->backend != VM_QEMU_KVM)
		return NULL;
	if (access("/dev/kvm", F_OK) < 0)
		return "there is no /dev/kvm";
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return "/dev/kvm is closed to this user (group kvm)";
	return NULL;
}

static void say_why(struct vm_probe *r, const struct probe *p,
		    const char *kvm_why)
{
	const char *exists =
		strstr(kvm_why, "/dev/kvm") || strstr(kvm_why, "QEMU")
			? ""
			: "/dev/kvm exists but ";

	if (r->backend == VM_QEMU_KVM)
		(void)str_printf(r->why, sizeof(r->why),
				 "hardware virtualization (KVM)");
	else if (p->want == VM_QEMU_TCG)
		(void)str_printf(r->why, sizeof(r->why),
				 "emulation (TCG), slow: as configured");
	else
		(void)str_printf(r->why, sizeof(r->why),
				 "emulation (TCG), slow: %s%s", exists,
				 kvm_why);
}

static int try_all(struct probe *p, struct vm_probe *ret, struct err *err)
{
	char why[ARRAY_SIZE(candidates)][120] = { "", "" };
	size_t i;
	int r;

	static_assert(ARRAY_SIZE(candidates) == 2, "kvm and tcg");
	for (i = 0; i < ARRAY_SIZE(candidates); i++) {
		struct candidate c = candidates[i];
		const char *no = obstacle(p, &c);

		if (p->want != VM_AUTO && p->want != c.backend)
			no = "not asked for";
		if (no) {
			(void)str_printf(why[i], sizeof(why[i]), "%s", no);
			continue;
		}
		if (p->want != VM_AUTO)
			c.limit_s = ONLY_LIMIT_S;
		r = try_candidate(p, &c, &ret->boot_ms, why[i], sizeof(why[i]));
		p->late |= r == -ETIMEDOUT;
		if (r < 0)
			continue;
		ret->backend = c.backend;
		say_why(ret, p, why[0]);
		return 0;
	}
	if (p->want != VM_AUTO)
		return err_set(err, -ENODEV,
			       "no virtual machine runs with `backend: %s`: "
			       "%s. `backend: auto` takes what runs; `bulkhead "
			       "doctor` has more",
			       vm_backend_name(p->want),
			       why[p->want == VM_QEMU_KVM ? 0 : 1]);
	return err_set(err, -ENODEV,
		       "no virtual machine runs here. KVM: %s. Emulation: %s. "
		       "Run 'bulkhead doctor'",
		       why[0], why[1]);
}

/* --- what the answer depends on ----------------------------------------------
 */

static int add_memfd(EVP_MD_CTX *md, int fd)
{
	ssize_t size = memfd_sealed_size(fd, PROBE_KERNEL_MAX);
	void *m;
	int ok;

	if (size <= 0)
		return -EPERM;
	m = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return -errno;
	ok = EVP_DigestUpdate(md, m, (size_t)size);
	(void)munmap(m, (size_t)size);
	return ok ? 0 : -EIO;
}

static int add_host(EVP_MD_CTX *md, const struct probe *p)
{
	char text[KEY_TEXT];
	struct stat st;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(candidates); i++) {
		const struct candidate *c = &candidates[i];

		if (stat(vm_backend_program(c->backend), &st) < 0)
			st = (struct stat){ 0 };
		n = str_printf(text, sizeof(text),
			       "%s %lld %lld.%09ld open=%d want=%d\n",
			       vm_backend_program(c->backend),
			       (long long)st.st_size,
			       (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			       obstacle(p, c) == NULL, p->want);
		if (n < 0 || !EVP_DigestUpdate(md, text, (size_t)n))
			return -EIO;
	}
	return 0;
}

/* SHA-256 over kernel, image, the QEMUs and what was asked for. */
static int make_key(const struct probe *p, char ret[PROBE_KEY_HEX + 1])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sum[PROBE_KEY_HEX / 2];
	int r = -ENOMEM;

	if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		r = add_host(md, p);
	if (r == 0)
		r = add_memfd(md, p->images->kernel_fd);
	if (r == 0)
		r = add_memfd(md, p->images->initrd_fd[WIRE_PROBE]);
	if (r == 0 && p->images->qemu_fd >= 0)
		r = add_memfd(md, p->images->qemu_fd);
	if (r == 0 && !EVP_DigestFinal_ex(md, sum, NULL))
		r = -EIO;
	EVP_MD_CTX_free(md);
	if (r == 0)
		hex_encode(ret, sum, sizeof(sum));
	return r;
}

int vm_probe(const char *libexec, int state_fd, const struct vm_images *images,
	     enum vm_backend want, struct vm_probe *ret, struct err *err)
{
	struct probe p = { .libexec = libexec,
			   .images = images,
			   .want = want,
			   .tsc_khz = vm_tsc_khz() };
	struct vm_probe found = { 0 };
	char key[PROBE_KEY_HEX + 1];
	int r = make_key(&p, key);

	if (r < 0)
		return err_set(err, r,
			       "probe: kernel or image cannot be read: run "
			       "'make images', or install bulkhead again");
	if (probe_cache_load(state_fd, key, &found) < 0) {
		r = try_all(&p, &found, err);
		/* An answer that cannot be kept is found again next time. */
		if (r == 0 && !p.late)
			(void)probe_cache_save(state_fd, key, &found);
	}
	if (r < 0)
		return r;
	found.tsc_khz = p.tsc_khz;
	*ret = found;
	return 0;
}
