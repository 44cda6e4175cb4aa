/*
 * vault: decrypts the vault and hands one secret to one connector.
 */
#include "privsep/sandbox.h"

int main(void)
{
	process_start(PROC_VAULT);
	return 1;
}
