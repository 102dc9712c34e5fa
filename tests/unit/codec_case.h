/* codec_case - what is said of a message that is refused. */
#ifndef TESTS_CODEC_CASE_H
#define TESTS_CODEC_CASE_H

#include "proto/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void
expect_refused(enum errc code, const struct err *e, const char *field)
{
    assert_int_equal(code, E_BAD_REQUEST);
    assert_int_equal(e->code, E_BAD_REQUEST);
    assert_string_equal(e->field, field);
    assert_memory_equal(e->msg, field, strlen(field));
}

#endif
