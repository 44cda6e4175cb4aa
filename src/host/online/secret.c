/* secret: see secret.h. */
#include "secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/mman.h>

/* #syscalls:online mlock */
int secret_room(struct secret *k, size_t n)
{
	uint8_t *p;

	if (n == 0 || n > (size_t)2 * LIMIT_SECRET)
		return -EFBIG;
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	(void)mlock(p, n);
	(void)madvise(p, n, MADV_DONTDUMP);
	secret_wipe(k);
	*k = (struct secret){ .p = p, .room = n };
	return 0;
}

int secret_set(struct secret *k, struct span s)
{
	int r = s.n > LIMIT_SECRET ? -EFBIG : secret_room(k, s.n);

	if (r < 0)
		return r;
	memcpy(k->p, s.p, s.n);
	k->n = s.n;
	return 0;
}

void secret_wipe(struct secret *k)
{
	if (k->p) {
		OPENSSL_cleanse(k->p, k->room);
		(void)munmap(k->p, k->room);
	}
	*k = (struct secret){ 0 };
}

struct span secret_view(const struct secret *k)
{
	return span_of(k->p, k->n);
}

void secret_wipe_buf(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_reset(b);
}
