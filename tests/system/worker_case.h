/* worker_case - what a test of agent-worker begins and ends with: a worker, and the supervisor that
 * it is told of. */
#ifndef TESTS_WORKER_CASE_H
#define TESTS_WORKER_CASE_H

#include "tests/system/fake_supervisor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

static struct fake f;

static inline int
start(void **state)
{
    (void)state;
    fake_start(&f);
    return 0;
}

static inline int
stop(void **state)
{
    (void)state;
    fake_stop(&f);
    return 0;
}

static inline uint64_t
job(const char *script)
{
    return fake_job(&f, &(struct fake_job){.script = script});
}

#endif
