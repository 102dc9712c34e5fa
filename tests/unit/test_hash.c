#include "common/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* These numbers are on disk: they must never change. */
static void
hashes_are_xxh3(void **state)
{
    struct hash128 h = hash128(view_of(NULL, 0));

    (void)state;
    assert_true(hash64(view_of(NULL, 0), 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64(view_str("agentd"), 0) == UINT64_C(0x7d3cc7b8d5b51a77));
    assert_true(hash64(view_str("agentd"), 7) == UINT64_C(0xdef57b8a66f12e1e));
    assert_true(h.hi == UINT64_C(0x99aa06d3014798d8));
    assert_true(h.lo == UINT64_C(0x6001c324468d497f));
    h = hash128(view_str("agentd"));
    assert_true(h.hi == UINT64_C(0xd4e33943a3299052));
    assert_true(h.lo == UINT64_C(0x859090707aeb247c));
}

static void
every_byte_counts(void **state)
{
    char     text[300] = {0};
    uint64_t zeros = hash64(view_of(text, sizeof(text)), 0);

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = 1;
        assert_true(hash64(view_of(text, sizeof(text)), 0) != zeros);
        text[i] = 0;
    }
    assert_true(hash64(view_of(text, sizeof(text) - 1), 0) != zeros);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_xxh3),
        cmocka_unit_test(every_byte_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
