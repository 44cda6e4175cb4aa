/* graph_dump: the process table as JSON, for the test that compares it with
 * the running tree. */
#include <stdio.h>

#include "privsep/graph.h"

static void dump_row(enum proc p)
{
	const struct proc_row *row = graph_row(p);
	int i;

	printf("{\"name\":\"%s\",\"more_fds\":%s,\"files\":%s,"
	       "\"peers\":%s,\"hostile\":%s,\"fds\":[",
	       row->name, row->more_fds ? "true" : "false",
	       row->rights & RIGHT_FILES ? "true" : "false",
	       row->rights & RIGHT_PEERS ? "true" : "false",
	       row->rights & RIGHT_HOSTILE ? "true" : "false");
	for (i = 0; i < GRAPH_FDS && row->fds[i] != FD_NONE; i++)
		printf("%s\"%s\"", i ? "," : "", fd_role_name(row->fds[i]));
	printf("],\"seccomp\":%s}", row->filter.insns ? "true" : "false");
}

int main(void)
{
	enum proc p;

	printf("[");
	for (p = 0; p < PROC_MAX; p++) {
		printf("%s", p ? ",\n" : "");
		dump_row(p);
	}
	printf("]\n");
	return 0;
}
