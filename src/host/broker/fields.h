/*
 * fields: what a connector read of the answer to an effect, checked again here
 * and turned into handles. A planner gets their numbers and the names that the
 * owner's file gave them, never a value: what a server said cannot speak to it.
 */
#ifndef HOST_BROKER_FIELDS_H
#define HOST_BROKER_FIELDS_H

#include "host/broker/session.h"
#include "proto/msg.h"

enum {
	FIELDS_MAX = 16, /* of one answer */
	FIELDS_NAME_MAX = 63,
	FIELDS_BYTES_MAX = 4096, /* of one */
	FIELDS_TEXT = 512,	 /* what the planner is told */
};

/*
 * Takes them all or none: names of a narrow alphabet, each once; one value
 * each, of the type that it says it is. text is "done" before and "done: id is
 * @12, title is @13" behind it. False: they are not what they should be, and
 * none was taken. Without a session there is nobody to have them: true.
 */
[[nodiscard]] bool fields_take(struct session *s, struct span connector,
			       const struct m_effect_done *m,
			       char text[FIELDS_TEXT]);

#endif
