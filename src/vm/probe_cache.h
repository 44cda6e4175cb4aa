/*
 * probe_cache: the probe's answer as a small text file. Internal to vm; whoever
 * may write the state directory may choose the back-end anyway, so the file is
 * checked for damage and not authenticated.
 */
#ifndef VM_PROBE_CACHE_H
#define VM_PROBE_CACHE_H

#include "vm/vm.h"

enum { PROBE_KEY_HEX = 64 };

/* 0, or -errno: not there, another key, damaged; all mean: probe again. */
[[nodiscard]] int probe_cache_load(int state_fd,
				   const char key[PROBE_KEY_HEX + 1],
				   struct vm_probe *ret);

/* Written whole or not at all. 0 or -errno. */
[[nodiscard]] int probe_cache_save(int state_fd,
				   const char key[PROBE_KEY_HEX + 1],
				   const struct vm_probe *p);

#endif
