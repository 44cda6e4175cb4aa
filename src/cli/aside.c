/* aside: see aside.h. */
#include "cli/aside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/client.h"
#include "proto/aside.h"

static int take_row(void *arg, struct chan *, const struct msg *m)
{
	struct buf *b = arg;

	if (m->type != MSG_C_ASIDE_ROW)
		return -1;
	buf_span(b, m->r_row.value);
	return buf_ok(b) ? 0 : -1;
}

/* Bytes that are no text, as hex. */
static json_t *hex_of(struct span s)
{
	char *hex = malloc(2 * s.n + 1);
	json_t *v = NULL;

	if (hex) {
		hex_encode(hex, s.p, s.n);
		v = json_pack("{s:s}", "hex", hex);
	}
	free(hex);
	return v;
}

static json_t *value_of(struct span s)
{
	return utf8_valid(s) ? json_stringn((const char *)s.p, s.n) : hex_of(s);
}

static bool is_recorded(const json_t *record, int i, const struct aside_arg *a)
{
	char key[32], hex[2 * SHA256_LEN + 1];
	uint8_t sum[SHA256_LEN];
	const char *want;

	(void)str_printf(key, sizeof(key), "arg.%d.hash", i);
	want = json_string_value(json_object_get(record, key));
	aside_hash(a, sum);
	hex_encode(hex, sum, sizeof(sum));
	return want && !strcmp(want, hex);
}

static json_t *arguments(const json_t *record, struct span bytes,
			 const char **why)
{
	static struct aside_arg args[LIMIT_ARGS];
	json_t *list = json_array();
	int n = aside_decode(bytes, args);
	int i;

	*why = "What lies aside for it is damaged.";
	for (i = 0; list && i < n; i++) {
		json_t *name = value_of(args[i].name);
		json_t *value = value_of(args[i].value);
		json_t *row =
			json_pack("{s:o, s:o}", "name", name, "value", value);

		if (!is_recorded(record, i, &args[i])) {
			*why = "What lies aside is not what the record has the "
			       "hash of.";
			n = -1;
		}
		(void)json_array_append_new(list, row);
	}
	if (n >= 0)
		return list;
	json_decref(list);
	return NULL;
}

json_t *aside_fetch(const struct cli *cli, const json_t *record,
		    const char **why)
{
	const char *text = json_string_value(json_object_get(record, "aside"));
	static struct msg m = { .type = MSG_C_ASIDE };
	uint8_t id[ASIDE_ID];
	CLEAN_BUF struct buf b;
	CLEAN_FD int running = -1;
	struct conf conf;

	buf_init(&b, ASIDE_MAX);
	*why = NULL;
	if (!text || hex_decode(id, ASIDE_ID, span_str(text)) < 0 ||
	    cli_conf(cli, &conf) != CLI_OK)
		return NULL;
	running = client_connect(conf.socket);
	*why = "Its arguments lie aside, and are shown while bulkhead runs.";
	if (running < 0)
		return NULL;
	m.c_aside = (struct m_c_aside){ .ids = span_of(id, ASIDE_ID) };
	*why = "Its arguments cannot be had.";
	if (client_ask(&conf, &m, take_row, &b) != CLI_OK)
		return NULL;
	*why = "Its arguments were erased, or gave way to newer ones.";
	return b.n ? arguments(record, buf_view(&b), why) : NULL;
}
