/* warm: see warm.h. The mails are the files warm/NAME.eml. */
#include "warm.h"

#include <assert.h>

#include "proto/message_json.h"

static const uint8_t alternative[] = {
#include "alternative.eml.h"
};

static const uint8_t asia[] = {
#include "asia.eml.h"
};

static const uint8_t attachments[] = {
#include "attachments.eml.h"
};

static const uint8_t attack[] = {
#include "attack.eml.h"
};

static const uint8_t base64[] = {
#include "base64.eml.h"
};

static const uint8_t europe[] = {
#include "europe.eml.h"
};

static const uint8_t malformed[] = {
#include "malformed.eml.h"
};

static const uint8_t oldhtml[] = {
#include "oldhtml.eml.h"
};

static const uint8_t plain[] = {
#include "plain.eml.h"
};

static const uint8_t related[] = {
#include "related.eml.h"
};

static const uint8_t self[] = {
#include "self.eml.h"
};

static const uint8_t utf8[] = {
#include "utf8.eml.h"
};

/* Without the NUL that stands behind an embedded text. */
#define MAIL(a)                                                                \
	{                                                                      \
		a, sizeof(a) - 1                                               \
	}

static const struct span mails[] = {
	MAIL(alternative), MAIL(asia),	  MAIL(attachments), MAIL(attack),
	MAIL(base64),	   MAIL(europe),  MAIL(malformed),   MAIL(oldhtml),
	MAIL(plain),	   MAIL(related), MAIL(utf8),
};

static_assert(ARRAY_SIZE(mails) == WARM_MAILS, "their number");

struct span warm_mail(size_t i)
{
	return mails[i % WARM_MAILS];
}

struct span warm_clone_mail(size_t i)
{
	return i ? warm_mail(i) : span_of(self, sizeof(self) - 1);
}

int warm_check(struct span json, struct err *err)
{
	json_t *keep = NULL;
	struct message m;
	int r = message_from_json(json, &m, &keep, err);

	if (r == 0 && !span_is(m.kind, "email"))
		r = err_set(err, -1, "another kind of message than asked");
	json_decref(keep);
	return r < 0 ? -1 : 0;
}
