/*
 * request: what an http connector may ask for. Its owner declares each request
 * in a file of strict YAML: method, address, parameters with a type each,
 * headers, a body, and what is read of the answer. docs/http.md is the schema.
 *
 * A planner chooses values of parameters and nothing else. A value stands in
 * one part of the path, in one value of the query or in one value of the body,
 * encoded for that place; it can never become a further part, a further
 * parameter, another host, or a header. The secret stands in headers alone.
 *
 * Pure: no network, no files. A loaded file never changes.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/buf.h"
#include "base/err.h"
#include "label/types.h"
#include "proto/msg.h"

enum {
	HTTP_REQUESTS = 64, /* in one file */
	HTTP_PARAMS = 16,   /* of one request */
	HTTP_HEADERS = 8,
	HTTP_FIELDS = 16, /* of one answer */
	HTTP_VALUES = 64, /* words of one enum */
	HTTP_MANY = 32,	  /* values of one parameter */
	HTTP_NAME_MAX = 63,
	HTTP_URL_MAX = 4096,	   /* a template, and what is made of it */
	HTTP_HEADER_MAX = 1024,	   /* a header's template */
	HTTP_BODY_MAX = 64 << 10,  /* what is sent */
	HTTP_ANSWER_MAX = 1 << 20, /* most that `limits` can let in */
	HTTP_ANSWER_DEFAULT = 64 << 10,
	HTTP_TEXT_MAX = 4096, /* of one field */
	HTTP_TIMEOUT_S = 30,
	HTTP_TIMEOUT_MAX_S = 300,
};

struct http_requests; /* a file */
struct http_request;  /* borrowed from its file */

/*
 * Loads a file; name stands in messages. plain: http:// is allowed, too, which
 * is for accounts with private addresses. 0, or -EINVAL with a line for each
 * error in errs; *ret is set on success alone.
 */
[[nodiscard]] int http_load(const char *name, struct span yaml, bool plain,
			    struct http_requests **ret, struct buf *errs);
void http_free(struct http_requests *r);
void http_freep(struct http_requests **r);

#define CLEAN_HTTP __attribute__((cleanup(http_freep)))

size_t http_count(const struct http_requests *r);
const struct http_request *http_at(const struct http_requests *r, size_t i);

/* The request that carries out a capability; NULL if there is none. */
const struct http_request *http_find(const struct http_requests *r,
				     struct span capability);

const char *http_name(const struct http_request *q);
const char *http_method(const struct http_request *q);

/* Where it goes, of the template: a host in lower case (an address of version 6
 * in brackets), a port, whether it is https. */
struct span http_host(const struct http_request *q);
uint16_t http_port(const struct http_request *q);
bool http_tls(const struct http_request *q);

uint32_t http_answer_max(const struct http_request *q);
uint32_t http_timeout_s(const struct http_request *q);

/* True if something of the answer is read. */
bool http_has_fields(const struct http_request *q);

/*
 * Makes address and body of the arguments of an effect; both buffers are
 * emptied first and need a maximum of HTTP_URL_MAX and HTTP_BODY_MAX. A request
 * without a body leaves an empty one. 0, or -EINVAL with why not in e.
 */
[[nodiscard]] int http_build(const struct http_request *q,
			     const struct m_arg *args, size_t n,
			     struct buf *url, struct buf *body, struct err *e);

/* Appends the repository that the arguments name, "owner/name": the value of
 * the first parameter of type repo; nothing if there is none. */
void http_repo(const struct http_request *q, const struct m_arg *args, size_t n,
	       struct buf *repo);

/* "Name: value" of the headers of the file, i from 0; false past the last.
 * -EINVAL as *rc where the secret has bytes that no header has. */
bool http_header(const struct http_request *q, size_t i, struct span secret,
		 struct buf *line, int *rc);

/* What was read of an answer; rows borrow from text. */
struct http_fields {
	struct buf text;
	uint32_t n;
	struct m_arg rows[HTTP_FIELDS];
};

void http_fields_init(struct http_fields *f);
void http_fields_done(struct http_fields *f);

/*
 * Reads the declared fields of an answer's body, which is JSON. Each is of its
 * type and within its bounds, or the answer is refused as a whole: 0, or
 * -EINVAL with why in e, our own words and names of the file, never bytes of
 * the answer.
 */
[[nodiscard]] int http_answer(const struct http_request *q, struct span body,
			      struct http_fields *ret, struct err *e);

#endif
