/*
 * golden: for tests of what commands print. The text is compared with the file
 * of that name in tests/data/cli ($BULKHEAD_DATA); with BULKHEAD_REGEN set it
 * is written there instead, for a review of the diff.
 */
#ifndef CLI_GOLDEN_H
#define CLI_GOLDEN_H

void compare_golden(const char *name, const char *text);

#endif
