/*
 * message_json_test: the closed world of message_from_json, and that the
 * published schema says what the table says.
 */
#include "proto/message_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "proto/limits.h"
#include "proto/message_layout.h"
#include "proto/message_sample.h"
#include "proto/message_write.h"
#include "proto/wire.h"

static int parse(const char *text, size_t n, struct err *err)
{
	struct message m;
	json_t *keep;
	int r = message_from_json(span_of(text, n), &m, &keep, err);

	assert_true(r == 0 || keep == NULL);
	json_decref(keep);
	return r;
}

/* The sample as JSON with one value replaced, or a key removed (NULL). */
static int parse_with(const char *key, json_t *value, struct err *err)
{
	struct message m = message_sample();
	json_t *o = message_to_json(&m, false);
	CLEAN_FREE char *text = NULL;
	int r;

	if (value)
		assert_int_equal(json_object_set_new(o, key, value), 0);
	else
		assert_int_equal(json_object_del(o, key), 0);
	text = json_dumps(o, 0);
	json_decref(o);
	r = parse(text, strlen(text), err);
	return r;
}

static void test_round_trip(void **)
{
	struct message m = message_sample();
	CLEAN_BUF struct buf one = { .max = LIMIT_RECORD };
	CLEAN_BUF struct buf two = { .max = LIMIT_RECORD };
	json_t *o = message_to_json(&m, false);
	CLEAN_FREE char *text = json_dumps(o, 0);
	struct message got;
	struct err err = { 0 };
	json_t *keep;

	json_decref(o);
	assert_int_equal(message_from_json(span_str(text), &got, &keep, &err),
			 0);
	message_encode(&one, &m);
	message_encode(&two, &got);
	assert_true(span_eq(buf_view(&one), buf_view(&two)));
	json_decref(keep);
}

static void test_stamp(void **)
{
	struct message m = message_sample();
	json_t *o = message_to_json(&m, true);
	CLEAN_FREE char *text = json_dumps(o, 0);
	struct err err = { 0 };

	assert_true(json_is_true(json_object_get(o, "sanitized")));
	json_decref(o);
	/* a reader that stamps itself is refused */
	assert_int_equal(parse(text, strlen(text), &err), -1);
	assert_string_equal(err.msg, "message: unknown key");
}

static void test_every_split(void **)
{
	struct message m = message_sample();
	json_t *o = message_to_json(&m, false);
	CLEAN_FREE char *text = json_dumps(o, 0);
	size_t n = strlen(text);
	struct err err = { 0 };

	json_decref(o);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(parse(text, i, &err), -1);
	assert_int_equal(parse(text, n, &err), 0);
}

/* Each key: missing, and of a type that none of them takes there. */
static void test_every_key(void **)
{
	struct err err = { 0 };

	for (size_t i = 0; i < message_layout.n; i++) {
		const char *key = message_layout.fields[i].key;

		assert_int_equal(parse_with(key, NULL, &err), -1);
		assert_int_equal(parse_with(key, json_null(), &err), -1);
		assert_int_equal(parse_with(key, json_real(1.5), &err), -1);
		assert_int_equal(parse_with(key, json_integer(-1), &err), -1);
		assert_int_equal(parse_with(key, json_pack("[[s]]", "x"), &err),
				 -1);
	}
	assert_int_equal(parse_with("schema", NULL, &err), -1);
	assert_int_equal(
		parse_with("schema", json_string("bulkhead.message/2"), &err),
		-1);
	assert_int_equal(parse_with("trusted", json_true(), &err), -1);
	assert_string_equal(err.msg, "message: unknown key");
}

