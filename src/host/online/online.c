/*
 * online: one account: a TLS client on sockets of netd.
 */
#include "privsep/sandbox.h"

int main(void)
{
	process_start(PROC_ONLINE);
	return 1;
}
