/* latch: see latch.h. */
#include "state/latch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char capability_prefix[] = "capability.";
static const char task_prefix[] = "task.";
static const char all_file[] = "latch";
static const char revoke_mark[] = "revoke";
static const char rearmed_prefix[] = "rearmed.";

/* A name as a policy has it, and as a file can. */
static bool capability_ok(struct span s)
{
	size_t i;

	if (!s.n || s.n > LIMIT_NAME || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (i = 0; i < s.n; i++)
		if (!s.p[i] ||
		    !strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", s.p[i]))
			return false;
	return true;
}

int latch_of(const struct m_latch *m, struct latch *ret)
{
	struct latch l = { .level = (enum latch_level)m->level };

	if (m->level < LATCH_CAPABILITY || m->level >= LATCH_LEVEL_MAX)
		return -1;
	if (l.level == LATCH_CAPABILITY &&
	    (!capability_ok(m->capability) ||
	     str_copy(l.capability, sizeof(l.capability), m->capability) < 0))
		return -1;
	if (l.level == LATCH_TASK)
		l.task = m->task;
	if (l.level == LATCH_TASK && !l.task)
		return -1;
	*ret = l;
	return 0;
}

void latch_name(const struct latch *l, char ret[LATCH_FILE])
{
	if (l->level == LATCH_CAPABILITY)
		(void)str_printf(ret, LATCH_FILE, "capability %s",
				 l->capability);
	else if (l->level == LATCH_TASK)
		(void)str_printf(ret, LATCH_FILE, "task %llu",
				 (unsigned long long)l->task);
	else
		(void)str_printf(ret, LATCH_FILE, "%s",
				 latch_level_name(l->level));
}

int latches_open(int state, struct latches *ret)
{
	struct latches d = { .state = state, .sub = -1 };

	if (mkdirat(state, "latches", 0700) < 0 && errno != EEXIST)
		return -errno;
	d.sub = openat(state, "latches",
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d.sub < 0 || fsync(state) < 0) {
		int r = -errno;

		fd_close(&d.sub);
		return r;
	}
	*ret = d;
	return 0;
}

void latches_close(struct latches *d)
{
	fd_close(&d->sub);
}

/* Where its file is. */
struct place {
	int dir;
	char name[LATCH_FILE];
};

static struct place place_of(const struct latches *d, const struct latch *l)
{
	struct place p = { .dir = d->sub };

	if (l->level == LATCH_CAPABILITY) {
		(void)str_printf(p.name, sizeof(p.name), "%s%s",
				 capability_prefix, l->capability);
	} else if (l->level == LATCH_TASK) {
		(void)str_printf(p.name, sizeof(p.name), "%s%llu", task_prefix,
				 (unsigned long long)l->task);
	} else if (l->level == LATCH_AGENT) {
		(void)str_printf(p.name, sizeof(p.name), "agent");
	} else {
		p.dir = d->state;
		(void)str_printf(p.name, sizeof(p.name), "%s", all_file);
	}
	return p;
}

static bool is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

bool latch_is_set(const struct latches *d, const struct latch *l)
{
	const struct place p = place_of(d, l);

	return is_there(p.dir, p.name);
}

static int put_words(int fd, struct span by, struct span reason)
{
	int r = 0;

	if (by.n) {
		r = fd_write_all(fd, by);
		if (r == 0)
			r = fd_write_all(fd, SPAN_LIT(": "));
	}
	if (r == 0)
		r = fd_write_all(fd, reason);
	return r == 0 && by.n ? fd_write_all(fd, SPAN_LIT("\n")) : r;
}

static int make(int dir, const char *name, struct span by, struct span reason)
{
	CLEAN_FD int fd = openat(
		dir, name,
		O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = put_words(fd, by, reason);
	if (fsync(fd) < 0 || fsync(dir) < 0)
		return -errno;
	return r < 0 ? 1 : 0;
}

int latch_set(const struct latches *d, const struct latch *l, struct span by,
	      struct span reason)
{
	const struct place p = place_of(d, l);
	int r = make(p.dir, p.name, by, reason);
	int mark = 0;

	/* The mark behind what stops everything: alone it says nothing. */
	if (r >= 0 && l->level == LATCH_REVOKE)
		mark = make(d->sub, revoke_mark, by, reason);
	return mark < 0 ? mark : r;
}

static int take_away(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

int latch_clear(const struct latches *d, const struct latch *l)
{
	const struct place p = place_of(d, l);
	int r = 0;

	if (l->level >= LATCH_ALL)
		r = take_away(d->sub, revoke_mark);
	return r < 0 ? r : take_away(p.dir, p.name);
}

int latch_clear_aside(const struct latches *d, const struct latch *l)
{
	const struct place p = place_of(d, l);
	char aside[LATCH_FILE];
	int r = l->level >= LATCH_ALL ? take_away(d->sub, revoke_mark) : 0;
	unsigned i = 0;

	if (r < 0)
		return r;
	/* Beside those of before; the last of very many gives way. */
	do
		(void)str_printf(aside, sizeof(aside), "%s%02u.%s",
				 rearmed_prefix, i++, p.name);
	while (i < LATCH_REARMED && is_there(d->sub, aside));
	if (renameat(p.dir, p.name, d->sub, aside) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(d->sub) < 0 || fsync(p.dir) < 0 ? -errno : 0;
}

static void words_at(int dir, const char *name, char ret[LATCH_WORDS])
{
	CLEAN_FD int fd = openat(
		dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, ret, LATCH_WORDS - 1);

	if (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n > 0 ? n : 0] = 0;
	utf8_trim(ret);
}

void latch_words(const struct latches *d, const struct latch *l,
		 char ret[LATCH_WORDS])
{
	const struct place p = place_of(d, l);

	words_at(p.dir, p.name, ret);
}

/* What a name of STATE/latches stands for. */
static struct latch parse(const char *name)
{
	struct latch l = { .level = LATCH_AGENT };
	struct span s = span_str(name);
	uint64_t task;

	if (!strncmp(name, task_prefix, sizeof(task_prefix) - 1)) {
		const size_t skip = sizeof(task_prefix) - 1;

		if (num_parse(span_of(s.p + skip, s.n - skip), 1, UINT64_MAX,
			      &task) == 0)
			return (struct latch){ .level = LATCH_TASK,
					       .task = task };
	}
	if (!strncmp(name, capability_prefix, sizeof(capability_prefix) - 1)) {
		const size_t skip = sizeof(capability_prefix) - 1;
		const struct m_latch m = { .level = LATCH_CAPABILITY,
					   .capability = span_of(s.p + skip,
								 s.n - skip) };

		if (latch_of(&m, &l) < 0)
			l.level = LATCH_AGENT;
	}
	return l;
}

static bool is_rearmed(const char *name)
{
	return !strncmp(name, rearmed_prefix, sizeof(rearmed_prefix) - 1);
}

static size_t each_sub(const struct latches *d,
		       void (*fn)(void *arg, const struct latch *l), void *arg)
{
	int fd = openat(d->sub, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct latch agent = { .level = LATCH_AGENT };
	const struct dirent *e;
	size_t n = 0;

	if (!dir)
		fd_close(&fd);
	while (dir && n < LATCHES_MAX && (e = readdir(dir))) {
		struct latch l;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, revoke_mark) || is_rearmed(e->d_name))
			continue;
		l = parse(e->d_name);
		fn(arg, &l);
		n++;
	}
	if (!dir || n == LATCHES_MAX) {
		fn(arg, &agent);
		n++;
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

size_t latches_each(const struct latches *d,
		    void (*fn)(void *arg, const struct latch *l), void *arg)
{
	struct latch all = { .level = LATCH_ALL };
	size_t n = 0;

	if (latch_is_set(d, &all)) {
		if (is_there(d->sub, revoke_mark))
			all.level = LATCH_REVOKE;
		fn(arg, &all);
		n++;
	}
	return n + each_sub(d, fn, arg);
}

/* Each file of one that was taken away; it goes, where fn is NULL. */
static size_t each_rearmed(const struct latches *d, latch_told_fn fn, void *arg)
{
	int fd = openat(d->sub, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t n = 0;

	if (!dir)
		fd_close(&fd);
	while (dir && n < LATCHES_MAX && (e = readdir(dir))) {
		const char *name = strchr(e->d_name, '.');
		char words[LATCH_WORDS];
		struct latch l;

		if (!is_rearmed(e->d_name))
			continue;
		n++;
		if (!fn) {
			(void)unlinkat(d->sub, e->d_name, 0);
			continue;
		}
		/* Behind its number. */
		name = strchr(name + 1, '.');
		name = name ? name + 1 : "";
		l = parse(name);
		if (!strcmp(name, all_file))
			l.level = LATCH_ALL;
		words_at(d->sub, e->d_name, words);
		fn(arg, &l, words);
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

size_t latches_rearmed(const struct latches *d, latch_told_fn fn, void *arg)
{
	return each_rearmed(d, fn, arg);
}

void latches_rearmed_forget(const struct latches *d)
{
	(void)each_rearmed(d, NULL, NULL);
}