static void test_values(void **)
{
	static const struct {
		const char *key;
		const char *value; /* JSON, put in place of the sample's */
		bool ok;
	} rows[] = {
		{ "body", "\"x\"", false }, /* the finding is outside it now */
		{ "findings", "[]", true },
		{ "subject", "\"\\u0000\"", false },
		{ "subject", "\"\\ud800\"", false },
		{ "to", "[{\"name\":\"a\",\"addr\":\"b\"}]", true },
		{ "to", "[{\"name\":\"a\"}]", false },
		{ "to", "[{\"name\":\"a\",\"addr\":\"b\",\"x\":1}]", false },
		{ "to", "[{\"name\":\"a\",\"name\":\"a\",\"addr\":\"b\"}]",
		  false },
		{ "references", "[\"<a@b>\"]", true },
		{ "references", "[1]", false },
		{ "removed",
		  "[{\"kind\":\"visibility\",\"count\":1,\"text\":\"\"}]",
		  true },
		{ "removed", "[{\"kind\":\"magic\",\"count\":1,\"text\":\"\"}]",
		  false },
		{ "removed",
		  "[{\"kind\":\"comment\",\"count\":0,\"text\":\"\"}]", false },
		{ "removed",
		  "[{\"kind\":\"comment\",\"count\":4294967296,"
		  "\"text\":\"\"}]",
		  false },
		{ "removed",
		  "[{\"kind\":\"comment\",\"count\":4294967295,"
		  "\"text\":\"\"}]",
		  true },
		{ "attachments",
		  "[{\"name\":\"\",\"type\":\"\",\"size\":1,"
		  "\"sha256\":\"00\"}]",
		  false },
		{ "date", "\"yesterday\"", false },
		{ "kind", "\"fax\"", false },
		{ "from", "{\"name\":{},\"addr\":\"\"}", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct message m = message_sample();
		json_t *o = message_to_json(&m, false);
		CLEAN_FREE char *text = NULL;
		CLEAN_BUF struct buf b = { .max = LIMIT_READER_JSON };
		struct err err = { 0 };

		/* by text, so that what jansson would not write is possible */
		assert_int_equal(json_object_del(o, rows[i].key), 0);
		text = json_dumps(o, 0);
		json_decref(o);
		buf_put(&b, text, strlen(text) - 1);
		buf_printf(&b, ",\"%s\":%s}", rows[i].key, rows[i].value);
		if (parse(buf_cstr(&b), b.n, &err) != (rows[i].ok ? 0 : -1))
			fail_msg("row %zu: %s", i, err.msg);
	}
}

static void test_hostile_shapes(void **)
{
	static const char *const rows[] = {
		"",
		"null",
		"[]",
		"{}",
		"\"x\"",
		"[[[[[[[[[[1]]]]]]]]]]",
		"{\"a\":{\"b\":[{",
		"{} {}",
		"{\"kind\":NaN}",
		"\xef\xbb\xbf{}",
	};
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(parse(rows[i], strlen(rows[i]), &err), -1);
}

/* Four levels are looked at, five are refused before jansson. */
static void test_depth(void **)
{
	struct err err = { 0 };

	assert_int_equal(parse("[[[[1]]]]", 9, &err), -1);
	assert_string_equal(err.msg, "schema: not bulkhead.message/1");
	assert_int_equal(parse("[[[[[1]]]]]", 11, &err), -1);
	assert_string_equal(err.msg, "JSON nested over 4");
	/* brackets inside strings do not nest */
	assert_int_equal(parse("[\"[[[[[[\\\"[[[\"]", 15, &err), -1);
	assert_string_equal(err.msg, "schema: not bulkhead.message/1");
}

/* White space up to the limit is read, one byte more is not. */
static void test_size(void **)
{
	struct message m = message_sample();
	json_t *o = message_to_json(&m, false);
	CLEAN_FREE char *text = json_dumps(o, 0);
	CLEAN_FREE char *big = malloc(LIMIT_READER_JSON + 1);
	struct err err = { 0 };

	json_decref(o);
	memset(big, ' ', LIMIT_READER_JSON + 1);
	for (size_t i = 0; text[i]; i++)
		big[i] = text[i];
	assert_int_equal(parse(big, LIMIT_READER_JSON - 1, &err), 0);
	assert_int_equal(parse(big, LIMIT_READER_JSON, &err), 0);
	assert_int_equal(parse(big, LIMIT_READER_JSON + 1, &err), -1);
	assert_int_equal(err.code, -EFBIG);
}

/* The published schema, walked against the table. */

static json_t *get(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!v)
		fail_msg("schema has no %s", key);
	return v;
}

static void schema_is_int(json_t *o, const char *key, uint64_t want)
{
	uint64_t got = (uint64_t)json_integer_value(get(o, key));

	if (got != want)
		fail_msg("%s: %ju, want %ju", key, (uintmax_t)got,
			 (uintmax_t)want);
}

static void schema_is_type(json_t *o, const char *type)
{
	assert_string_equal(json_string_value(get(o, "type")), type);
}

static void schema_has_names(json_t *o, const char *(*name)(int), int from,
			     int to)
{
	json_t *list = get(o, "enum");

	assert_int_equal(json_array_size(list), to - from);
	for (int i = from; i < to; i++)
		assert_string_equal(json_string_value(json_array_get(
					    list, (size_t)(i - from))),
				    name(i));
}

static const char *removed_name(int i)
{
	return message_removed_name((enum message_removed_kind)i);
}

static const char *where_name(int i)
{
	return message_where_name((enum message_where)i);
}

static json_t *resolve(json_t *schema, json_t *o)
{
	const char *ref = json_string_value(json_object_get(o, "$ref"));

	if (!ref)
		return o;
	assert_memory_equal(ref, "#/$defs/", 8);
	return get(get(schema, "$defs"), ref + 8);
}

/* One for each sort of item that a reader can be given. */
static void schema_readers(json_t *names)
{
	assert_int_equal(json_array_size(names), WIRE_ITEM_MAX - 1);
	for (size_t i = 0; i < json_array_size(names); i++)
		assert_true(message_reader_known(
			span_str(json_string_value(json_array_get(names, i)))));
}

static void schema_struct(json_t *schema, json_t *o,
			  const struct message_layout *l, size_t extra);

