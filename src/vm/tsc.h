/* tsc: the rate of this processor's time stamp counter. */
#ifndef VM_TSC_H
#define VM_TSC_H

#include <stdint.h>

/* In kHz, measured against CLOCK_MONOTONIC in about 30 ms; 0 if it does not
 * count. */
uint32_t vm_tsc_khz(void);

#endif
