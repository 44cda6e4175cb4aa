/* latches: see latches.h. */
#include "cli/latches.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/place.h"

int latch_asked(const char *command, int *argc, char **argv, struct latch *ret)
{
	const char *capability = NULL, *task = NULL;
	bool agent = false, revoke = false;
	const struct cli_opt opts[] = {
		{ "--capability", NULL, &capability },
		{ "--task", NULL, &task },
		{ "--agent", &agent, NULL },
		{ "--revoke", &revoke, NULL },
	};
	struct m_latch m = { .level = LATCH_ALL };

	if (cli_options(argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if ((capability != NULL) + (task != NULL) + agent + revoke > 1)
		return cli_usage(command, "one level at a time: --capability, "
					  "--task, --agent or --revoke");
	if (capability) {
		m.level = LATCH_CAPABILITY;
		m.capability = span_str(capability);
	} else if (task) {
		m.level = LATCH_TASK;
		if (num_parse(span_str(task), 1, UINT64_MAX, &m.task) < 0)
			return cli_usage(command,
					 "--task takes the number of a task");
	} else if (agent || revoke) {
		m.level = agent ? LATCH_AGENT : LATCH_REVOKE;
	}
	if (latch_of(&m, ret) < 0)
		return cli_usage(command, "--capability takes the name of one");
	return CLI_OK;
}

int latches_at(const struct conf *conf, struct latches *ret)
{
	int r = place_make(conf->state);
	int dir;

	if (r < 0)
		return r;
	dir = open(conf->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = latches_open(dir, ret);
	if (r < 0)
		fd_close(&dir);
	return r;
}

void latches_left(struct latches *d)
{
	latches_close(d);
	fd_close(&d->state);
}