static void schema_field(json_t *schema, json_t *o,
			 const struct message_field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_DATE:
		schema_is_type(o, "string");
		/* bytes; a JSON Schema counts characters, never more */
		schema_is_int(o, "maxLength", f->max);
		return;
	case FIELD_READER:
		schema_readers(get(o, "enum"));
		return;
	case FIELD_FLAG:
		schema_is_type(o, "boolean");
		return;
	case FIELD_REMOVED:
		schema_has_names(o, removed_name, 1, REMOVED_KIND_MAX);
		return;
	case FIELD_WHERE:
		schema_has_names(o, where_name, 1, WHERE_MAX);
		return;
	case FIELD_SCORE:
	case FIELD_U32:
		schema_is_type(o, "integer");
		schema_is_int(o, "minimum", f->min);
		schema_is_int(o, "maximum", f->max);
		return;
	case FIELD_U64:
		schema_is_type(o, "integer");
		schema_is_int(o, "maximum", MESSAGE_SIZE_MAX);
		return;
	case FIELD_SHA256:
		assert_string_equal(json_string_value(get(o, "pattern")),
				    "^[0-9a-f]{64}$");
		return;
	case FIELD_OBJECT:
		schema_struct(schema, resolve(schema, o), f->elem, 0);
		return;
	case FIELD_LIST:
		schema_is_type(o, "array");
		schema_is_int(o, "maxItems", f->max);
		schema_struct(schema, resolve(schema, get(o, "items")), f->elem,
			      0);
		return;
	case FIELD_TYPE_MAX:
		break;
	}
	fail_msg("field of no type");
}

static void schema_struct(json_t *schema, json_t *o,
			  const struct message_layout *l, size_t extra)
{
	json_t *properties;

	if (!l->fields[0].key) {
		schema_field(schema, o, &l->fields[0]);
		return;
	}
	schema_is_type(o, "object");
	assert_true(json_is_false(get(o, "additionalProperties")));
	properties = get(o, "properties");
	assert_int_equal(json_object_size(properties), l->n + extra);
	assert_int_equal(json_array_size(get(o, "required")), l->n + extra);
	for (size_t i = 0; i < l->n; i++)
		schema_field(schema, get(properties, l->fields[i].key),
			     &l->fields[i]);
	for (size_t i = 0; i < l->n + extra; i++)
		get(properties,
		    json_string_value(json_array_get(get(o, "required"), i)));
}

static void test_schema(void **)
{
	json_error_t err;
	json_t *schema = json_load_file(getenv("BULKHEAD_SCHEMA"),
					JSON_REJECT_DUPLICATES, &err);
	json_t *properties;

	assert_non_null(schema);
	/* beyond the table: schema and sanitized */
	schema_struct(schema, schema, &message_layout, 2);
	properties = get(schema, "properties");
	assert_string_equal(
		json_string_value(get(get(properties, "schema"), "const")),
		MESSAGE_SCHEMA);
	schema_is_type(get(properties, "sanitized"), "boolean");
	json_decref(schema);
}

/* Both writers give the same bytes. */
static void same_bytes(const struct message *m)
{
	CLEAN_BUF struct buf out = { .max = LIMIT_READER_JSON };
	json_t *o = message_to_json(m, false);
	CLEAN_FREE char *text = json_dumps(o, JSON_COMPACT);

	message_write(m, &out);
	assert_true(buf_ok(&out));
	assert_non_null(text);
	assert_string_equal(buf_cstr(&out), text);
	json_decref(o);
}

static void test_write(void **)
{
	static const uint64_t sizes[] = { 0, 9, 10, 99, MESSAGE_SIZE_MAX };
	struct message m = { .kind = SPAN_LIT("email") };
	uint8_t ascii[0x80];

	same_bytes(&m);
	m = message_sample();
	same_bytes(&m);
	for (size_t i = 0; i < sizeof(ascii); i++)
		ascii[i] = (uint8_t)i;
	m.body = span_of(ascii, sizeof(ascii));
	m.n_references = MESSAGE_REFS;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		m.attachments[0].size = sizes[i];
		same_bytes(&m);
	}
}

/* Each byte of ASCII at each place of a text longer than a machine word. */
static void test_write_escapes(void **)
{
	struct message m = { .kind = SPAN_LIT("email") };
	uint8_t text[19];

	for (unsigned int c = 0; c < 0x80; c++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, c & 1 ? '!' : ' ', sizeof(text));
			text[at] = (uint8_t)c;
			m.body = span_of(text, sizeof(text));
			same_bytes(&m);
		}
	}
	m.body = SPAN_LIT("\xc3\xa9\"\xe2\x82\xac\\\xf0\x9f\x98\x80\n\xc2\xa0");
	same_bytes(&m);
}

/* A buffer that is one byte short says so; one that fits is filled. */
static void test_write_limit(void **)
{
	struct message m = message_sample();
	CLEAN_BUF struct buf whole = { .max = LIMIT_READER_JSON };
	CLEAN_BUF struct buf fits = { .max = 0 };
	CLEAN_BUF struct buf tight = { .max = 0 };

	message_write(&m, &whole);
	fits.max = whole.n;
	tight.max = whole.n - 1;
	message_write(&m, &fits);
	message_write(&m, &tight);
	assert_true(buf_ok(&fits));
	assert_int_equal(fits.n, whole.n);
	assert_false(buf_ok(&tight));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_escapes),
		cmocka_unit_test(test_write_limit),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_hostile_shapes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
