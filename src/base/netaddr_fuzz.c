/* netaddr_fuzz: any text as an address or a name; what is one is not both, and
 * is printed as it is read. */
#include <stdlib.h>

#include "base/netaddr.h"
#include "base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[NETADDR_NAME_MAX + 2], again[NETADDR_TEXT];
	struct netaddr a, b;

	if (n >= sizeof(text) || (n && memchr(p, 0, n)))
		return 0;
	if (n)
		memcpy(text, p, n);
	text[n] = 0;
	if (netaddr_parse(text, &a) < 0) {
		(void)netaddr_name_ok(text);
		return 0;
	}
	netaddr_print(&a, again);
	if (netaddr_name_ok(text) || netaddr_parse(again, &b) < 0 ||
	    a.v6 != b.v6 || memcmp(a.ip, b.ip, a.v6 ? 16 : 4) != 0 ||
	    netaddr_range(&a) >= NETADDR_RANGE_MAX)
		abort();
	return 0;
}
