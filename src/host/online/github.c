/*
 * github: see github.h.
 *
 * SECURITY. Key, assertion and token are in locked memory, or in buffers that
 * are wiped; the answer that a token comes in is net's, and goes with it. It is
 * read by the bounded reader of JSON, for one string of a narrow alphabet.
 */
#include "github.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <time.h>

#include "base/str.h"
#include "json5/json5.h"

enum { RSA_BITS_MIN = 2048, SIGNATURE_MAX = 1024 };

static bool word_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int github_user(const char *user, struct span *app, struct span *installation)
{
	const char *slash = strchr(user, '/');
	uint64_t number;
	size_t i;

	if (!slash || slash == user)
		return -1;
	*app = span_of(user, (size_t)(slash - user));
	*installation = span_str(slash + 1);
	for (i = 0; i < app->n; i++)
		if (!word_byte(app->p[i]))
			return -1;
	return num_parse(*installation, 1, INT64_MAX, &number);
}

/* base64url without padding (RFC 4648, 5) */
static void put_base64(struct buf *b, struct span s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t i;

	for (i = 0; i < s.n; i += 3) {
		size_t left = s.n - i, k;
		uint32_t v = (uint32_t)s.p[i] << 16;

		v |= left > 1 ? (uint32_t)s.p[i + 1] << 8 : 0;
		v |= left > 2 ? s.p[i + 2] : 0;
		for (k = 0; k < (left > 2 ? 4 : left + 1); k++)
			buf_u8(b, (uint8_t)digits[v >> (18 - 6 * k) & 63]);
	}
}

static EVP_PKEY *read_key(struct span pem)
{
	BIO *bio = pem.n <= LIMIT_SECRET ? BIO_new_mem_buf(pem.p, (int)pem.n)
					 : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL,
						      (void *)(uintptr_t) "")
			    : NULL;

	BIO_free(bio);
	if (key && (EVP_PKEY_base_id(key) != EVP_PKEY_RSA ||
		    EVP_PKEY_bits(key) < RSA_BITS_MIN)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static int sign(EVP_PKEY *key, struct span text, struct buf *jwt)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c &&
		  EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(c, signature, &n, text.p, text.n) == 1;

	EVP_MD_CTX_free(c);
	if (!ok)
		return -EINVAL;
	buf_str(jwt, ".");
	put_base64(jwt, span_of(signature, n));
	return buf_ok(jwt) ? 0 : -ENOMEM;
}

int github_jwt(struct span pem, struct span app, uint64_t now_s,
	       struct buf *jwt)
{
	static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	EVP_PKEY *key = read_key(pem);
	char claims[512];
	struct span text;
	size_t at = jwt->n;
	int rc;

	if (!key)
		return -EINVAL;
	rc = str_printf(claims, sizeof(claims),
			"{\"iat\":%llu,\"exp\":%llu,\"iss\":\"%.*s\"}",
			(unsigned long long)(now_s - GITHUB_JWT_PAST_S),
			(unsigned long long)(now_s + GITHUB_JWT_LIFE_S),
			(int)app.n, app.p);
	put_base64(jwt, span_str(head));
	buf_str(jwt, ".");
	put_base64(jwt, span_str(claims));
	text = buf_part(jwt, at, jwt->n - at);
	if (rc < 0 || !buf_ok(jwt)) {
		rc = -ENOMEM;
	} else {
		/* Where the buffer grows, the text moves: a copy is signed. */
		CLEAN_BUF struct buf copy;

		buf_init(&copy, GITHUB_JWT_MAX);
		buf_span(&copy, text);
		rc = buf_ok(&copy) ? sign(key, buf_view(&copy), jwt) : -ENOMEM;
	}
	EVP_PKEY_free(key);
	return rc;
}

/* calls */

static void end(struct github *g, const char *why)
{
	g->job = NULL;
	g->done(g->arg, why);
}

