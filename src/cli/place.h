/*
 * place: where the parts of an installation and of the state are.
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "base/err.h"
#include "conf/conf.h"

/*
 * The directory of the bulkhead-* processes: the one of this executable where
 * bulkhead-monitor lies beside it, else ../libexec/bulkhead from there. 0 or
 * -errno with what to do.
 */
[[nodiscard]] int place_libexec(char *dst, size_t cap, struct err *err);

/* Guest kernel and images: given, else "images" beside this executable, else
 * ../share/bulkhead/images, else ../lib/bulkhead/images. */
[[nodiscard]] int place_images(const char *given, char *dst, size_t cap,
			       struct err *err);

/* STATE/latch. 0 or -1 (too long). */
[[nodiscard]] int place_latch(const struct conf *conf, char *dst, size_t cap);

/* Makes a directory and its parents, 0700 where it makes them. 0 or -errno. */
[[nodiscard]] int place_make(const char *path);

#endif
