/*
 * rearm: clears the persisted kill latch. Only at a terminal and with a typed
 * word, so that nothing which merely runs as the owner does it by accident,
 * and only while bulkhead is down: a running monitor keeps its own latch.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/client.h"
#include "cli/place.h"

/* Shows why it was set; foreign text, a tripwire may have written it. */
static void show_reason(int fd)
{
	uint8_t text[1024];
	ssize_t n = fd_read_all(fd, text, sizeof(text));

	if (n > 0 && text[n - 1] == '\n')
		n--;
	(void)fputs("The latch is set: ", stdout);
	cli_show(stdout, span_of(text, n > 0 ? (size_t)n : 0));
	(void)fputs("\nType rearm to let effects happen again: ", stdout);
	(void)fflush(stdout);
}

static bool typed_word(void)
{
	char line[32];

	return fgets(line, sizeof(line), stdin) && !strcmp(line, "rearm\n");
}

int cmd_rearm(int argc, char **argv, const struct cli *cli)
{
	char path[CONF_PATH_MAX + 16];
	CLEAN_FD int fd = -1;
	CLEAN_FD int running = -1;
	struct conf conf;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("rearm", "it takes no operand");
	if (cli_conf(cli, &conf) != 0 ||
	    place_latch(&conf, path, sizeof(path)) < 0)
		return CLI_USAGE;
	running = client_connect(conf.socket);
	if (running >= 0) {
		cli_error("bulkhead is running: `bulkhead down` first, then "
			  "rearm, then `bulkhead up`");
		return CLI_NO;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		(void)puts("The latch is not set; nothing to do.");
		return CLI_OK;
	}
	if (fd < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return CLI_NO;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("the latch stays set: call rearm at a terminal, "
			  "it asks for a typed word");
		return CLI_NO;
	}
	show_reason(fd);
	if (!typed_word()) {
		(void)puts("Nothing changed.");
		return CLI_NO;
	}
	if (unlink(path) < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return CLI_NO;
	}
	(void)puts("Re-armed. `bulkhead up` starts it.");
	return CLI_OK;
}
