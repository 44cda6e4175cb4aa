/*
 * closure: see closure.h.
 *
 * The files read here are the host's own, installed by its package manager;
 * every offset is checked all the same, so that a damaged library is an error
 * message and not a crash of the process that builds the jail.
 */
#include "host/vmm/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/span.h"
#include "base/str.h"

/* Where the loader looks first on Debian, with no cache and no environment. */
#define JAIL_LIB_DIR "/lib/x86_64-linux-gnu"

enum {
	ELF_MAX = 256 << 20,
	DYN_MAX = 1024,
	PHDR_MAX = 64,
};

static const char *const lib_dirs[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
};

/* A file is read in a few pieces, not mapped: a map of each of fifty libraries
 * costs more than all that is done with it. */
struct elf {
	int fd; /* owned */
	uint64_t size;
	Elf64_Phdr ph[PHDR_MAX];
	size_t n_ph;
	Elf64_Dyn dyn[DYN_MAX];
	size_t n_dyn;
};

static void elf_done(struct elf *e)
{
	fd_close(&e->fd);
}

/* Copies n bytes at off out of the file. */
static int elf_copy(const struct elf *e, uint64_t off, void *dst, size_t n)
{
	ssize_t got;

	if (off > e->size || n > e->size - off)
		return -ENOEXEC;
	got = fd_pread_all(e->fd, dst, n, (off_t)off);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

static const Elf64_Phdr *elf_segment(const struct elf *e, uint32_t type)
{
	size_t i;

	for (i = 0; i < e->n_ph; i++)
		if (e->ph[i].p_type == type)
			return &e->ph[i];
	return NULL;
}

/* The dynamic section, as far as it goes before its end. */
static int elf_read_dynamic(struct elf *e)
{
	const Elf64_Phdr *p = elf_segment(e, PT_DYNAMIC);
	size_t n = p ? p->p_filesz / sizeof(e->dyn[0]) : 0;
	int r;

	if (n > DYN_MAX)
		n = DYN_MAX;
	if (n == 0)
		return 0;
	r = elf_copy(e, p->p_offset, e->dyn, n * sizeof(e->dyn[0]));
	if (r < 0)
		return r;
	while (e->n_dyn < n && e->dyn[e->n_dyn].d_tag != DT_NULL)
		e->n_dyn++;
	return 0;
}

static int elf_open(struct elf *e, const char *path)
{
	Elf64_Ehdr eh = { 0 };
	struct stat st;
	int r;

	e->size = e->n_ph = e->n_dyn = 0;
	e->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (e->fd < 0 || fstat(e->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > ELF_MAX)
		return -ENOEXEC;
	e->size = (uint64_t)st.st_size;
	r = elf_copy(e, 0, &eh, sizeof(eh));
	if (r < 0)
		return r;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phnum > PHDR_MAX ||
	    eh.e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	e->n_ph = eh.e_phnum;
	r = elf_copy(e, eh.e_phoff, e->ph, e->n_ph * sizeof(e->ph[0]));
	return r < 0 ? r : elf_read_dynamic(e);
}

/* The NUL-terminated string at a file offset; "" if it is not whole, or longer
 * than any path that we can use. */
static void elf_string(const struct elf *e, uint64_t off,
		       char ret[CLOSURE_PATH])
{
	size_t n = CLOSURE_PATH;

	ret[0] = 0;
	if (off >= e->size)
		return;
	if (n > e->size - off)
		n = e->size - off;
	if (elf_copy(e, off, ret, n) < 0 || !memchr(ret, 0, n))
		ret[0] = 0;
}

/* The file offset of a virtual address, 0 if no segment holds it. */
static uint64_t elf_offset(const struct elf *e, uint64_t vaddr)
{
	size_t i;

	for (i = 0; i < e->n_ph; i++) {
		const Elf64_Phdr *p = &e->ph[i];

		if (p->p_type == PT_LOAD && vaddr >= p->p_vaddr &&
		    vaddr - p->p_vaddr < p->p_filesz)
			return vaddr - p->p_vaddr + p->p_offset;
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool closure_has(const struct closure *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->files[i].dst + c->files[i].name, name) == 0)
			return true;
	return false;
}

int closure_add(struct closure *c, const char *src, const char *dst,
		struct err *err)
{
	struct closure_file *f;

	if (c->n == CLOSURE_FILES)
		return err_set(err, -ENOSPC, "more than %d files are needed",
			       CLOSURE_FILES);
	f = &c->files[c->n];
	if (str_copy(f->src, sizeof(f->src), span_str(src)) < 0 ||
	    str_copy(f->dst, sizeof(f->dst), span_str(dst)) < 0)
		return err_set(err, -ENAMETOOLONG, "path too long: %s", src);
	f->name = (size_t)(base_name(f->dst) - f->dst);
	c->n++;
	return 0;
}

/* "$ORIGIN/sub" or "/abs" of a RUNPATH, as seen from the object's folder. */
static bool try_runpath(const char *dir, size_t dir_n, const char *object,
			const char *name, char ret[CLOSURE_PATH])
{
	static const char origin[] = "$ORIGIN";
	size_t skip = sizeof(origin) - 1;
	int n;

	if (dir_n >= skip && memcmp(dir, origin, skip) == 0)
		n = str_printf(ret, CLOSURE_PATH, "%.*s%.*s/%s",
			       (int)(base_name(object) - object), object,
			       (int)(dir_n - skip), dir + skip, name);
	else
		n = str_printf(ret, CLOSURE_PATH, "%.*s/%s", (int)dir_n, dir,
			       name);
	return n > 0 && access(ret, R_OK) == 0;
}

static bool find_in_runpath(const char *runpath, const char *object,
			    const char *name, char ret[CLOSURE_PATH])
{
	while (*runpath) {
		size_t n = strcspn(runpath, ":");

		if (n && try_runpath(runpath, n, object, name, ret))
			return true;
		runpath += n + (runpath[n] == ':');
	}
	return false;
}

static bool find_library(const char *runpath, const char *object,
			 const char *name, char ret[CLOSURE_PATH])
{
	size_t i;

	if (find_in_runpath(runpath, object, name, ret))
		return true;
	for (i = 0; i < ARRAY_SIZE(lib_dirs); i++)
		if (str_printf(ret, CLOSURE_PATH, "%s/%s", lib_dirs[i], name) >
			    0 &&
		    access(ret, R_OK) == 0)
			return true;
	return false;
}

static int add_library(struct closure *c, const char *runpath,
		       const char *object, const char *name, struct err *err)
{
	char src[CLOSURE_PATH];
	char dst[CLOSURE_PATH];

	if (closure_has(c, name))
		return 0;
	if (!find_library(runpath, object, name, src))
		return err_set(err, -ENOENT, "%s needs %s, which is not there",
			       object, name);
	if (str_printf(dst, sizeof(dst), JAIL_LIB_DIR "/%s", name) < 0)
		return err_set(err, -ENAMETOOLONG, "name too long: %s", name);
	return closure_add(c, src, dst, err);
}

/* The value of a dynamic string entry, "" if the object has none. */
static void dyn_string(const struct elf *e, uint64_t strtab, const Elf64_Dyn *d,
		       char ret[CLOSURE_PATH])
{
	uint64_t off;

	ret[0] = 0;
	if (!__builtin_add_overflow(strtab, d->d_un.d_val, &off))
		elf_string(e, off, ret);
}

/* Adds what this object names as DT_NEEDED. */
static int add_needed(struct closure *c, const struct elf *e,
		      const char *object, struct err *err)
{
	char runpath[CLOSURE_PATH] = "";
	char name[CLOSURE_PATH];
	uint64_t strtab = 0;
	size_t i;
	int r;

	for (i = 0; i < e->n_dyn; i++)
		if (e->dyn[i].d_tag == DT_STRTAB)
			strtab = elf_offset(e, e->dyn[i].d_un.d_ptr);
	for (i = 0; i < e->n_dyn; i++)
		if (e->dyn[i].d_tag == DT_RUNPATH ||
		    e->dyn[i].d_tag == DT_RPATH)
			dyn_string(e, strtab, &e->dyn[i], runpath);
	for (i = 0; i < e->n_dyn; i++) {
		if (e->dyn[i].d_tag != DT_NEEDED)
			continue;
		dyn_string(e, strtab, &e->dyn[i], name);
		if (!*name || strchr(name, '/'))
			return err_set(err, -ENOEXEC, "%s: damaged", object);
		r = add_library(c, runpath, object, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_object(struct closure *c, const char *path, struct err *err)
{
	__attribute__((cleanup(elf_done))) struct elf e;
	char loader[CLOSURE_PATH] = "";
	const Elf64_Phdr *interp;
	int r;

	e.fd = -1;
	r = elf_open(&e, path);
	if (r < 0)
		return err_set(err, r, "%s: %s", path,
			       r == -ENOEXEC ? "not an x86-64 program"
					     : strerror(-r));
	interp = elf_segment(&e, PT_INTERP);
	if (interp)
		elf_string(&e, interp->p_offset, loader);
	if (*loader && !closure_has(c, base_name(loader))) {
		r = closure_add(c, loader, loader, err);
		if (r < 0)
			return r;
	}
	return add_needed(c, &e, path, err);
}

int closure_add_elf(struct closure *c, const char *path, struct err *err)
{
	size_t i = c->n;
	int r;

	r = closure_add(c, path, path, err);
	for (; r == 0 && i < c->n; i++)
		r = scan_object(c, c->files[i].src, err);
	return r;
}
