/*
 * netd: the only creator of INET sockets: resolves, judges, connects.
 */
#include "privsep/sandbox.h"

int main(void)
{
	process_start(PROC_NETD);
	return 1;
}
