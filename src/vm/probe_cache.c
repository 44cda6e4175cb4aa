/* probe_cache: see probe_cache.h. Five lines, in this order. */
#include "vm/probe_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

#define NAME	 "probe"
#define NAME_NEW "probe.new"
#define HEAD	 "bulkhead-probe 1"

enum { FILE_MAX = 512 };

/* The next line, which must start with the key and a blank. */
static int line_value(struct span *rest, const char *key, struct span *ret)
{
	const uint8_t *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t k = strlen(key);
	size_t n;

	if (!nl)
		return -1;
	n = (size_t)(nl - rest->p);
	if (n <= k || memcmp(rest->p, key, k) != 0 || rest->p[k] != ' ')
		return -1;
	*ret = span_of(rest->p + k + 1, n - k - 1);
	rest->p += n + 1;
	rest->n -= n + 1;
	return 0;
}

/* Our own words, printable ASCII only. */
static bool is_plain(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

static int parse(struct span text, const char *key, struct vm_probe *ret)
{
	struct span version, k, backend, ms, why;
	struct vm_probe p = { 0 };
	uint64_t v;

	if (line_value(&text, "bulkhead-probe", &version) < 0 ||
	    line_value(&text, "key", &k) < 0 ||
	    line_value(&text, "backend", &backend) < 0 ||
	    line_value(&text, "boot_ms", &ms) < 0 ||
	    line_value(&text, "why", &why) < 0 || text.n != 0)
		return -EBADMSG;
	if (!span_is(version, "1") || !span_is(k, key))
		return -ESTALE;
	p.backend = vm_backend_parse(backend);
	if (p.backend == VM_AUTO || p.backend == VM_BACKEND_MAX ||
	    num_parse(ms, 0, UINT32_MAX, &v) < 0 || !is_plain(why) ||
	    str_copy(p.why, sizeof(p.why), why) < 0)
		return -EBADMSG;
	p.boot_ms = (uint32_t)v;
	*ret = p;
	return 0;
}

int probe_cache_load(int state_fd, const char key[PROBE_KEY_HEX + 1],
		     struct vm_probe *ret)
{
	CLEAN_FD int fd =
		openat(state_fd, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t text[FILE_MAX + 1];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fd_read_all(fd, text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (n > FILE_MAX)
		return -EBADMSG;
	return parse(span_of(text, (size_t)n), key, ret);
}

int probe_cache_save(int state_fd, const char key[PROBE_KEY_HEX + 1],
		     const struct vm_probe *p)
{
	CLEAN_FD int fd = openat(
		state_fd, NAME_NEW,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, FILE_MAX);
	buf_printf(&b, HEAD "\nkey %s\nbackend %s\nboot_ms %u\nwhy %s\n", key,
		   vm_backend_name(p->backend), p->boot_ms, p->why);
	if (fd < 0)
		return -errno;
	if (!buf_ok(&b))
		return -EMSGSIZE;
	r = fd_write_all(fd, buf_view(&b));
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(state_fd, NAME_NEW, state_fd, NAME) < 0)
		r = -errno;
	return r;
}
