/* cgroup: see cgroup.h. */
#include "vm/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"

enum {
	LINE = 4096,
	LINES = 4096, /* of mountinfo, and processes in our own group */
	/*
	 * Beside the guest's memory: QEMU's own and its libraries', device
	 * buffers, the porter's heap. Emulation adds the translated code
	 * (tb-size, src/host/vmm/qemu.c) and what it keeps about it.
	 */
	OVERHEAD_MIB = 128,
	OVERHEAD_TCG_MIB = 128,
	/* vmm, porter, and QEMU's threads beside one for each processor (its
	 * own limit is src/host/vmm/vmm.c's) */
	OVERHEAD_PIDS = 24,
	/* QEMU's main thread moves the guest's bytes */
	OVERHEAD_CPU_PERCENT = 50,
	START_TRIES = 8,
};

static const char supervisor[] = "supervisor";
static const char run_prefix[] = "bulkhead-";

static const char *const controllers[] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu"
};

static_assert(ARRAY_SIZE(controllers) == CGROUP_MAX, "a name each");

const struct cgroup_source cgroup_proc = { "/proc/self/cgroup",
					   "/proc/self/mountinfo" };

static const char rlimits_only[] =
	"VMs have resource limits only (no bound on their memory as a whole)";

const char *cgroup_kind_name(enum cgroup_kind k)
{
	static const char *const names[] = { "none", "v1", "v2" };

	return (unsigned)k < ARRAY_SIZE(names) ? names[k] : "unknown";
}

void cgroup_limits_of(const struct vm_spec *spec, struct cgroup_limits *ret)
{
	uint64_t mib = spec->memory_mib + OVERHEAD_MIB +
		       (spec->backend == VM_QEMU_TCG ? OVERHEAD_TCG_MIB : 0u);

	*ret = (struct cgroup_limits){
		.memory = mib << 20,
		.pids = spec->cpus + OVERHEAD_PIDS,
		.cpu_percent = 100 * spec->cpus + OVERHEAD_CPU_PERCENT,
		.weight = CGROUP_WEIGHT,
	};
}

/* --- finding ----------------------------------------------------------- */

/* True if word is one of the list's, between separators. */
static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t n = strlen(word);

	while (*list) {
		size_t len = strcspn(list, separators);

		if (len == n && memcmp(list, word, n) == 0)
			return true;
		list += len + (list[len] != 0);
	}
	return false;
}

/*
 * Our own group in the hierarchy with that controller (v2: ""), from lines
 * "4:memory:/path". Returns 0 and the path, or -ENOENT.
 */
static int own_group(const char *file, const char *controller, char *dst,
		     size_t cap)
{
	FILE *f = fopen(file, "re");
	char line[LINE];
	int r = -ENOENT;

	while (f && r == -ENOENT && fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		path[strcspn(path, "\n")] = 0;
		if (controller[0] ? has_word(names + 1, controller, ",")
				  : names[1] == 0)
			r = str_copy(dst, cap, span_str(path)) < 0
				    ? -ENAMETOOLONG
				    : 0;
	}
	if (f)
		(void)fclose(f);
	return r;
}

/* The next word of a line, cut off; NULL at its end. */
static char *next_word(char **at)
{
	char *w = *at;
	size_t n;

	if (!w || !*w)
		return NULL;
	n = strcspn(w, " \n");
	*at = w[n] ? w + n + 1 : w + n;
	w[n] = 0;
	return w;
}

struct mount_line {
	char *root, *point, *type, *options;
};

/* "36 35 98:0 ROOT POINT rw ... - TYPE SOURCE OPTIONS"; false for others. */
static bool parse_mount(char *line, struct mount_line *ret)
{
	char *behind = strstr(line, " - ");
	int i;

	if (!behind)
		return false;
	*behind = 0;
	behind += 3;
	for (i = 0; i < 3; i++)
		(void)next_word(&line);
	ret->root = next_word(&line);
	ret->point = next_word(&line);
	ret->type = next_word(&behind);
	(void)next_word(&behind);
	ret->options = next_word(&behind);
	return ret->point && ret->options;
}

/* The group's directory: the mount's root may be a part of the hierarchy. */
static int join_path(const struct mount_line *m, const char *own, char *dst,
		     size_t cap)
{
	size_t n = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);

	if (strncmp(own, m->root, n) != 0 || (own[n] && own[n] != '/') ||
	    strstr(own, "/..") || strchr(m->point, '\\'))
		return -ENOENT;
	own += n;
	return str_printf(dst, cap, "%s%s", m->point,
			  strcmp(own, "/") == 0 ? "" : own) < 0
		       ? -ENAMETOOLONG
		       : 0;
}

