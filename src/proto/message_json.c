/*
 * message_json: see message_json.h. Both directions walk the table of
 * message_layout.h; every value is checked by message_check afterwards, so
 * this file decides on shape only. The depth of the text is bounded before
 * jansson, whose parser recurses.
 */
#include "proto/message_json.h"

#include <errno.h>

#include "base/str.h"
#include "proto/limits.h"
#include "proto/message_layout.h"

enum {
	/* root object, a list, an object in it; one to spare */
	DEPTH_MAX = 4,
	SHA256_HEX = 64,
};

static int refuse(struct err *err, const char *key, const char *what)
{
	return err_set(err, -EBADMSG, "%s: %s", key ? key : "element", what);
}

/* True if brackets outside strings nest at most DEPTH_MAX deep. */
static bool depth_ok(struct span text)
{
	bool string = false;
	int depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MAX)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return true;
}

static int text_from(const struct message_field *f, json_t *v, struct span *ret,
		     struct err *err)
{
	if (!json_is_string(v))
		return refuse(err, f->key, "not a string");
	*ret = span_of(json_string_value(v), json_string_length(v));
	return 0;
}

static int number_from(const struct message_field *f, json_t *v, uint64_t max,
		       uint64_t *ret, struct err *err)
{
	json_int_t n;

	if (!json_is_integer(v))
		return refuse(err, f->key, "not an integer");
	n = json_integer_value(v);
	if (n < 0 || (uint64_t)n > max)
		return refuse(err, f->key, "number out of range");
	*ret = (uint64_t)n;
	return 0;
}

static int name_from(const struct message_field *f, json_t *v, uint8_t *ret,
		     struct err *err)
{
	struct span s;

	if (text_from(f, v, &s, err))
		return -1;
	*ret = f->type == FIELD_WHERE ? message_where_find(s)
				      : message_removed_find(s);
	return *ret ? 0 : refuse(err, f->key, "unknown name");
}

static int sha256_from(const struct message_field *f, json_t *v, uint8_t *ret,
		       struct err *err)
{
	struct span s;

	if (text_from(f, v, &s, err))
		return -1;
	if (hex_decode(ret, 32, s))
		return refuse(err, f->key, "not 64 lower-case hex digits");
	return 0;
}

static int struct_from(const struct message_layout *l, json_t *v, void *base,
		       const char *key, struct err *err);

static int list_from(const struct message_field *f, json_t *v, void *base,
		     struct err *err)
{
	uint8_t *rows = message_field_at(f, base);
	uint32_t *count = (void *)((uint8_t *)base + f->n_off);
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return refuse(err, f->key, "not a list");
	if (n > f->max)
		return refuse(err, f->key, "too many rows");
	*count = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		if (struct_from(f->elem, json_array_get(v, i),
				rows + i * f->elem->size, f->key, err))
			return -1;
	}
	return 0;
}

static int small_from(const struct message_field *f, json_t *v, void *at,
		      struct err *err)
{
	uint64_t n;

	if (number_from(f, v, f->type == FIELD_U64 ? MESSAGE_SIZE_MAX : f->max,
			&n, err))
		return -1;
	if (f->type == FIELD_U64)
		*(uint64_t *)at = n;
	else if (f->type == FIELD_U32)
		*(uint32_t *)at = (uint32_t)n;
	else
		*(uint8_t *)at = (uint8_t)n;
	return 0;
}

static int field_from(const struct message_field *f, json_t *v, void *base,
		      struct err *err)
{
	void *at = message_field_at(f, base);

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		return text_from(f, v, at, err);
	case FIELD_FLAG:
		if (!json_is_boolean(v))
			return refuse(err, f->key, "not a boolean");
		*(bool *)at = json_is_true(v);
		return 0;
	case FIELD_REMOVED:
	case FIELD_WHERE:
		return name_from(f, v, at, err);
	case FIELD_SCORE:
	case FIELD_U32:
	case FIELD_U64:
		return small_from(f, v, at, err);
	case FIELD_SHA256:
		return sha256_from(f, v, at, err);
	case FIELD_OBJECT:
		return struct_from(f->elem, v, at, f->key, err);
	case FIELD_LIST:
		return list_from(f, v, base, err);
	case FIELD_TYPE_MAX:
		break;
	}
	return refuse(err, f->key, "unknown field");
}

