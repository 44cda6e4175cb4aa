/*
 * template: what the clones of a machine are made from: its memory and its
 * device state, each in a sealed memfd, so that no clone can change what the
 * next one starts from. Making one, in order:
 *
 *	vm_template_init     two empty memfds
 *	vm_launch            with spec.start VM_TEMPLATE and memory_fd
 *	MSG_SAVE + saved_fd  to its porter, which answers MSG_VM_SAVED
 *	vm_end
 *	vm_template_seal
 *
 * A template holds no secret and nothing that an outsider wrote.
 */
#ifndef VM_TEMPLATE_H
#define VM_TEMPLATE_H

#include "vm/launch.h"

enum {
	TEMPLATE_SAVED_MAX = 4 << 20, /* of the device state */
};

struct vm_template {
	int memory_fd; /* owned */
	int saved_fd;  /* owned */
	uint8_t key[VM_SUM];
};

/*
 * Two unsealed memfds for a machine of this kind and size, and its key. On
 * failure nothing is left behind. 0 or -errno.
 */
[[nodiscard]] int vm_template_init(struct vm_template *t,
				   const struct vm_spec *spec,
				   const struct vm_images *images,
				   enum wire_workload w, struct err *err);

/*
 * Seals both against every change. -EBUSY while a mapping of the dead
 * machine is being torn down: to be called again a little later, it can take
 * some milliseconds. Another error means that this is no template: -EBADMSG
 * (sizes that cannot be), or what the kernel said.
 */
[[nodiscard]] int vm_template_seal(struct vm_template *t);

/* Idempotent; also for one that is all zeroes but its fds, which are -1. */
void vm_template_done(struct vm_template *t);

/*
 * What a clone must have in common with its template: the QEMU that runs it,
 * kernel and image, size and clock; SHA-256. While this is equal to t->key, t
 * may be cloned. Costs a stat(2) at most. 0 or -errno.
 */
[[nodiscard]] int vm_template_key(const struct vm_spec *spec,
				  const struct vm_images *images,
				  enum wire_workload w, uint8_t ret[VM_SUM]);

#endif
