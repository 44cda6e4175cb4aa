/* secrets: see secrets.h. */
#include "secrets.h"

#include <errno.h>

#include "base/str.h"

struct span secrets_empty(void)
{
	return SPAN_LIT("{\"bulkhead_vault\": 1, \"secrets\": {}}\n");
}

bool secret_name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= LIMIT_NAME && s[0] != '.' && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-") == n;
}

static bool read_hosts(struct secret_row *row, struct jval hosts)
{
	struct jiter it = jiter_of(hosts);
	struct jval v;

	if (hosts.kind == JVAL_NONE)
		return true;
	if (hosts.kind != JVAL_ARRAY)
		return false;
	while (jiter_next(&it, NULL, &v)) {
		if (row->n_hosts == SECRETS_HOSTS ||
		    !jval_cstr(v, row->hosts[row->n_hosts], SECRETS_HOST_MAX) ||
		    strpbrk(row->hosts[row->n_hosts], " \n"))
			return false;
		row->n_hosts++;
	}
	return true;
}

/* {"value": ...}, or the value alone. */
static bool read_row(struct secret_row *row, struct jval key, struct jval v)
{
	struct jval connector, member, name;
	struct jiter it = jiter_of(v);

	*row = (struct secret_row){ .value = v };
	if (!jval_cstr(key, row->name, sizeof(row->name)) ||
	    !secret_name_ok(row->name))
		return false;
	if (v.kind == JVAL_STRING)
		return true;
	if (v.kind != JVAL_OBJECT)
		return false;
	while (jiter_next(&it, &name, &member))
		if (!jval_is(name, "value") && !jval_is(name, "connector") &&
		    !jval_is(name, "hosts"))
			return false;
	row->value = jval_get(v, "value");
	connector = jval_get(v, "connector");
	return row->value.kind == JVAL_STRING &&
	       (connector.kind == JVAL_NONE ||
		jval_cstr(connector, row->connector, sizeof(row->connector))) &&
	       read_hosts(row, jval_get(v, "hosts"));
}

static bool only_ours(struct jval all)
{
	struct jiter it = jiter_of(all);
	struct jval name, member;

	while (jiter_next(&it, &name, &member))
		if (!jval_is(name, "bulkhead_vault") &&
		    !jval_is(name, "secrets"))
			return false;
	return true;
}

const char *secrets_parse(struct secrets *ret, struct span text)
{
	struct secret_row row;
	struct jval all, key, v;
	struct jiter it;
	size_t n = 0;
	int64_t version;

	if (text.n > SECRETS_TEXT_MAX)
		return "it is larger than 512 KiB: split it";
	if (!jval_parse(text, &all) || all.kind != JVAL_OBJECT)
		return "its content is no JSON object of secrets";
	ret->rows = all;
	if (jval_get(all, "bulkhead_vault").kind != JVAL_NONE) {
		if (!jval_int(jval_get(all, "bulkhead_vault"), &version) ||
		    version != 1)
			return "it is of a later version of the vault: use the "
			       "program that wrote it";
		/* What authenticates a file of sops knows a value by the names
		 * above it, joined: nothing may stand at another place. */
		if (!only_ours(all))
			return "beside \"secrets\" there is something else: "
			       "remove it";
		ret->rows = jval_get(all, "secrets");
		if (ret->rows.kind != JVAL_OBJECT)
			return "it has no \"secrets\"";
	}
	it = jiter_of(ret->rows);
	while (jiter_next(&it, &key, &v)) {
		if (!read_row(&row, key, v))
			return "a secret of it is neither a text nor {value, "
			       "connector, hosts}, or its name has more than "
			       "a-z, 0-9, '.', '_' and '-' in it";
		if (++n > SECRETS_MAX)
			return "it has more than 256 secrets: split it";
		/* Twice the same name is two meanings. */
		if (jval_get(ret->rows, row.name).kind == JVAL_TWICE)
			return "a name is in it twice: remove one";
	}
	return NULL;
}

struct jiter secrets_all(const struct secrets *s)
{
	return jiter_of(s->rows);
}

bool secrets_next(struct jiter *it, struct secret_row *ret)
{
	struct jval key, v;

	return jiter_next(it, &key, &v) && read_row(ret, key, v);
}

bool secrets_find(const struct secrets *s, const char *name,
		  struct secret_row *ret)
{
	struct jiter it = secrets_all(s);

	while (secrets_next(&it, ret))
		if (!strcmp(ret->name, name))
			return true;
	return false;
}

static bool has_host(const struct secret_row *row, struct span host)
{
	size_t i;

	for (i = 0; i < row->n_hosts; i++)
		if (span_is(host, row->hosts[i]))
			return true;
	return false;
}

const char *secret_not_for(const struct secret_row *row, const char *connector,
			   struct span hosts)
{
	size_t begin = 0, at;

	if (*row->connector && strcmp(row->connector, connector) != 0)
		return "it is for another connector: `bulkhead vault show` "
		       "says "
		       "for which";
	if (!row->n_hosts)
		return NULL;
	for (at = 0; at <= hosts.n; at++) {
		if (at < hosts.n && hosts.p[at] != ' ')
			continue;
		if (!has_host(row, span_of(hosts.p + begin, at - begin)))
			return "it is for other hosts than the connector has: "
			       "`bulkhead vault show` says for which";
		begin = at + 1;
	}
	return NULL;
}

static void put_row(struct buf *b, const struct secret_row *row, bool first)
{
	size_t i;

	buf_str(b, first ? "\n    " : ",\n    ");
	json_quote(b, span_str(row->name));
	buf_str(b, ": {\"value\": ");
	buf_span(b, row->value.raw);
	if (*row->connector) {
		buf_str(b, ", \"connector\": ");
		json_quote(b, span_str(row->connector));
	}
	for (i = 0; i < row->n_hosts; i++) {
		buf_str(b, i ? ", " : ", \"hosts\": [");
		json_quote(b, span_str(row->hosts[i]));
	}
	buf_str(b, row->n_hosts ? "]}" : "}");
}

int secrets_write(struct buf *ret, const struct secrets *s, const char *name,
		  const struct secret_row *with, struct span value)
{
	struct jiter it = secrets_all(s);
	struct secret_row row, other;
	struct buf text;
	size_t n = 0;
	int r = 0;

	if (with &&
	    (!utf8_valid(value) || (value.n && memchr(value.p, 0, value.n))))
		return -EINVAL;
	buf_init(&text, 6 * LIMIT_SECRET + 2);
	if (with) {
		row = *with;
		json_quote(&text, value);
		row.value.raw = buf_view(&text);
	}
	buf_str(ret, "{\n  \"bulkhead_vault\": 1,\n  \"secrets\": {");
	while (secrets_next(&it, &other))
		if (strcmp(other.name, name) != 0)
			put_row(ret, &other, n++ == 0);
		else if (with)
			put_row(ret, &row, n++ == 0), with = NULL;
	if (with)
		put_row(ret, &row, n++ == 0);
	buf_str(ret, n ? "\n  }\n}\n" : "}\n}\n");
	if (n > SECRETS_MAX)
		r = -E2BIG;
	else if (!buf_ok(ret) || !buf_ok(&text))
		r = -ENOMEM;
	if (text.p)
		explicit_bzero(text.p, text.cap);
	buf_done(&text);
	return r;
}