/* extra: keys the caller has already judged. */
static int object_from(const struct message_layout *l, json_t *v, void *base,
		       size_t extra, const char *key, struct err *err)
{
	if (!json_is_object(v))
		return refuse(err, key, "not an object");
	for (size_t i = 0; i < l->n; i++) {
		json_t *value = json_object_get(v, l->fields[i].key);

		if (!value)
			return refuse(err, l->fields[i].key, "missing");
		if (field_from(&l->fields[i], value, base, err))
			return -1;
	}
	/* duplicates are refused already, so a surplus is an unknown key */
	if (json_object_size(v) != l->n + extra)
		return refuse(err, key, "unknown key");
	return 0;
}

static int struct_from(const struct message_layout *l, json_t *v, void *base,
		       const char *key, struct err *err)
{
	if (!l->fields[0].key)
		return field_from(&l->fields[0], v, base, err);
	return object_from(l, v, base, 0, key, err);
}

static int root_from(json_t *root, struct message *ret, struct err *err)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const char *why;

	if (!schema || strcmp(schema, MESSAGE_SCHEMA) != 0)
		return refuse(err, "schema", "not " MESSAGE_SCHEMA);
	if (object_from(&message_layout, root, ret, 1, "message", err))
		return -1;
	if (message_check(ret, &why))
		return refuse(err, "message", why);
	return 0;
}

int message_from_json(struct span text, struct message *ret, json_t **keep,
		      struct err *err)
{
	json_error_t bad;
	json_t *root;

	*ret = (struct message){ 0 };
	*keep = NULL;
	if (text.n > LIMIT_READER_JSON) {
		err_set(err, -EFBIG, "JSON over %d bytes", LIMIT_READER_JSON);
		return -1;
	}
	if (!depth_ok(text)) {
		err_set(err, -EBADMSG, "JSON nested over %d", DEPTH_MAX);
		return -1;
	}
	root = json_loadb(text.n ? (const char *)text.p : "", text.n,
			  JSON_REJECT_DUPLICATES, &bad);
	if (!root) {
		/* not bad.text: it may quote what the reader wrote */
		err_set(err, -EBADMSG, "not JSON at byte %d", bad.position);
		return -1;
	}
	if (root_from(root, ret, err)) {
		json_decref(root);
		return -1;
	}
	*keep = root;
	return 0;
}

static json_t *struct_to(const struct message_layout *l, const void *base);

static json_t *list_to(const struct message_field *f, const void *base)
{
	const uint8_t *rows = message_field_of(f, base);
	const uint32_t *n = (const void *)((const uint8_t *)base + f->n_off);
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < *n && i < f->max; i++) {
		if (json_array_append_new(
			    list,
			    struct_to(f->elem, rows + i * f->elem->size))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *text_to(struct span s)
{
	return json_stringn(s.n ? (const char *)s.p : "", s.n);
}

static json_t *sha256_to(const uint8_t *p)
{
	char hex[SHA256_HEX + 1];

	hex_encode(hex, p, 32);
	return json_string(hex);
}

static json_t *field_to(const struct message_field *f, const void *base)
{
	const void *at = message_field_of(f, base);

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		return text_to(*(const struct span *)at);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)at);
	case FIELD_SCORE:
		return json_integer(*(const uint8_t *)at);
	case FIELD_REMOVED:
		return json_string(message_removed_name(*(const uint8_t *)at));
	case FIELD_WHERE:
		return json_string(message_where_name(*(const uint8_t *)at));
	case FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case FIELD_U64:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case FIELD_SHA256:
		return sha256_to(at);
	case FIELD_OBJECT:
		return struct_to(f->elem, at);
	case FIELD_LIST:
		return list_to(f, base);
	case FIELD_TYPE_MAX:
		break;
	}
	return NULL;
}

static int object_to(json_t *o, const struct message_layout *l,
		     const void *base)
{
	for (size_t i = 0; i < l->n; i++) {
		if (json_object_set_new_nocheck(o, l->fields[i].key,
						field_to(&l->fields[i], base)))
			return -1;
	}
	return 0;
}

static json_t *struct_to(const struct message_layout *l, const void *base)
{
	json_t *o;

	if (!l->fields[0].key)
		return field_to(&l->fields[0], base);
	o = json_object();
	if (o && object_to(o, l, base)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *message_to_json(const struct message *m, bool stamp)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	if (json_object_set_new(o, "schema", json_string(MESSAGE_SCHEMA)) ||
	    object_to(o, &message_layout, m) ||
	    (stamp && json_object_set_new(o, "sanitized", json_true()))) {
		json_decref(o);
		return NULL;
	}
	return o;
}
