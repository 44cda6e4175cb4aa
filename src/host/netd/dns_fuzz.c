/* dns_fuzz: any bytes as a name server's answer to one of two questions. */
#include <stdlib.h>

#include "dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct dns_query q[2];
	struct netaddr addrs[DNS_ADDRS];
	size_t i, found;

	if (!q[0].n_packet && (dns_ask(&q[0], "a.bc", DNS_A, 0x1234) < 0 ||
			       dns_ask(&q[1], "a.bc", DNS_AAAA, 0x1234) < 0))
		abort();
	for (i = 0; i < 2; i++) {
		enum dns_result r =
			dns_answer(&q[i], span_of(p, n), addrs, &found);

		if (r >= DNS_RESULT_MAX || found > DNS_ADDRS ||
		    (found && r != DNS_OK))
			abort();
	}
	return 0;
}
