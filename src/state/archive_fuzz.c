/* Fuzzes the reading of a backup: any bytes end in a verdict, and a member's
 * name is one that stays below the directory.
 * #fuzz: -max_len=65536 */
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "state/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_FD int fd = memfd_sealed("fuzz", span_of(data, size));
	uint8_t chunk[300];
	struct err err = { 0 };
	struct archive a;
	struct member m;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return 0;
	archive_init(&a, fd);
	while (archive_next(&a, &m, &err) == 1) {
		if (m.path[0] == '/' || m.path[0] == '.')
			abort();
		while (archive_read(&a, &m, chunk, sizeof(chunk), &err) > 0)
			;
		if (m.left)
			break;
	}
	archive_done(&a);
	return 0;
}
