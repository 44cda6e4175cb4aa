/*
 * message_json: bulkhead.message/1 as JSON (jansson). The parser runs in the
 * porter, which holds nothing worth stealing; a reader's JSON never gets any
 * further than there.
 */
#ifndef PROTO_MESSAGE_JSON_H
#define PROTO_MESSAGE_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "proto/message.h"

/*
 * Parses one JSON object, closed world: an unknown, missing, duplicate or
 * mistyped key, a broken bound, trailing bytes: the whole object is refused
 * (-1, err says what and where). On success *ret borrows from *keep, which the
 * caller frees with json_decref.
 */
[[nodiscard]] int message_from_json(struct span text, struct message *ret,
				    json_t **keep, struct err *err);

/*
 * The JSON object; `sanitized` is written only when stamp is true (host side,
 * after validation). Returns a new reference or NULL when out of memory.
 */
json_t *message_to_json(const struct message *m, bool stamp);

#endif