/* {"token": "ghs_..."} */
static bool take_token(struct github *g, struct span body)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	struct err e = { 0 };
	struct span token;
	size_t i;

	if (json5_parse("answer", body, &j, &e) < 0)
		return false;
	token = json5_text(j, json5_get(j, json5_root(j), "token"));
	for (i = 0; i < token.n; i++)
		if (!word_byte(token.p[i]))
			return false;
	return token.n && token.n <= GITHUB_TOKEN_MAX &&
	       secret_set(&g->token, token) == 0;
}

static void minted(void *arg, const struct net_answer *a)
{
	struct github *g = arg;

	if (a->why)
		end(g, a->why);
	else if (a->status == 401 || a->status == 403)
		end(g, "GitHub does not take the App's key");
	else if (a->status == 404)
		end(g, "GitHub knows no such installation of the App");
	else if (a->status == 422)
		end(g, "the installation does not have this repository");
	else if (a->status != 201)
		end(g, "GitHub gave no token");
	else if (!take_token(g, a->body))
		end(g, "GitHub's answer has no token");
	else
		end(g, NULL);
}

static void revoked(void *arg, const struct net_answer *a)
{
	struct github *g = arg;

	secret_wipe(&g->token);
	/* 401: it is none any more. */
	end(g, a->why ? a->why
	       : a->status == 204 || a->status == 401
		       ? NULL
		       : "GitHub did not end the token");
}

static int call(struct github *g, const char *method, const char *path,
		struct span bearer, struct span body,
		void (*done)(void *, const struct net_answer *))
{
	struct net_call c = {
		.scheme = "https",
		.host = g->set->hosts[0].name,
		.port = g->set->hosts[0].port,
		.method = method,
		.path = path,
		.body = body,
		.headers = { NULL, "Accept: application/vnd.github+json",
			     "X-GitHub-Api-Version: 2022-11-28",
			     "User-Agent: bulkhead",
			     "Content-Type: application/json" },
		.n_headers = body.n ? 5 : 4,
		.limit_bytes = GITHUB_ANSWER_MAX,
		.done = done,
		.arg = g,
	};
	CLEAN_BUF struct buf line;
	int rc = -ENOMEM;

	buf_init(&line, GITHUB_JWT_MAX + 64);
	/* At once, so that nothing of it is left where it grew. */
	if (buf_extend(&line, GITHUB_JWT_MAX))
		buf_cut(&line, 0);
	buf_printf(&line, "Authorization: Bearer %.*s", (int)bearer.n,
		   bearer.p);
	if (buf_ok(&line)) {
		c.headers[0] = buf_cstr(&line);
		rc = net_call(g->net, &c, &g->job);
	}
	secret_wipe_buf(&line);
	return rc;
}

int github_mint(struct github *g, struct span repo)
{
	CLEAN_BUF struct buf jwt, body;
	struct span app, installation;
	const uint8_t *slash = repo.n ? memchr(repo.p, '/', repo.n) : NULL;
	char path[128];
	int rc;

	buf_init(&jwt, GITHUB_JWT_MAX);
	buf_init(&body, 512);
	if (github_user(g->set->user, &app, &installation) < 0)
		return -EINVAL;
	rc = github_jwt(secret_view(g->key), app, (uint64_t)time(NULL), &jwt);
	if (rc == 0 &&
	    str_printf(path, sizeof(path), "/app/installations/%.*s/%s",
		       (int)installation.n, installation.p,
		       "access_tokens") < 0)
		rc = -EINVAL;
	/* A repository's name has no character that JSON would escape. */
	if (slash)
		buf_printf(&body, "{\"repositories\":[\"%.*s\"]}",
			   (int)(repo.n - (size_t)(slash - repo.p) - 1),
			   slash + 1);
	if (rc == 0)
		rc = call(g, "POST", path, buf_view(&jwt), buf_view(&body),
			  minted);
	secret_wipe_buf(&jwt);
	return rc;
}

int github_revoke(struct github *g)
{
	int rc = call(g, "DELETE", "/installation/token",
		      secret_view(&g->token), (struct span){ 0 }, revoked);

	if (rc < 0)
		secret_wipe(&g->token);
	return rc;
}

void github_stop(struct github *g)
{
	net_cancel(g->job);
	g->job = NULL;
	secret_wipe(&g->token);
}