int cgroup_directory(const struct cgroup_source *from, const char *controller,
		     char *dst, size_t cap)
{
	char own[LINE], line[LINE];
	int r = own_group(from->own, controller, own, sizeof(own));
	FILE *f = r == 0 ? fopen(from->mounts, "re") : NULL;
	int i;

	r = -ENOENT;
	for (i = 0; f && r < 0 && i < LINES && fgets(line, sizeof(line), f);
	     i++) {
		struct mount_line m = { 0 };

		if (!parse_mount(line, &m))
			continue;
		if (controller[0] ? strcmp(m.type, "cgroup") == 0 &&
					    has_word(m.options, controller, ",")
				  : strcmp(m.type, "cgroup2") == 0)
			r = join_path(&m, own, dst, cap);
	}
	if (f)
		(void)fclose(f);
	return r;
}

/* True if groups can be made in that directory. */
static bool shapeable(const char *path, const char *file)
{
	char full[LINE];

	return access(path, W_OK | X_OK) == 0 &&
	       str_printf(full, sizeof(full), "%s/%s", path, file) >= 0 &&
	       access(full, W_OK) == 0;
}

/* The beginning of a small file as text; "" if it cannot be read. */
static void slurp(int dir, const char *name, char *dst, size_t cap)
{
	CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, dst, cap - 1);

	dst[n > 0 ? n : 0] = 0;
}

static unsigned controllers_of(const char *path)
{
	CLEAN_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char list[512] = "";
	unsigned has = 0;
	unsigned c;

	if (dir >= 0)
		slurp(dir, "cgroup.controllers", list, sizeof(list));
	for (c = 0; c < CGROUP_MAX; c++)
		if (has_word(list, controllers[c], " \n"))
			has |= 1u << c;
	return has;
}

/* From `supervisor`, as which somebody started us, to the group above it. */
static void leave_supervisor(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash && slash != path && strcmp(slash + 1, supervisor) == 0)
		*slash = 0;
}

static void tell(struct cgroups *g, enum cgroup_kind kind, const char *reason)
{
	char list[64] = "";
	unsigned has = 0;
	size_t i, n = 0;
	unsigned c;

	g->kind = kind;
	for (i = 0; i < g->n; i++)
		has |= g->trees[i].has;
	for (c = 0; c < CGROUP_MAX; c++)
		if (has & (1u << c) &&
		    str_printf(list + n, sizeof(list) - n, "%s%s",
			       n ? ", " : "", controllers[c]) > 0)
			n = strlen(list);
	if (kind == CGROUP_NONE)
		(void)str_printf(g->why, sizeof(g->why), "%s; %s", reason,
				 rlimits_only);
	else
		(void)str_printf(g->why, sizeof(g->why), "cgroup %s: %s%s",
				 cgroup_kind_name(kind), list, reason);
}

/* Nothing held yet; what was found before stays. */
static void no_fds(struct cgroups *g)
{
	size_t i;

	for (i = 0; i < CGROUP_TREES; i++)
		g->trees[i].base_fd = g->trees[i].run_fd = -1;
}

static bool find_v2(struct cgroups *g, const struct cgroup_source *from,
		    const char **reason)
{
	struct cgroup_tree *t = &g->trees[0];

	if (cgroup_directory(from, "", t->path, sizeof(t->path)) < 0)
		return false;
	leave_supervisor(t->path);
	t->has = controllers_of(t->path);
	if (!t->has)
		return false;
	if (!shapeable(t->path, "cgroup.procs") ||
	    !shapeable(t->path, "cgroup.subtree_control")) {
		*reason = "our cgroup is not delegated to us";
		return false;
	}
	g->n = 1;
	return true;
}

static bool find_v1(struct cgroups *g, const struct cgroup_source *from,
		    const char **reason)
{
	unsigned c;

	for (c = 0; c < CGROUP_MAX; c++) {
		struct cgroup_tree *t = &g->trees[g->n];

		if (cgroup_directory(from, controllers[c], t->path,
				     sizeof(t->path)) < 0)
			continue;
		*reason = "our cgroups (v1) are not ours to write";
		if (!shapeable(t->path, "cgroup.procs"))
			continue;
		t->has = 1u << c;
		/* cpu may stand in one hierarchy with another controller */
		if (g->n && strcmp(g->trees[g->n - 1].path, t->path) == 0)
			g->trees[g->n - 1].has |= t->has;
		else
			g->n++;
	}
	return g->n > 0;
}

