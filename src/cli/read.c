/*
 * read: one message through a throwaway reader VM, without `up`.
 *
 * The command stands where monitor and broker stand otherwise: it starts the
 * two processes of one VM and takes the typed record, or the refusal, from its
 * porter. Nothing is decided, audited or kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "cli/story.h"
#include "proto/message_json.h"
#include "vm/console.h"
#include "vm/launch.h"

/* Beyond the reader's own deadline: a cold boot under emulation. */
enum { BOOT_MS = 40 * 1000, PRINT_MAX = 64 << 20 };

struct reading {
	const struct cli *cli;
	struct conf conf;
	char libexec[CONF_PATH_MAX];
	struct vm_images images;
	struct vm_probe probe;
	struct vm_procs procs;
	struct chan monitor, broker;
	uint64_t start_us;
	struct console console;
	int item_fd;	 /* owned */
	uint8_t sort;	 /* enum item_sort */
	uint8_t *record; /* owned */
};

static int take_record(struct reading *r)
{
	CLEAN_FD int fd = chan_take_fd(&r->broker, 0);
	ssize_t n = fd < 0 ? -1 : memfd_sealed_size(fd, LIMIT_RECORD);
	struct show how = show_for(stdout);
	struct message message;
	CLEAN_BUF struct buf b;
	const char *why = "no sealed record";
	json_t *json;
	int rc;

	buf_init(&b, PRINT_MAX);
	if (n > 0)
		r->record = malloc((size_t)n);
	if (n <= 0 || !r->record ||
	    fd_pread_all(fd, r->record, (size_t)n, 0) != n ||
	    message_decode(span_of(r->record, (size_t)n), &message, &why) < 0) {
		cli_error("the porter's record is not valid: %s", why);
		return CLI_VM;
	}
	if (r->cli->json) {
		json = message_to_json(&message, true);
		rc = cli_json(stdout, json);
		json_decref(json);
		return rc;
	}
	show_put(&b, &how, SHOW_GOOD, "READ");
	buf_printf(&b, " in a fresh VM (%s) after %.2f s, VM destroyed\n",
		   vm_backend_name(r->probe.backend),
		   (double)(now_us() - r->start_us) / 1e6);
	story_message(&b, &how, &message);
	return buf_ok(&b) && fwrite(b.p, 1, b.n, stdout) == b.n &&
			       fflush(stdout) == 0
		       ? CLI_OK
		       : CLI_NO;
}

static int told(int code, const char *own, struct span foreign)
{
	(void)fprintf(stderr, "bulkhead: %s: ", own);
	cli_show(stderr, foreign);
	(void)fputc('\n', stderr);
	return code;
}

/* One message of the porter to its broker; -1: not the end yet. */
static int from_broker(struct reading *r, bool *open)
{
	const char *why = NULL;
	struct msg m;
	int rc = chan_recv(&r->broker, &m, &why);

	if (rc == 1 && m.type == MSG_RECORD)
		return take_record(r);
	if (rc == 1 && m.type == MSG_REFUSED)
		return told(CLI_NO, "REFUSED", m.text.text);
	if (rc == 0) {
		*open = false;
		return -1;
	}
	return told(CLI_VM, "the porter said nonsense",
		    span_str(why ? why : "a message out of turn"));
}

static int from_monitor(struct reading *r, bool *open)
{
	const char *why = NULL;
	struct msg m;
	int rc = chan_recv(&r->monitor, &m, &why);

	if (rc == 1 && m.type == MSG_VM_FAIL)
		return told(CLI_VM,
			    wire_fault_name((enum wire_fault)m.vm_fail.fault),
			    m.vm_fail.detail);
	if (rc == 1 && (m.type == MSG_VM_READY || m.type == MSG_VM_DONE))
		return -1;
	if (rc == 0) {
		*open = false;
		return -1;
	}
	return told(CLI_VM, "the porter said nonsense",
		    span_str(why ? why : "a message out of turn"));
}

/* Until the record, the refusal, the failure, or the end of all patience. */
static int await(struct reading *r)
{
	uint64_t end = now_ms() + BOOT_MS + r->conf.reader.deadline_s * 1000ULL;
	bool broker = true, monitor = true;
	int rc = -1;

	while (rc < 0 && (broker || monitor)) {
		struct pollfd p[3] = {
			{ broker ? r->broker.fd : -1, POLLIN, 0 },
			{ monitor ? r->monitor.fd : -1, POLLIN, 0 },
			{ r->console.read, POLLIN, 0 }
		};
		uint64_t now = now_ms();

		if (now >= end)
			return told(CLI_VM, "deadline",
				    SPAN_LIT("the porter did not end"));
		if (poll(p, 3, (int)(end - now)) < 0 && errno != EINTR)
			return told(CLI_VM, "poll", span_str(strerror(errno)));
		if (p[0].revents)
			rc = from_broker(r, &broker);
		else if (p[1].revents)
			rc = from_monitor(r, &monitor);
		if (p[2].revents)
			console_copy(&r->console, false);
	}
	return rc >= 0 ? rc
		       : told(CLI_VM, "the VM ended",
			      SPAN_LIT("its porter gave no answer"));
}

static int give_work(struct reading *r, const struct vm_launch *l)
{
	struct msg m = { .type = MSG_WORK, .ids = l->ids };

	m.work.deadline_ms = l->deadline_ms;
	m.work.sort = r->sort;
	return chan_send(&r->monitor, &m, &r->item_fd, 1);
}

