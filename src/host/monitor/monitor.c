/*
 * bulkhead-monitor: starts everything, owns the process graph, holds the kill.
 *
 * SECURITY. Reads the owner's configuration, the guest images (checked against
 * their sums) and typed messages; it passes the bytes of items on as sealed
 * descriptors and never reads one. It trusts the owner's files, takes the words
 * of porters and connectors as claims, and parses nothing foreign. It keeps the
 * rights to fork and to make namespaces for its children, and no capability
 * beyond those of the user that started it; no new privileges, no core.
 */
#include "host/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "privsep/sandbox.h"
#include "state/state.h"

static void tell_starter(struct monitor *m, const char *text)
{
	if (m->ready_fd < 0)
		return;
	(void)fd_write_all(m->ready_fd, span_str(text));
	(void)fd_write_all(m->ready_fd, SPAN_LIT("\n"));
}

void monitor_stop(struct monitor *m)
{
	m->stopping = true;
	loop_stop(&m->loop);
}

void monitor_fatal(struct monitor *m, const char *why)
{
	if (m->stopping)
		return;
	log_error("fatal", "what=\"everything is stopped\" why=\"%s\"", why);
	(void)str_printf(m->end_why, sizeof(m->end_why), "%s", why);
	m->exit_code = 1;
	monitor_stop(m);
}

void monitor_no_start(struct monitor *m, const char *why)
{
	if (m->stopping)
		return;
	tell_starter(m, why);
	log_error("start", "text=%s", why);
	(void)str_printf(m->end_why, sizeof(m->end_why), "%s", why);
	m->exit_code = 1;
	monitor_stop(m);
}

static void on_signal(void *arg, int fd, short revents)
{
	struct monitor *m = arg;
	struct signalfd_siginfo si;

	(void)revents;
	if (fd_read_all(fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGUSR1)
		latch_kill_all(m, "signal", SPAN_LIT("SIGUSR1"));
	else
		monitor_stop(m);
}

static int signals_to_fd(struct monitor *m)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0)
		return -errno;
	return loop_add(&m->loop, m->signal_fd, POLLIN, on_signal, m);
}

/* mkdir -p with mode 0700 for what is made. */
static int make_path(const char *path)
{
	char part[CONF_PATH_MAX];
	size_t i;

	for (i = 1; path[i - 1]; i++) {
		if (path[i] != '/' && path[i])
			continue;
		if (str_copy(part, sizeof(part), span_of(path, i)) < 0)
			return -ENAMETOOLONG;
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* `up` has brought it up to this version; a newer one is not for us. */
static int check_version(struct monitor *m, struct err *err)
{
	unsigned version;
	int r = state_version(m->state_fd, &version, err);

	if (r < 0 || version == STATE_VERSION)
		return r;
	return err_set(err, -ENOTSUP,
		       "%s/version:1:1: the state is of version %u, not %d: "
		       "start with the `bulkhead up` of this version",
		       m->conf.state, version, STATE_VERSION);
}

/* The state directory: ours alone, and one monitor at a time. */
static int open_state(struct monitor *m, struct err *err)
{
	const char *dir = m->conf.state;
	struct stat st;
	int lock;
	int r = make_path(dir);

	m->state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0 || m->state_fd < 0)
		return err_set(err, -EIO,
			       "%s: cannot be made or opened: "
			       "check the path and its owner",
			       dir);
	if (fstat(m->state_fd, &st) < 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 077))
		return err_set(err, -EPERM,
			       "%s: must belong to the user that "
			       "starts bulkhead, mode 0700: chmod 700 it",
			       dir);
	lock = openat(m->state_fd, "lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY,
			       "%s: bulkhead is already running "
			       "here: 'bulkhead status'",
			       dir);
	/* The lock's descriptor stays open as long as the monitor lives. */
	return check_version(m, err);
}

/* What porters of planners are told of the model that these ask. */
static void model_words(struct monitor *m)
{
	const struct conf *c = &m->conf;
	uint32_t i;

	for (i = 0; i < c->n_connectors; i++)
		if (c->connectors[i].chosen)
			(void)str_printf(m->model_words, sizeof(m->model_words),
					 "model=%s tokens=%u api=%s binding=%s",
					 c->model, c->connectors[i].tokens,
					 c->connectors[i].anthropic ? "messages"
								    : "chat",
					 c->binding_observed ? "observe"
							     : "enforce");
}

/* The model of a planner that has it in its machine: whose file is a disk
 * there. Of its content the four bytes that every such file begins with are
 * read. */
static int open_model(struct monitor *m, struct err *err)
{
	const char *path = m->conf.gguf;
	struct stat st;
	char magic[4];
	int fd;

	if (m->conf.planner != PLANNER_LOCAL)
		return 0;
	m->exit_code = MONITOR_EXIT_OWNER;
	if (m->images.initrd_fd[WIRE_PLANNER_LOCAL] < 0)
		return err_set(err, -ENOENT,
			       "%s has no image of the planner local: run "
			       "'make local'",
			       m->images_dir);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s: the planner's model", path,
			       strerror(errno));
	m->disk_fd = fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    fd_pread_all(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, "GGUF", sizeof(magic)) != 0)
		return err_set(err, -EINVAL, "%s: no model of the format GGUF",
			       path);
	m->exit_code = 0;
	return 0;
}

