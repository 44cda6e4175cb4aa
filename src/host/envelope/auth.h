/*
 * auth: what a mail server says about who a mail is from: the field
 * Authentication-Results of RFC 8601. Anybody can write such a field; whose
 * word counts is for the configuration to say (connectors.NAME.authserv), and
 * of them all only the topmost is looked at, which the last server put there.
 */
#ifndef ENVELOPE_AUTH_H
#define ENVELOPE_AUTH_H

#include "base/span.h"

enum { AUTH_NAME_MAX = 253, AUTH_FIELD_MAX = 8 << 10 };

struct auth_results {
	char id[AUTH_NAME_MAX + 1];	/* whose results, in lower case */
	char domain[AUTH_NAME_MAX + 1]; /* of From, if DMARC passed for it,
					   in lower case; "" if not */
};

/*
 * Reads the value of one such field. Whatever is not as it should be, or says
 * two things, has an empty domain: nobody is vouched for.
 */
void auth_read(struct span value, struct auth_results *ret);

#endif
