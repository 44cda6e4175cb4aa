/* hostile_porter: the hostile program in a porter's place, once it has entered
 * the porter's sandbox: what an attacker has who owns the porter. */
#include "hostile.h"

#include "privsep/sandbox.h"

int main(int argc, char **argv)
{
	process_start(PROC_PORTER);
	return hostile_main(argc, argv);
}
