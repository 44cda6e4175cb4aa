/* Fuzzes qmp: what a QEMU that its guest owns may say, in two pieces. */
#include "qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct qmp q;
	size_t cut;

	if (size < 2)
		return 0;
	qmp_init(&q, data[0] & 1 ? QMP_SAVE : QMP_LOAD);
	qmp_began(&q);
	cut = 2 + data[1] % (size - 1);
	if (qmp_feed(&q, span_of(data + 2, cut - 2)) == 0) {
		qmp_went(&q);
		(void)qmp_feed(&q, span_of(data + cut, size - cut));
	}
	return 0;
}
