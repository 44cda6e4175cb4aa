/* down: asks the monitor, through control, to stop everything. */
#include "cli/client.h"

int cmd_down(int argc, char **argv, const struct cli *cli)
{
	struct msg ask = { .type = MSG_C_DOWN };
	struct conf conf;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("down", "it takes no operand");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	rc = client_ask(&conf, &ask, NULL, NULL);
	if (rc == CLI_OK && !cli->json)
		(void)puts("bulkhead is stopping.");
	return rc;
}
