/*
 * logs: the log of events, filtered. What processes log was escaped by them and
 * is rendered again here, for the file may have been written by others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/logline.h"

enum { LINE_MOST = 64 << 10, FOLLOW_MS = 250, CHUNK = 64 << 10 };

struct logs {
	struct logline_filter filter;
	bool json, follow, last;
	struct buf line; /* of which the end is not there yet */
	uint64_t seen;	 /* files that could be read */
};

static void print_json(struct span line)
{
	json_t *row = json_object();
	struct span key, value;
	char *text;

	while (row && logline_next(&line, &key, &value)) {
		char name[64];

		/* The first one of a name counts, here as in the filter. */
		if (str_copy(name, sizeof(name), key) == 0 &&
		    !json_object_get(row, name))
			(void)json_object_set_new(
				row, name,
				json_stringn_nocheck((const char *)value.p,
						     value.n));
	}
	text = json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(row);
}

static void on_line(struct logs *l, struct span line)
{
	if (!line.n || !logline_chosen(&l->filter, line, &l->last))
		return;
	if (l->json) {
		print_json(line);
		return;
	}
	cli_show(stdout, line);
	(void)fputc('\n', stdout);
}

/* Takes bytes of the file; lines without an end wait in l->line. */
static void take(struct logs *l, struct span bytes)
{
	while (bytes.n) {
		const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end ? (size_t)(end - bytes.p) : bytes.n;

		if (l->line.n + n <= LINE_MOST)
			buf_put(&l->line, bytes.p, n);
		if (!end)
			return;
		on_line(l, buf_view(&l->line));
		buf_reset(&l->line);
		bytes = span_of(bytes.p + n + 1, bytes.n - n - 1);
	}
}

/* What is there from the descriptor's offset on. 0 or -errno. */
static int take_rest(struct logs *l, int fd)
{
	uint8_t chunk[CHUNK];
	ssize_t n;

	while ((n = fd_read_all(fd, chunk, sizeof(chunk))) > 0)
		take(l, span_of(chunk, (size_t)n));
	return (int)n;
}

/* One file, or none if it is not there. Its descriptor, -1 or -errno. */
static int take_file(struct logs *l, const struct conf *conf, const char *name)
{
	char path[CONF_PATH_MAX + 32];
	CLEAN_FD int fd = -1;
	int r;

	if (str_printf(path, sizeof(path), "%s/log/%s", conf->state, name) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return -1;
	r = fd < 0 ? -errno : take_rest(l, fd);
	if (r < 0) {
		cli_error("%s: %s: check its owner", path, strerror(-r));
		return r;
	}
	l->seen++;
	return take_fd(&fd);
}

/* Goes on for ever; a file that was emptied is read from its beginning. */
static int follow(struct logs *l, int fd)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	struct stat st;
	int r = 0;

	while (r == 0 && fflush(stdout) == 0) {
		(void)nanosleep(&pause, NULL);
		if (fstat(fd, &st) < 0)
			return -errno;
		if (st.st_size < lseek(fd, 0, SEEK_CUR)) {
			buf_reset(&l->line);
			(void)lseek(fd, 0, SEEK_SET);
		}
		r = take_rest(l, fd);
	}
	return r;
}

static int print(struct logs *l, const struct conf *conf)
{
	static const char *const old[] = { "bulkhead.log.2", "bulkhead.log.1" };
	CLEAN_FD int fd = -1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(old); i++) {
		CLEAN_FD int before = take_file(l, conf, old[i]);

		if (before < -1)
			return CLI_NO;
	}
	fd = take_file(l, conf, "bulkhead.log");
	if (fd < -1)
		return CLI_NO;
	if (!l->seen) {
		cli_error("there is no log in %s/log: bulkhead was not started "
			  "here, or it is a service and logs to the journal: "
			  "`journalctl -u bulkhead`, with --user for the "
			  "user's",
			  conf->state);
		return CLI_NO;
	}
	if (l->follow && fd >= 0 && follow(l, fd) < 0)
		return CLI_NO;
	return CLI_OK;
}

static int bad_value(const char *what)
{
	return cli_usage("logs", "%s", what);
}

int cmd_logs(int argc, char **argv, const struct cli *cli)
{
	const char *since = NULL, *vm = NULL, *item = NULL, *level = NULL;
	struct logs l = { .json = cli->json, .last = true };
	const struct cli_opt opts[] = {
		{ "-f", &l.follow, NULL },   { "--since", NULL, &since },
		{ "--vm", NULL, &vm },	     { "--item", NULL, &item },
		{ "--level", NULL, &level },
	};
	struct conf conf;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return bad_value("it takes no operand");
	if (since && logline_since(since, time(NULL), l.filter.since) < 0)
		return bad_value("--since takes 10s, 5m, 2h or 7d, or a time "
				 "such as 2026-11-22T07:30:00Z");
	l.filter.vm = vm ? logline_number(vm, "vm-") : NULL;
	l.filter.item = item ? logline_number(item, "") : NULL;
	if ((vm && !l.filter.vm) || (item && !l.filter.item))
		return bad_value("--vm and --item take a number");
	if (level && logline_level(level) < 0)
		return bad_value("--level is debug, info, warn or error");
	l.filter.level =
		level ? (enum log_level)logline_level(level) : LOG_LV_DEBUG;
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	buf_init(&l.line, LINE_MOST + 1);
	rc = print(&l, &conf);
	buf_done(&l.line);
	return rc;
}