void cgroups_find(struct cgroups *ret, const struct cgroup_source *from)
{
	const char *reason = "no cgroup hierarchy with memory, pids or cpu is "
			     "mounted";

	*ret = (struct cgroups){ .kind = CGROUP_NONE };
	no_fds(ret);
	if (find_v2(ret, from, &reason))
		tell(ret, CGROUP_V2, "");
	else if (find_v1(ret, from, &reason))
		tell(ret, CGROUP_V1, "");
	else
		tell(ret, CGROUP_NONE, reason);
}

/* --- writing ----------------------------------------------------------- */

static int write_at(int dir, const char *name, const char *text)
{
	CLEAN_FD int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd_write_all(fd, span_str(text));
}

static int write_number(int dir, const char *name, uint64_t v)
{
	char text[64];

	(void)str_printf(text, sizeof(text), "%llu", (unsigned long long)v);
	return write_at(dir, name, text);
}

/* A bound that not every kernel or configuration has. */
static int if_there(int r)
{
	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

static int weigh(enum cgroup_kind kind, int dir, uint32_t weight)
{
	if (kind == CGROUP_V2)
		return write_number(dir, "cpu.weight", weight);
	return write_number(dir, "cpu.shares", weight * UINT64_C(1024) / 100);
}

static int limit_v2(int dir, unsigned has, const struct cgroup_limits *l)
{
	char text[64];
	int r = 0;

	if (has & 1u << CGROUP_MEMORY) {
		r = write_number(dir, "memory.max", l->memory);
		if (r == 0)
			r = if_there(write_at(dir, "memory.swap.max", "0"));
	}
	if (r == 0 && has & 1u << CGROUP_PIDS)
		r = write_number(dir, "pids.max", l->pids);
	if (r == 0 && has & 1u << CGROUP_CPU) {
		(void)str_printf(text, sizeof(text), "%u 100000",
				 l->cpu_percent * 1000);
		r = write_at(dir, "cpu.max", text);
		if (r == 0)
			r = weigh(CGROUP_V2, dir, l->weight);
	}
	return r;
}

static int limit_v1(int dir, unsigned has, const struct cgroup_limits *l)
{
	int r = 0;

	if (has & 1u << CGROUP_MEMORY) {
		r = write_number(dir, "memory.limit_in_bytes", l->memory);
		/* Memory and swap together: so no swap. */
		if (r == 0)
			r = if_there(write_number(
				dir, "memory.memsw.limit_in_bytes", l->memory));
	}
	if (r == 0 && has & 1u << CGROUP_PIDS)
		r = write_number(dir, "pids.max", l->pids);
	if (r == 0 && has & 1u << CGROUP_CPU) {
		r = write_number(dir, "cpu.cfs_quota_us",
				 l->cpu_percent * UINT64_C(1000));
		/* More than a group above us has: then that one binds. */
		r = r == -EINVAL ? 0 : if_there(r);
		if (r == 0)
			r = weigh(CGROUP_V1, dir, l->weight);
	}
	return r;
}

/* --- the run ----------------------------------------------------------- */

/* "+memory +pids +cpu" for the groups beneath dir. */
static int pass_on(int dir, unsigned has)
{
	char text[64] = "";
	size_t n = 0;
	unsigned c;

	for (c = 0; c < CGROUP_MAX; c++)
		if (has & (1u << c) &&
		    str_printf(text + n, sizeof(text) - n, "%s+%s",
			       n ? " " : "", controllers[c]) > 0)
			n = strlen(text);
	return write_at(dir, "cgroup.subtree_control", text);
}

/* True where the whole group was given to us: without root it is, or it would
 * not be writable; for root systemd leaves a mark. */
static bool is_ours(int base)
{
	char mark[8] = "";

	return geteuid() != 0 ||
	       (fgetxattr(base, "trusted.delegate", mark, sizeof(mark)) == 1 &&
		mark[0] == '1');
}

/* Moves the processes in base into the leaf; where base is not ours alone this
 * one and its parent. One that does not move is told by pass_on's -EBUSY. */
static int move_to_supervisor(int base)
{
	CLEAN_FD int leaf = -1;
	char list[LINE], own[32], parent[32];
	bool all = is_ours(base);
	char *at = list, *pid;
	int r = 0;

	if (mkdirat(base, supervisor, 0755) < 0 && errno != EEXIST)
		return -errno;
	leaf = openat(base, supervisor, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf < 0)
		return -errno;
	(void)str_printf(own, sizeof(own), "%d", getpid());
	(void)str_printf(parent, sizeof(parent), "%d", getppid());
	slurp(base, "cgroup.procs", list, sizeof(list));
	while ((pid = next_word(&at)) != NULL) {
		bool self = strcmp(pid, own) == 0;

		if (!all && !self && strcmp(pid, parent) != 0)
			continue;
		if (write_at(leaf, "cgroup.procs", pid) < 0 && self)
			r = -EBUSY;
	}
	return r;
}

/* Removes the groups in a group of a run, and it; -EBUSY if one lives. */
static int remove_run(int base, const char *name, int run_fd)
{
	int fd = openat(run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int i;

	if (!d) {
		fd_close(&fd);
		return -errno;
	}
	for (i = 0; i < CGROUP_STALE && (e = readdir(d)); i++)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			(void)unlinkat(run_fd, e->d_name, AT_REMOVEDIR);
	(void)closedir(d);
	return unlinkat(base, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* A run whose monitor is gone holds no lock; what is left of it goes. */
static void remove_if_dead(int base, const char *name)
{
	CLEAN_FD int fd = openat(
		base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	(void)write_at(fd, "cgroup.kill", "1");
	(void)remove_run(base, name, fd);
}

static void remove_dead_runs(int base)
{
	int fd = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int i;

	if (!d) {
		fd_close(&fd);
		return;
	}
	for (i = 0; i < CGROUP_STALE && (e = readdir(d)); i++)
		if (e->d_type == DT_DIR &&
		    strncmp(e->d_name, run_prefix, sizeof(run_prefix) - 1) == 0)
			remove_if_dead(base, e->d_name);
	(void)closedir(d);
}

/*
 * The run's group, locked. Between making and locking it another monitor that
 * starts may take it for a dead one: then it is gone again, and made anew.
 */
static int make_run(struct cgroup_tree *t, const char *name)
{
	struct stat st;
	int i;

	for (i = 0; i < START_TRIES; i++) {
		CLEAN_FD int fd = -1;

		if (mkdirat(t->base_fd, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(t->base_fd, name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
		    fstatat(t->base_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		t->run_fd = take_fd(&fd);
		return 0;
	}
	return -EBUSY;
}

static int start_v2(struct cgroup_tree *t, const char *name)
{
	int r = pass_on(t->base_fd, t->has);
	int i;

	/* Processes in it, some of which may just have forked; the root group
	 * may have them. */
	for (i = 0; r == -EBUSY && i < START_TRIES; i++) {
		r = move_to_supervisor(t->base_fd);
		if (r == 0)
			r = pass_on(t->base_fd, t->has);
	}
	if (r == 0) {
		remove_dead_runs(t->base_fd);
		r = make_run(t, name);
	}
	return r == 0 ? pass_on(t->run_fd, t->has) : r;
}

static int start_v1(struct cgroup_tree *t, const char *name)
{
	int r;

	remove_dead_runs(t->base_fd);
	r = make_run(t, name);
	/* All machines together weigh as much as a process of the host for
	 * each processor, and not as one. */
	if (r == 0 && t->has & 1u << CGROUP_CPU) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		r = write_number(t->run_fd, "cpu.shares",
				 UINT64_C(1024) *
					 (uint64_t)(cpus > 0 ? cpus : 1));
	}
	return r;
}

static int start_tree(struct cgroups *g, struct cgroup_tree *t)
{
	t->base_fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->base_fd < 0)
		return -errno;
	return g->kind == CGROUP_V2 ? start_v2(t, g->run) : start_v1(t, g->run);
}

static void close_trees(struct cgroups *g)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		fd_close(&g->trees[i].base_fd);
		fd_close(&g->trees[i].run_fd);
	}
}

void cgroups_start(struct cgroups *g, const char *run)
{
	char why[200];
	size_t i;
	int r = 0;

	if (g->kind == CGROUP_NONE)
		return;
	if (str_printf(g->run, sizeof(g->run), "%s%s", run_prefix, run) < 0)
		r = -ENAMETOOLONG;
	for (i = 0; i < g->n && r == 0; i++)
		r = start_tree(g, &g->trees[i]);
	if (r == 0)
		return;
	(void)cgroups_stop(g, 0);
	if (r == -EBUSY)
		(void)str_printf(why, sizeof(why),
				 "our cgroup holds other processes: start it "
				 "with systemd-run --scope -p Delegate=yes");
	else
		(void)str_printf(why, sizeof(why), "cgroups cannot be made: %s",
				 strerror(-r));
	tell(g, CGROUP_NONE, why);
}

/* --- one machine ------------------------------------------------------- */

static int make_in(const struct cgroups *g, const struct cgroup_tree *t,
		   const char *name, const struct cgroup_limits *l)
{
	CLEAN_FD int dir = -1;
	int r, fd;

	if (mkdirat(t->run_fd, name, 0755) < 0)
		return -errno;
	dir = openat(t->run_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	r = g->kind == CGROUP_V2 ? limit_v2(dir, t->has, l)
				 : limit_v1(dir, t->has, l);
	if (r < 0)
		return r;
	fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int cgroup_make(struct cgroups *g, const char *name,
		const struct cgroup_limits *l, int fds[CGROUP_TREES],
		struct err *err)
{
	size_t i, n;
	int r = 0;

	if (g->kind == CGROUP_NONE)
		return 0;
	for (n = 0; n < g->n; n++) {
		r = make_in(g, &g->trees[n], name, l);
		if (r < 0)
			break;
		fds[n] = r;
	}
	if (r >= 0)
		return (int)n;
	for (i = 0; i < n; i++)
		fd_close(&fds[i]);
	cgroup_end(g, name);
	return err_set(err, r, "%s: its cgroup cannot be made: %s", name,
		       strerror(-r));
}

void cgroup_reweigh(struct cgroups *g, const char *name, uint32_t weight)
{
	size_t i;

	for (i = 0; g->kind != CGROUP_NONE && i < g->n; i++) {
		CLEAN_FD int dir = -1;

		if (!(g->trees[i].has & 1u << CGROUP_CPU))
			continue;
		dir = openat(g->trees[i].run_fd, name,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (dir >= 0)
			(void)weigh(g->kind, dir, weight);
	}
}

/* True once no hierarchy has it any more. */
static bool remove_group(struct cgroups *g, const char *name)
{
	bool gone = true;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (unlinkat(g->trees[i].run_fd, name, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			gone = false;
	return gone;
}

static void kill_group(const struct cgroups *g, const char *name)
{
	char path[CGROUP_NAME + 16];

	/* Version 1 has no such file: there, each machine's processes end by
	 * pidfd and by the death signal of their parent. */
	if (g->kind == CGROUP_V2 &&
	    str_printf(path, sizeof(path), "%s/cgroup.kill", name) >= 0)
		(void)write_at(g->trees[0].run_fd, path, "1");
}

void cgroup_end(struct cgroups *g, const char *name)
{
	if (g->kind == CGROUP_NONE || remove_group(g, name))
		return;
	kill_group(g, name);
	if (g->n_dying == CGROUP_DYING)
		(void)cgroups_sweep(g);
	if (g->n_dying < CGROUP_DYING &&
	    str_copy(g->dying[g->n_dying], CGROUP_NAME, span_str(name)) == 0)
		g->n_dying++;
}

size_t cgroups_sweep(struct cgroups *g)
{
	size_t i, n = 0;

	for (i = 0; i < g->n_dying; i++) {
		if (remove_group(g, g->dying[i]))
			continue;
		if (n != i)
			memcpy(g->dying[n], g->dying[i], CGROUP_NAME);
		n++;
	}
	g->n_dying = n;
	return n;
}

/* One try at all that the run has; how many hierarchies still hold it. */
static size_t remove_own_run(struct cgroups *g)
{
	size_t i, left = 0;

	for (i = 0; i < g->n; i++) {
		struct cgroup_tree *t = &g->trees[i];

		if (t->run_fd < 0)
			continue;
		(void)write_at(t->run_fd, "cgroup.kill", "1");
		if (remove_run(t->base_fd, g->run, t->run_fd) < 0)
			left++;
		else
			fd_close(&t->run_fd);
	}
	return left;
}

size_t cgroups_stop(struct cgroups *g, uint64_t wait_ms)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000L };
	uint64_t end = now_ms() + wait_ms;
	size_t left;

	if (g->kind == CGROUP_NONE)
		return 0;
	while ((left = remove_own_run(g)) > 0 && now_ms() < end)
		(void)nanosleep(&pause, NULL);
	close_trees(g);
	g->n_dying = 0;
	g->kind = CGROUP_NONE;
	return left;
}
