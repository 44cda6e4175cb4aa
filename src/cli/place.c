/* place: see place.h. */
#include "cli/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "privsep/graph.h"

static int own_directory(char *dst, size_t cap, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", dst, cap - 1);
	char *slash;

	if (n < 0)
		return err_set(err, -errno,
			       "/proc/self/exe cannot be read: is /proc "
			       "mounted?");
	dst[n] = 0;
	slash = strrchr(dst, '/');
	if (!slash || (size_t)n >= cap - 1)
		return err_set(err, -ENAMETOOLONG, "own path too long");
	*slash = 0;
	return 0;
}

/* A place beside dst, or, with a leading "/..", beside its parent. */
static int beside(char *path, size_t cap, const char *dst, const char *place)
{
	const char *slash = strrchr(dst, '/');
	size_t n = strlen(dst);

	if (!strncmp(place, "/..", 3)) {
		n = slash ? (size_t)(slash - dst) : 0;
		place += 3;
	}
	return str_printf(path, cap, "%.*s%s", (int)n, dst, place);
}

/* dst is the executable's directory; takes the first place with the file. */
static int pick(char *dst, size_t cap, const char *const *places,
		const char *file)
{
	char path[CONF_PATH_MAX], probe[CONF_PATH_MAX + 64];

	for (; *places; places++) {
		if (beside(path, sizeof(path), dst, *places) < 0 ||
		    str_printf(probe, sizeof(probe), "%s/%s", path, file) < 0)
			return -ENAMETOOLONG;
		if (access(probe, F_OK) == 0)
			return str_copy(dst, cap, span_str(path)) < 0
				       ? -ENAMETOOLONG
				       : 0;
	}
	return -ENOENT;
}

/* What is missing would be missed only when it is needed. */
static int all_there(const char *dir, struct err *err)
{
	char path[CONF_PATH_MAX + 64];
	size_t i;

	for (i = 0; i < PROC_MAX; i++) {
		const char *name = graph_row((enum proc)i)->name;

		if (str_printf(path, sizeof(path), "%s/bulkhead-%s", dir,
			       name) < 0)
			return err_set(err, -ENAMETOOLONG, "own path too long");
		if (access(path, X_OK) < 0)
			return err_set(err, -errno,
				       "%s: %s: build or install all of "
				       "bulkhead",
				       path, strerror(errno));
	}
	return 0;
}

int place_libexec(char *dst, size_t cap, struct err *err)
{
	static const char *const places[] = { "", "/../libexec/bulkhead",
					      NULL };
	int rc = own_directory(dst, cap, err);

	if (rc < 0)
		return rc;
	rc = pick(dst, cap, places, "bulkhead-monitor");
	if (rc < 0)
		return err_set(err, rc,
			       "bulkhead-monitor is neither beside this "
			       "program nor in ../libexec/bulkhead: build or "
			       "install all of bulkhead");
	return all_there(dst, err);
}

int place_images(const char *given, char *dst, size_t cap, struct err *err)
{
	static const char *const places[] = { "/images",
					      "/../share/bulkhead/images",
					      "/../lib/bulkhead/images", NULL };
	int rc;

	if (given) {
		if (str_copy(dst, cap, span_str(given)) < 0)
			return err_set(
				err, -ENAMETOOLONG,
				"--images: too long: name a shorter path");
		return 0;
	}
	rc = own_directory(dst, cap, err);
	if (rc < 0)
		return rc;
	rc = pick(dst, cap, places, "SHA256SUMS");
	if (rc < 0)
		return err_set(err, rc,
			       "no guest images beside this program nor in "
			       "../share or ../lib/bulkhead/images: `make "
			       "images` builds them, --images names another "
			       "place");
	return 0;
}

int place_latch(const struct conf *conf, char *dst, size_t cap)
{
	return str_printf(dst, cap, "%s/latch", conf->state) < 0 ? -1 : 0;
}

int place_make(const char *path)
{
	char part[CONF_PATH_MAX];
	struct stat st;
	size_t i;

	if (str_copy(part, sizeof(part), span_str(path)) < 0)
		return -ENAMETOOLONG;
	for (i = 1; part[i]; i++) {
		if (part[i] != '/')
			continue;
		part[i] = 0;
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		part[i] = '/';
	}
	if (mkdir(part, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	return stat(part, &st) < 0   ? -errno
	       : S_ISDIR(st.st_mode) ? 0
				     : -ENOTDIR;
}
