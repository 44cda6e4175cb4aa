/* kinds: the kinds of accounts that there are. */
#include "run.h"

const struct online_kind *const online_kinds[] = {
	&imap_kind, &smtp_kind,	 &telegram_kind, &slack_kind,
	&http_kind, &model_kind, NULL,
};
