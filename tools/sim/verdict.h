/* verdict - where a run is, and how it ends when an invariant is broken.
 *
 * The place is process-wide, so that an assertion of the engine (SIGABRT) also names the seed, the
 * operation and the command that replays the run. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "common/err.h"
#include <stdint.h>

/* Catches SIGABRT, SIGSEGV and SIGFPE: once per process. */
void verdict_watch(void);
/* A run begins. */
void verdict_begin(uint64_t seed, uint64_t operations, int64_t years);
void verdict_at(uint64_t operation);
/* Prints the sentence, the place and the command; the process ends with 1. */
_Noreturn void broken(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* broken() unless the claim holds. */
#define claim(holds, ...)                  \
    do {                                   \
        if (!(holds)) broken(__VA_ARGS__); \
    } while (0)

#endif
