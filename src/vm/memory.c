/* memory: see memory.h. */
#include "vm/memory.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "vm/cgroup.h"

enum { TEXT_MAX = 8192, PATH_BYTES = 600, LEVELS = 32 };

/* The names of one version's files. */
struct names {
	const char *most, *used, *cache;
};

static const struct names names_v1 = { "memory.limit_in_bytes",
				       "memory.usage_in_bytes",
				       "total_inactive_file " };
static const struct names names_v2 = { "memory.max", "memory.current",
				       "inactive_file " };

void memory_find(struct memory *ret, const char *meminfo,
		 const struct cgroup_source *from)
{
	*ret = (struct memory){ .meminfo = meminfo };
	ret->v1 = cgroup_directory(from, "memory", ret->group,
				   sizeof(ret->group)) == 0;
	if (!ret->v1 &&
	    cgroup_directory(from, "", ret->group, sizeof(ret->group)) < 0)
		ret->group[0] = 0;
}

static bool read_text(const char *path, char text[TEXT_MAX])
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_all(fd, text, TEXT_MAX - 1);

	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* The number behind a word that begins a line; false: there is none. */
static bool number_behind(const char *text, const char *word, uint64_t *ret)
{
	const char *at = text;
	size_t n;

	while (at && strncmp(at, word, strlen(word)) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return false;
	at += strlen(word);
	at += strspn(at, " ");
	n = strspn(at, "0123456789");
	return num_parse(span_of(at, n), 0, UINT64_MAX, ret) == 0;
}

static bool file_number(const char *dir, const char *name, const char *word,
			uint64_t *ret)
{
	char path[PATH_BYTES], text[TEXT_MAX];

	return str_printf(path, sizeof(path), "%s/%s", dir, name) > 0 &&
	       read_text(path, text) && number_behind(text, word, ret);
}

/* What one group has left. Its page cache counts as used, and what of it was
 * not looked at of late the kernel gives up first. */
static uint64_t group_left(const char *dir, const struct names *n)
{
	uint64_t most, used, cache = 0;

	if (!file_number(dir, n->most, "", &most) ||
	    !file_number(dir, n->used, "", &used))
		return UINT64_MAX;
	(void)file_number(dir, "memory.stat", n->cache, &cache);
	used = used > cache ? used - cache : 0;
	return most > used ? most - used : 0;
}

uint64_t memory_left(const struct memory *m)
{
	char dir[sizeof(m->group)], text[TEXT_MAX];
	uint64_t left = UINT64_MAX;
	uint64_t kib;
	char *slash;
	int i;

	if (read_text(m->meminfo, text) &&
	    number_behind(text, "MemAvailable:", &kib) &&
	    kib < UINT64_MAX >> 10)
		left = kib << 10;
	(void)str_printf(dir, sizeof(dir), "%s", m->group);
	for (i = 0; i < LEVELS && dir[0]; i++) {
		uint64_t here = group_left(dir, m->v1 ? &names_v1 : &names_v2);

		left = here < left ? here : left;
		slash = strrchr(dir, '/');
		if (!slash)
			break;
		*slash = 0;
	}
	return left;
}
