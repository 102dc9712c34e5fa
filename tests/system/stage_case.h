/* stage_case - the stage of the test that runs, and what agentctl must have written. */
#ifndef TESTS_STAGE_CASE_H
#define TESTS_STAGE_CASE_H

#include "tests/system/fake_agentd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct stage s;

static inline int
open_stage(void **state)
{
    (void)state;
    stage_open(&s);
    return 0;
}

static inline int
open_and_listen(void **state)
{
    (void)state;
    stage_open(&s);
    stage_listen(&s);
    return 0;
}

static inline int
close_stage(void **state)
{
    (void)state;
    stage_close(&s);
    return 0;
}

static inline void
expect_out(const char *expected)
{
    FREE_AUTO char *out = stage_out(&s);

    assert_string_equal(out, expected);
}

static inline void
expect_err(const char *expected)
{
    FREE_AUTO char *err = stage_err(&s);

    assert_string_equal(err, expected);
}

static inline void
expect_err_says(const char *part)
{
    FREE_AUTO char *err = stage_err(&s);

    if (!strstr(err, part)) fail_msg("\"%s\" does not say \"%s\"", err, part);
}

#endif
