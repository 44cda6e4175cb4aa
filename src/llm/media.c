/*
 * media: what stands in a request as base64 is what it says, as far as its
 * first bytes tell, and no larger than LLM_IMAGE.
 */
#include <stdlib.h>

#include "base/b64.h"
#include "shape.h"

enum { HEAD = 12 };

static const struct {
	const char *type; /* of Messages, or the format of Chat */
	const char *magic;
	size_t n, at;
} kinds[] = {
	{ "image/png", "\x89PNG\r\n\x1a\n", 8, 0 },
	{ "image/jpeg", "\xff\xd8\xff", 3, 0 },
	{ "image/gif", "GIF8", 4, 0 },
	{ "image/webp", "WEBP", 4, 8 },
	{ "application/pdf", "%PDF-", 5, 0 },
	{ "wav", "WAVE", 4, 8 },
	{ "mp3", "ID3", 3, 0 },
	{ "mp3", "\xff\xfb", 2, 0 },
	{ "mp3", "\xff\xf3", 2, 0 },
	{ "mp3", "\xff\xf2", 2, 0 },
};

static bool is_kind(struct span type, bool audio, const uint8_t *head)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (span_is(type, kinds[i].type) &&
		    audio == !strchr(kinds[i].type, '/') &&
		    !memcmp(head + kinds[i].at, kinds[i].magic, kinds[i].n))
			return true;
	return false;
}

/* All of it has to be base64, not the head alone. */
static bool decoded(struct span type, bool audio, struct span data,
		    const char **why)
{
	uint8_t *p;
	int n;

	if (data.n > B64_LEN((size_t)LLM_IMAGE)) {
		*why = "is larger than 5 MiB";
		return false;
	}
	p = calloc(1, data.n / 4 * 3 + HEAD + 3);
	if (!p) {
		*why = "is too much for the memory that is there";
		return false;
	}
	n = b64_decode(p, data.n / 4 * 3 + 3, data);
	if (n < HEAD)
		*why = "is no base64, or nearly nothing";
	else if (n > LLM_IMAGE)
		*why = "is larger than 5 MiB";
	else if (!is_kind(type, audio, p))
		*why = "is not of the type that it says";
	else
		*why = NULL;
	free(p);
	return !*why;
}

bool media_image(struct span type, struct span data, const char **why)
{
	return decoded(type, false, data, why);
}

bool media_audio(struct span format, struct span data, const char **why)
{
	return decoded(format, true, data, why);
}

/* "data:TYPE;base64,DATA" (RFC 2397), without parameters. */
bool media_url(struct span url, bool file, const char **why)
{
	static const char scheme[] = "data:", mark[] = ";base64,";
	const size_t n = sizeof(scheme) - 1, m = sizeof(mark) - 1;
	const uint8_t *at = NULL;
	struct span type, data;

	if (url.n > n && !memcmp(url.p, scheme, n))
		at = memmem(url.p, url.n < 64 ? url.n : 64, mark, m);
	if (!at) {
		*why = "is refused: the provider would fetch it; only "
		       "\"data:\" with base64 may stand here";
		return false;
	}
	type = span_of(url.p + n, (size_t)(at - url.p) - n);
	data = span_of(at + m, url.n - (size_t)(at - url.p) - m);
	if (file != span_is(type, "application/pdf")) {
		*why = file ? "has to be application/pdf"
			    : "has to be an image";
		return false;
	}
	return decoded(type, false, data, why);
}
