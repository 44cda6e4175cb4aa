/* hostile_plain: the hostile program as it is: in QEMU's place in the jail, and
 * outside, where it can do what it tries. */
#include "hostile.h"

int main(int argc, char **argv)
{
	return hostile_main(argc, argv);
}
