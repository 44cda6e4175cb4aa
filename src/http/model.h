/*
 * model: a loaded file of requests; the files of this folder alone see it.
 * Texts are the YAML file's, which lives as long as the model.
 */
#ifndef HTTP_MODEL_H
#define HTTP_MODEL_H

#include "conf/load.h"
#include "http/request.h"

/* What a value may be: of a parameter, or of a field of an answer. */
struct http_typed {
	const char *name;
	enum arg_type type;
	bool lines; /* texts: more than one line */
	bool has_min, has_max;
	int64_t min, max; /* as type_number */
	uint32_t bytes;	  /* texts: at most so many */
	uint32_t n_values;
	const char *values[HTTP_VALUES]; /* of an enum */
	bool optional;
	uint32_t many;	/* parameters: a list of so many at most; 0: one */
	const char *at; /* fields: a JSON pointer */
	bool used;	/* parameters: it stands somewhere */
};

struct http_head {
	const char *name;
	const char *value; /* with {secret} or not */
};

struct http_request {
	const char *name;
	const char *method;
	const char *url;
	struct span host;
	uint16_t port;
	bool tls;
	size_t path_at; /* in url */
	uint32_t n_params, n_headers, n_fields;
	struct http_typed params[HTTP_PARAMS];
	struct http_head headers[HTTP_HEADERS];
	struct http_typed fields[HTTP_FIELDS];
	const struct yaml_node *body; /* NULL: none */
	uint32_t answer_max;
	uint32_t timeout_s;
};

struct http_requests {
	struct yaml *y;
	size_t n;
	struct http_request *rows;
};

/*
 * A template is text with {name} in it; {{ and }} stand for one brace. Takes
 * the next of it off: a literal, or a name. False at its end; *bad: a brace
 * that is neither.
 */
struct http_piece {
	bool is_name;
	struct span text;
};

bool http_piece(struct span *rest, struct http_piece *ret, bool *bad);

/* The name, if the template is "{name}" and nothing else. */
bool http_alone(struct span text, struct span *name);

/* NULL, or why the value is none of this type: its canonical form in out. */
const char *http_canon(const struct http_typed *t, struct span value,
		       struct buf *out);

/* Index of a parameter, -1: there is none. */
int http_param(const struct http_request *q, struct span name);

/* Why a template of an address is none; NULL: it is good, and what it says of
 * host and port stands in q. Parameters that it names are marked as used. */
const char *http_check_url(struct http_request *q, bool plain);

/* The YAML scalar that JSON has as something else than a string. */
bool http_is_literal(const struct yaml_node *n);

/* True for A-Z a-z 0-9 - . _ ~ */
bool http_unreserved(uint8_t c);

#endif