static int prepare(struct monitor *m, struct err *err)
{
	CLEAN_BUF struct buf errs;
	const char *home = getenv("HOME");
	char run[2 * MSG_RUN + 1];
	int r;

	buf_init(&errs, 64 << 10);
	r = conf_load(m->conf_path, home ? home : "/", &m->conf, &errs);
	if (r < 0) {
		m->exit_code = MONITOR_EXIT_OWNER;
		return err_set(err, r, "%s", buf_cstr(&errs));
	}
	model_words(m);
	r = open_state(m, err);
	if (r < 0)
		return r;
	r = latch_start(m, err);
	if (r < 0)
		return r;
	r = policy_open(m, err);
	if (r < 0) {
		m->exit_code = MONITOR_EXIT_OWNER;
		return r;
	}
	r = vm_images_load(m->images_dir, &m->images, err);
	if (r == 0)
		r = open_model(m, err);
	if (r == 0)
		r = documents_read(m, err);
	if (r < 0)
		return r;
	if (getrandom(m->ids.run, sizeof(m->ids.run), 0) !=
	    (ssize_t)sizeof(m->ids.run))
		return err_set(err, -EIO, "no random bytes");
	hex_encode(run, m->ids.run, sizeof(m->ids.run));
	log_run(run);
	/* Before any child of ours: it moves us, and they come with us. */
	groups_start(m);
	return vm_probe(m->libexec, m->state_fd, &m->images,
			(enum vm_backend)m->conf.backend, &m->probe, err);
}

void monitor_record_start(struct monitor *m)
{
	audit_begin(&m->record, "start", &m->ids);
	audit_str(&m->record, "version", SPAN_LIT(BULKHEAD_VERSION));
	audit_str(&m->record, "backend",
		  span_str(vm_backend_name(m->probe.backend)));
	audit_str(&m->record, "backend_why", span_str(m->probe.why));
	audit_str(&m->record, "limits", span_str(m->groups.why));
	if (m->conf.telemetry.otlp.port) {
		audit_str(&m->record, "otlp",
			  span_str(m->conf.telemetry.otlp.text));
		audit_str(&m->record, "otlp_logs",
			  span_str(conf_logs_name(m->conf.telemetry.logs)));
	}
	monitor_audit(m);
	latch_record_rearmed(m);
}

void monitor_is_up(struct monitor *m)
{
	log_info("up", "version=%s backend=%s why=\"%s\"", BULKHEAD_VERSION,
		 vm_backend_name(m->probe.backend), m->probe.why);
	tell_starter(m, "ready");
	service_ready(m);
}

static void run(struct monitor *m)
{
	m->start_ms = now_ms();
	templates_start(m);
	pools_start(m);
	cores_init(m);
	latch_watch(m);
	/* From here on all is done by the loop. */
	supervise_soon(m);
	if (loop_run(&m->loop) < 0)
		m->exit_code = 1;
	m->stopping = true;
	service_stopping(m, m->exit_code ? m->end_why : "stopping");
	vms_end(m, "stopped");
	frozen_end(m);
	groups_end(m);
	items_end(m);
	if (m->gen.log && m->gen.sup.was_up) {
		audit_begin(&m->record, "stop", &m->ids);
		audit_bool(&m->record, "clean", m->exit_code == 0);
		if (m->exit_code)
			audit_str(&m->record, "why", span_str(m->end_why));
		monitor_audit(m);
	}
	observe_close(m);
	cores_end(m);
	vm_images_done(&m->images);
}

static int parse_args(struct monitor *m, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "libexec", required_argument, NULL, 'l' },
		{ "images", required_argument, NULL, 'i' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t n;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c' && str_copy(m->conf_path, sizeof(m->conf_path),
					 span_str(optarg)) < 0)
			return -1;
		if (c == 'l')
			m->libexec = optarg;
		if (c == 'i')
			m->images_dir = optarg;
		if (c == 'r') {
			if (num_parse(span_str(optarg), 3, 1023, &n) < 0)
				return -1;
			m->ready_fd = (int)n;
		}
		if (c == '?')
			return -1;
	}
	return m->libexec && m->images_dir && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct monitor m;
	struct err err = { 0 };

	log_init("monitor", LOG_LV_INFO);
	m.ready_fd = -1;
	m.signal_fd = -1;
	m.plan_timer = m.sup_timer = -1;
	m.listen_fd = m.policy_fd = m.metrics_fd = -1;
	m.gate_fd = m.latches.sub = m.revoke_timer = -1;
	m.observe_timer = -1;
	m.begun = observe_now();
	observe_init(&m.observe, OBSERVER_MONITOR);
	m.broker_audit_fd = m.broker_store_fd = -1;
	m.cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (m.cores < 1)
		m.cores = 1;
	loop_init(&m.loop);
	if (parse_args(&m, argc, argv) < 0)
		die("usage: bulkhead-monitor --config FILE --libexec DIR "
		    "--images DIR [--ready-fd N]; started by 'bulkhead up'");
	if (m.ready_fd >= 0)
		(void)fcntl(m.ready_fd, F_SETFD, FD_CLOEXEC);
	room_start(&m);
	service_open(&m);
	if (sandbox_basic(&err) < 0 || signals_to_fd(&m) < 0 ||
	    prepare(&m, &err) < 0) {
		tell_starter(&m, err.msg);
		service_stopping(&m, err.msg);
		log_error("start", "text=%s", err.msg);
		groups_end(&m);
		return m.exit_code ? m.exit_code : 1;
	}
	run(&m);
	return m.exit_code;
}
