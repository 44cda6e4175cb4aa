/*
 * message_layout: bulkhead.message/1 as one table. The record codec, the JSON
 * codec and the test of the published schema all walk it, so the three forms
 * cannot drift apart. Private to message.c, message_json.c and their tests.
 */
#ifndef PROTO_MESSAGE_LAYOUT_H
#define PROTO_MESSAGE_LAYOUT_H

#include "proto/message.h"

#define MESSAGE_SCHEMA "bulkhead.message/1"

enum message_field_type {
	FIELD_TEXT = 1, /* struct span, at most max bytes */
	FIELD_READER,	/* struct span, one of message_reader_known() */
	FIELD_DATE,	/* struct span, RFC 3339 or empty */
	FIELD_FLAG,	/* bool */
	FIELD_SCORE,	/* uint8_t, 0 to max */
	FIELD_REMOVED,	/* uint8_t, enum message_removed_kind */
	FIELD_WHERE,	/* uint8_t, enum message_where */
	FIELD_U32,	/* uint32_t, min to max */
	FIELD_U64,	/* uint64_t, 0 to MESSAGE_SIZE_MAX */
	FIELD_SHA256,	/* 32 bytes */
	FIELD_OBJECT,	/* a struct by elem */
	FIELD_LIST,	/* at most max structs by elem, their count at n_off */
	FIELD_TYPE_MAX
};

enum {
	MESSAGE_KIND_MAX = 16,
	/* the last byte a finding may name, in the joined removed texts */
	MESSAGE_OFFSET_MAX = MESSAGE_REMOVED * (MESSAGE_EVIDENCE_MAX + 1),
};

/* JSON integers are signed 64 bit; nothing attached is anywhere near. */
#define MESSAGE_SIZE_MAX ((uint64_t)1 << 53)

struct message_field {
	const char *key; /* NULL: the element is this value, not an object */
	enum message_field_type type;
	uint32_t min;
	uint32_t max;
	size_t off;
	size_t n_off;
	const struct message_layout *elem;
};

struct message_layout {
	size_t size; /* of the struct */
	size_t n;
	const struct message_field *fields;
};

extern const struct message_layout message_layout;

/* The field's bytes inside the struct at base. */
static inline void *message_field_at(const struct message_field *f, void *base)
{
	return (uint8_t *)base + f->off;
}

static inline const void *message_field_of(const struct message_field *f,
					   const void *base)
{
	return (const uint8_t *)base + f->off;
}

/* True if a reader of this name exists. */
bool message_reader_known(struct span kind);

/* The enum value of a stable name, 0 if there is none. */
uint8_t message_removed_find(struct span name);
uint8_t message_where_find(struct span name);

#endif
