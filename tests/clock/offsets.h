/* offsets - by how much the test's clocks differ from the machine's; a file that tests write. */
#ifndef TESTS_CLOCK_OFFSETS_H
#define TESTS_CLOCK_OFFSETS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock_offsets {
    _Atomic int64_t wall_ms;
    _Atomic int64_t boot_ms;
    atomic_bool     is_unsynchronised; /* what the kernel says of the wall clock */
};

#endif