static int run_vm(struct reading *r)
{
	struct vm_launch l = {
		.libexec = r->libexec,
		.spec = { .backend = r->probe.backend,
			  .memory_mib = r->conf.reader.memory_mib,
			  .cpus = r->conf.reader.cpus,
			  .deadline_s =
				  r->conf.reader.deadline_s + BOOT_MS / 1000,
			  .tsc_khz = r->probe.tsc_khz,
			  .console = r->console.write >= 0 },
		.workload = WIRE_READER_EMAIL,
		.images = &r->images,
		.name = "vm-read",
		.memory_fd = -1,
		.saved_fd = -1,
		.console_fd = r->console.write,
		.deadline_ms = r->conf.reader.deadline_s * 1000ULL,
	};
	struct err err = { 0 };
	int rc;

	if (getrandom(l.ids.run, sizeof(l.ids.run), 0) !=
	    (ssize_t)sizeof(l.ids.run))
		return told(CLI_VM, "random bytes", SPAN_LIT("there are none"));
	r->start_us = now_us();
	if (vm_launch(&l, &r->procs, &err) < 0)
		return told(CLI_VM, "the VM", span_str(err.msg));
	console_started(&r->console);
	if (chan_init(&r->monitor, take_fd(&r->procs.monitor_fd)) < 0 ||
	    chan_init(&r->broker, take_fd(&r->procs.broker_fd)) < 0)
		rc = told(CLI_VM, "memory", SPAN_LIT("there is none"));
	else if (give_work(r, &l) < 0)
		rc = told(CLI_VM, "the VM", SPAN_LIT("its porter is gone"));
	else
		rc = await(r);
	vm_end(&r->procs);
	console_copy(&r->console, true);
	return rc;
}

/* Which back-end works here, remembered in the state directory. */
static int probe(struct reading *r, struct err *err)
{
	CLEAN_FD int state = -1;
	int rc = place_make(r->conf.state);

	if (rc < 0)
		return err_set(err, rc, "%s: %s", r->conf.state, strerror(-rc));
	state = open(r->conf.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		return err_set(err, -errno, "%s: %s", r->conf.state,
			       strerror(errno));
	return vm_probe(r->libexec, state, &r->images,
			(enum vm_backend)r->conf.backend, &r->probe, err);
}

static int with_images(struct reading *r, const char *images)
{
	char dir[CONF_PATH_MAX];
	struct err err = { 0 };
	int rc;

	if (place_libexec(r->libexec, sizeof(r->libexec), &err) < 0 ||
	    place_images(images, dir, sizeof(dir), &err) < 0 ||
	    vm_images_load(dir, &r->images, &err) < 0)
		return told(CLI_VM, "installation", span_str(err.msg));
	if (probe(r, &err) < 0)
		rc = told(CLI_VM, "back-end", span_str(err.msg));
	else
		rc = run_vm(r);
	vm_images_done(&r->images);
	return rc;
}

/* A file that was named on the command line, and what is wrong with it. */
static int told_file(const char *path, const char *why)
{
	cli_error("%s: %s", path, why);
	return CLI_USAGE;
}

/* The message into sealed memory; "-" is standard input. */
static int open_item(struct reading *r, const char *path)
{
	CLEAN_FD int fd = strcmp(path, "-") != 0
				  ? open(path, O_RDONLY | O_CLOEXEC)
				  : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return told_file(path, strerror(errno));
	r->item_fd = memfd_from_fd("item", fd, LIMIT_ITEM);
	if (r->item_fd == -EFBIG)
		return told(CLI_NO, "REFUSED",
			    SPAN_LIT("the message is over 16 MiB"));
	if (r->item_fd < 0)
		return told_file(path, strerror(-r->item_fd));
	return 0;
}

static int open_console(struct reading *r, const char *path)
{
	int fd, e;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return told_file(path, strerror(errno));
	e = console_open(&r->console, fd);
	return e < 0 ? told_file(path, strerror(-e)) : 0;
}

static void reading_done(struct reading *r)
{
	if (r->monitor.in)
		chan_done(&r->monitor);
	if (r->broker.in)
		chan_done(&r->broker);
	fd_close(&r->item_fd);
	console_done(&r->console);
	free(r->record);
}

/* The sort of that name, or 0. */
static uint8_t sort_of(const char *name)
{
	uint8_t s = SORT_MAX - 1;

	while (s && strcmp(item_sort_name(s), name) != 0)
		s--;
	return s;
}

int cmd_read(int argc, char **argv, const struct cli *cli)
{
	const char *as = "email", *console = NULL, *images = NULL;
	const struct cli_opt opts[] = { { "--as", NULL, &as },
					{ "--console", NULL, &console },
					{ "--images", NULL, &images } };
	struct reading r = { .cli = cli, .item_fd = -1 };
	int rc;

	console_init(&r.console);
	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 2)
		return cli_usage("read", "it takes one message, or - for "
					 "standard input");
	r.sort = sort_of(as);
	if (!r.sort)
		return cli_usage("read", "--as: email, telegram or slack");
	if (cli_conf(cli, &r.conf) != 0)
		return CLI_USAGE;
	rc = open_item(&r, argv[1]);
	if (rc == 0)
		rc = open_console(&r, console);
	if (rc == 0)
		rc = with_images(&r, images);
	reading_done(&r);
	return rc;
}
