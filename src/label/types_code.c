/*
 * types_code: repositories, branches and files, and the globs of a policy.
 */
#include <string.h>

#include "base/str.h"
#include "label/types_inner.h"

static bool login_ok(struct span v)
{
	size_t i;

	if (!v.n || v.n > REPO_OWNER_MAX || v.p[0] == '-' ||
	    v.p[v.n - 1] == '-')
		return false;
	for (i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && (v.p[i] != '-' || v.p[i - 1] == '-'))
			return false;
	return true;
}

static bool ends_with(struct span v, const char *tail)
{
	size_t n = strlen(tail);

	return v.n >= n && !memcmp(v.p + v.n - n, tail, n);
}

static bool repo_name_ok(struct span v)
{
	size_t i;

	if (!v.n || v.n > REPO_NAME_MAX || span_is(v, ".") || span_is(v, ".."))
		return false;
	for (i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && (!v.p[i] || !strchr("-._", v.p[i])))
			return false;
	return true;
}

const char *canon_repo(struct span v, struct buf *out)
{
	const uint8_t *slash = v.n ? memchr(v.p, '/', v.n) : NULL;
	size_t n = slash ? (size_t)(slash - v.p) : 0, from = out->n;

	if (!slash || !login_ok(span_of(v.p, n)) ||
	    !repo_name_ok(skip(v, n + 1)))
		return "is not a repository, owner/name";
	put_lower(out, v);
	if (ends_with(buf_part(out, from, out->n), ".git"))
		return "ends in .git: write owner/name alone";
	return NULL;
}

/* One component of a ref, by git's rules. */
static bool ref_part_ok(struct span v)
{
	size_t i;

	if (!v.n || v.p[0] == '.' || ends_with(v, ".lock"))
		return false;
	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c <= 0x20 || c >= 0x7f || strchr("~^:?*[\\", c))
			return false;
		if (i && ((c == '.' && v.p[i - 1] == '.') ||
			  (c == '{' && v.p[i - 1] == '@')))
			return false;
	}
	return true;
}

static bool ref_parts_ok(struct span v)
{
	size_t n;

	if (!v.n || v.n > REF_MAX || v.p[0] == '-' || v.p[v.n - 1] == '.')
		return false;
	for (;;) {
		for (n = 0; n < v.n && v.p[n] != '/'; n++)
			;
		if (!ref_part_ok(span_of(v.p, n)))
			return false;
		if (n == v.n)
			return true;
		v = skip(v, n + 1);
	}
}

/* Forty or sixty-four hexadecimal digits: git would take an object for it. */
static bool is_object(struct span v)
{
	size_t i;

	if (v.n != 40 && v.n != 64)
		return false;
	for (i = 0; i < v.n; i++)
		if (!strchr("0123456789abcdef", lower(v.p[i])))
			return false;
	return true;
}

const char *canon_ref(struct span v, struct buf *out)
{
	if (!ref_parts_ok(v) || span_is(v, "@"))
		return "is not a branch or tag as git names them";
	if ((v.n > 5 && !memcmp(v.p, "refs/", 5)) || span_is(v, "HEAD") ||
	    is_object(v))
		return "is not a short branch or tag name";
	buf_span(out, v);
	return NULL;
}

const char *ref_glob_bad(struct span glob)
{
	CLEAN_BUF struct buf out;
	uint8_t ref[REF_MAX];

	buf_init(&out, REF_MAX);
	if (glob.n < 3 || glob.n > REF_MAX || glob.p[glob.n - 1] != '*' ||
	    glob.p[glob.n - 2] != '/')
		return "does not end in /*";
	memcpy(ref, glob.p, glob.n);
	ref[glob.n - 1] = 'x';
	return canon_ref(span_of(ref, glob.n), &out);
}

bool ref_under(struct span glob, struct span ref)
{
	return glob.n > 1 && ref.n >= glob.n &&
	       !memcmp(glob.p, ref.p, glob.n - 1);
}

/* files */

static bool file_name_ok(struct span v)
{
	return v.n && v.n <= FILE_NAME_MAX && type_line_ok(v) &&
	       !memchr(v.p, '/', v.n) && !memchr(v.p, '\\', v.n) &&
	       !span_is(v, ".") && !span_is(v, "..");
}

bool type_file(struct span v, struct type_file *ret)
{
	static const char head[] = "sha256:";
	struct type_file f;
	size_t n = sizeof(head) - 1, i, digits;

	if (v.n < n + FILE_HASH_HEX + 1 || memcmp(v.p, head, n) != 0)
		return false;
	f.hash = span_of(v.p + n, FILE_HASH_HEX);
	for (i = 0; i < FILE_HASH_HEX; i++)
		if (!f.hash.p[i] || !strchr("0123456789abcdef", f.hash.p[i]))
			return false;
	v = skip(v, n + FILE_HASH_HEX);
	if (v.p[0] != ':')
		return false;
	v = skip(v, 1);
	digits = type_digits(v);
	if (digits == v.n || v.p[digits] != ':' ||
	    num_parse(span_of(v.p, digits), 0, UINT32_MAX, &f.size) < 0)
		return false;
	f.name = skip(v, digits + 1);
	if (!file_name_ok(f.name))
		return false;
	*ret = f;
	return true;
}

const char *canon_file(struct span v, struct buf *out)
{
	struct type_file f;

	if (!type_file(v, &f))
		return "is not a file, sha256:HEX:SIZE:NAME";
	buf_span(out, v);
	return NULL;
}

/* paths of a bundle */

/* The first component of *v, which becomes what follows its slash. */
static struct span next_part(struct span *v)
{
	struct span part;
	size_t n = 0;

	while (n < v->n && v->p[n] != '/')
		n++;
	part = span_of(v->p, n);
	*v = skip(*v, n < v->n ? n + 1 : n);
	return part;
}

bool path_ok(struct span v)
{
	if (!v.n || v.n > FILE_PATH_MAX || v.p[v.n - 1] == '/' ||
	    !type_line_ok(v) || memchr(v.p, '\\', v.n))
		return false;
	while (v.n) {
		struct span part = next_part(&v);

		if (!part.n || span_is(part, ".") || span_is(part, ".."))
			return false;
	}
	return true;
}

/* One component: only the last star needs to be tried again. */
static bool part_matches(struct span glob, struct span v)
{
	size_t g = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < v.n) {
		if (g < glob.n && glob.p[g] == '*') {
			star = g++;
			mark = i;
		} else if (g < glob.n && lower(glob.p[g]) == lower(v.p[i])) {
			g++;
			i++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (g < glob.n && glob.p[g] == '*')
		g++;
	return g == glob.n;
}

/* The same one level up: components, and ** among them. A glob that has run
 * out while the path goes on has met a folder above it. */
static bool parts_match(struct span glob, struct span path)
{
	struct span after_star = { 0 }, mark = { 0 };
	bool starred = false;

	while (path.n) {
		struct span g = glob, v = path, want;

		if (!glob.n)
			return true;
		want = next_part(&g);
		if (span_is(want, "**")) {
			starred = true;
			after_star = glob = g;
			mark = path;
			continue;
		}
		if (part_matches(want, next_part(&v))) {
			glob = g;
			path = v;
		} else if (starred) {
			(void)next_part(&mark);
			path = mark;
			glob = after_star;
		} else {
			return false;
		}
	}
	return !glob.n || span_is(glob, "**");
}

bool path_matches(struct span glob, struct span path)
{
	struct span rest = path;

	if (memchr(glob.p, '/', glob.n))
		return parts_match(glob, path);
	while (rest.n)
		if (part_matches(glob, next_part(&rest)))
			return true;
	return false;
}
