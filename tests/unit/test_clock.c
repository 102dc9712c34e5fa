#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timex.h>
#include <time.h>

#include <cmocka.h>

static int kernel_state;
static int kernel_status;

/* In place of libc's: what the kernel says is the test's choice. */
int
adjtimex(struct timex *t)
{
    t->status = kernel_status;
    return kernel_state;
}

static void
wall_time_is_unix_time(void **state)
{
    (void)state;
    time_t     before = time(NULL);
    struct now now = clock_now();
    time_t     after = time(NULL);
    /* time(2) may lag by the coarse clock's tick. */
    assert_in_range(now.wall_ms, before * 1000, after * 1000 + 2000);
}

static void
boot_time_goes_on_in_both_units(void **state)
{
    (void)state;
    int64_t    before_us = clock_boot_us();
    struct now now = clock_now();
    int64_t    after_us = clock_boot_us();
    assert_true(before_us > 0);
    assert_in_range(now.boot_ms, before_us / 1000, after_us / 1000);
}

static void
synchronised_is_what_the_kernel_says(void **state)
{
    static const struct {
        int  state;
        int  status;
        bool expected;
    } cases[] = {
        {TIME_OK,    STA_PLL,    true },
        {TIME_INS,   0,          true },
        {TIME_OK,    STA_UNSYNC, false},
        {TIME_ERROR, 0,          false},
        {-1,         0,          false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        kernel_state = cases[i].state;
        kernel_status = cases[i].status;
        assert_int_equal(clock_is_synchronised(), cases[i].expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_time_is_unix_time),
        cmocka_unit_test(boot_time_goes_on_in_both_units),
        cmocka_unit_test(synchronised_is_what_the_kernel_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
