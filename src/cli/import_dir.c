/*
 * import_dir: see import.h. openat2 resolves each path beneath the directory
 * and through no link, so that a file of theirs cannot name one of the owner's
 * elsewhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/import.h"
#include "json5/json5.h"

enum { AGENTS_MAX = 24, ENTRIES_MAX = 4096 };

static int open_in(int dir, const char *path, unsigned flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOATIME,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	/* The time of access is its owner's to keep. */
	if (fd < 0 && errno == EPERM) {
		how.flags &= ~(uint64_t)O_NOATIME;
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	}
	return fd < 0 ? -errno : (int)fd;
}

static int keep(struct import_dir *d, const char *path, uint8_t *bytes,
		size_t n)
{
	char *name = strdup(path);

	if (!name)
		return -ENOMEM;
	d->files[d->n++] = (struct openclaw_file){ name, span_of(bytes, n) };
	return 0;
}

static int read_fd(struct import_dir *d, const char *path, int fd)
{
	CLEAN_FREE void *bytes = NULL;
	struct stat st;
	ssize_t n;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if (st.st_size > JSON5_BYTES)
		return -EFBIG;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	n = fd_read_all(fd, bytes, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	rc = keep(d, path, bytes, (size_t)n);
	if (rc == 0)
		bytes = NULL;
	return rc;
}

static const char *why_not(int rc)
{
	switch (rc) {
	case -ELOOP:
		return "a link, or behind one: not followed";
	case -EXDEV:
		return "it leads out of the directory: not followed";
	case -EISDIR:
		return "no file";
	case -EFBIG:
		return "larger than 2 MiB";
	default:
		return strerror(-rc);
	}
}

static void take(struct import_dir *d, int dir, const char *path)
{
	CLEAN_FD int fd = -1;
	int rc = -ENOSPC;

	if (d->n < OPENCLAW_FILES) {
		rc = fd = open_in(dir, path, O_RDONLY);
		if (fd >= 0)
			rc = read_fd(d, path, fd);
	}
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		buf_printf(&d->warnings, "warning: %s: not read: %s\n", path,
			   why_not(rc));
}

/* Names that are looked at; others could not be shown, or are not theirs. */
static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n && n < 64 && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-") == n;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The entries of a folder, sorted; at most `most`, the rest is named. */
static size_t list(struct import_dir *d, int dir, const char *path,
		   char (*names)[64], size_t most)
{
	int fd = open_in(dir, path, O_RDONLY | O_DIRECTORY);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, seen = 0;
	struct dirent *e;

	if (!stream) {
		if (fd >= 0)
			fd_close(&fd);
		else if (fd != -ENOENT)
			buf_printf(&d->warnings, "warning: %s: not read: %s\n",
				   path, why_not(fd));
		return 0;
	}
	while (seen++ < ENTRIES_MAX && (e = readdir(stream)) != NULL) {
		if (!name_ok(e->d_name))
			continue;
		if (n == most) {
			buf_printf(&d->warnings,
				   "warning: %s: more than %zu entries: the "
				   "rest is not read\n",
				   path, most);
			break;
		}
		(void)str_copy(names[n++], 64, span_str(e->d_name));
	}
	(void)closedir(stream);
	qsort(names, n, sizeof(names[0]), by_name);
	return n;
}

static void take_credentials(struct import_dir *d, int dir)
{
	char names[48][64], path[96];
	size_t n = list(d, dir, "credentials", names, ARRAY_SIZE(names)), i;

	for (i = 0; i < n; i++) {
		size_t length = strlen(names[i]);

		if (length < 6 || strcmp(names[i] + length - 5, ".json") != 0)
			continue;
		(void)str_printf(path, sizeof(path), "credentials/%s",
				 names[i]);
		take(d, dir, path);
	}
}

static void take_agents(struct import_dir *d, int dir)
{
	static const char *const files[] = { "auth-profiles.json", "auth.json",
					     "models.json" };
	char names[AGENTS_MAX][64], path[128];
	size_t n = list(d, dir, "agents", names, AGENTS_MAX), i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < ARRAY_SIZE(files); k++) {
			(void)str_printf(path, sizeof(path),
					 "agents/%s/agent/%s", names[i],
					 files[k]);
			take(d, dir, path);
		}
}

int import_dir_read(const char *dir, struct import_dir *ret, struct err *e)
{
	static const char *const files[] = { ".env", "exec-approvals.json",
					     "cron/jobs.json" };
	CLEAN_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int database = -1;
	size_t i;

	*ret = (struct import_dir){ 0 };
	buf_init(&ret->warnings, 1 << 16);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", dir, strerror(errno));
	for (i = 0; openclaw_configs[i]; i++)
		take(ret, fd, openclaw_configs[i]);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		take(ret, fd, files[i]);
	take_credentials(ret, fd);
	take_agents(ret, fd);
	database = open_in(fd, "state/openclaw.sqlite", O_RDONLY);
	if (database >= 0)
		buf_str(&ret->warnings,
			"warning: state/openclaw.sqlite: not read: what newer "
			"versions keep in it, schedule and keys among it, is "
			"not taken over\n");
	return 0;
}

void import_dir_done(struct import_dir *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		uint8_t *bytes = (uint8_t *)(uintptr_t)d->files[i].bytes.p;
		char *name = (char *)(uintptr_t)d->files[i].name;

		explicit_bzero(bytes, d->files[i].bytes.n);
		free(bytes);
		free(name);
	}
	d->n = 0;
	buf_done(&d->warnings);
}
