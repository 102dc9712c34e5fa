/* Starts, stops and kills at any moment: STARTS, STOPS and KILLS (10 each) times, from the seed
 * SEED (1), which is printed. */
#include "tests/system/chance.h"
#include "tests/system/daemon.h"
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define JOBS 20

static struct daemon d;
static struct client c;

static int
make(void **state)
{
    (void)state;
    daemon_make(&d);
    random_state = (uint64_t)env_number("SEED", 1);
    print_message("seed %" PRIu64 "\n", random_state);
    return 0;
}

static int
clear(void **state)
{
    (void)state;
    daemon_remove(&d);
    return 0;
}

static void
start_and_connect(void)
{
    daemon_start(&d, "--set", "workers.count=2", "--set", "daemon.stop_grace=50ms", "--set",
                 "limits.company_max_concurrent=null", "--set", "limits.max_crashes=1000000", NULL);
    client_open(&c, &d);
}

/* At any moment of the next 50 ms: the moment is what is tried. */
static void
let_some_time_pass(void)
{
    (void)poll(NULL, 0, (int)random_below(50));
}

/* Half of them end soon, half run until they are stopped. */
static void
submit_some(uint64_t *first, uint64_t *last)
{
    for (int i = 0; i < JOBS; i++) {
        *last = must_submit(&c, i % 2 ? "{\"handler\":\"sleep\",\"payload\":{\"ms\":20}}"
                                      : "{\"handler\":\"noop\"}");
        if (i == 0) *first = *last;
    }
}

static void
all_complete(uint64_t first, uint64_t last)
{
    for (uint64_t job = first; job <= last; job++) {
        expect_job(&c, job, "state", "\"completed\"");
        assert_int_equal(number_at(&c, "failures"), 0);
    }
}

static void
store_is_sound(void)
{
    (void)must(&c, MSG_FSCK, "{}");
    if (strcmp(value_at(&c, "ok"), "true") != 0) {
        daemon_fail(&d, "fsck: %s", value_at(&c, "problems"));
    }
}

static void
of_two_starts_at_once_one_serves(void **state)
{
    int64_t total = env_number("STARTS", 10);

    (void)state;
    for (int64_t i = 0; i < total; i++) {
        daemon_start_two(&d);
        client_open(&c, &d);
        (void)must(&c, MSG_STATUS, "{}");
        assert_int_equal(number_at(&c, "pid"), d.pid);
        client_close(&c);
        if (random_below(2)) {
            daemon_kill(&d);
        } else {
            daemon_stop(&d);
        }
    }
}

static void
a_stop_at_any_moment_loses_nothing(void **state)
{
    int64_t  total = env_number("STOPS", 10);
    uint64_t first = 0, last = 0, oldest = 0;

    (void)state;
    for (int64_t i = 0; i < total; i++) {
        start_and_connect();
        submit_some(&first, &last);
        if (i == 0) oldest = first;
        let_some_time_pass();
        client_close(&c);
        daemon_stop(&d);
    }
    start_and_connect();
    all_complete(oldest, last);
    store_is_sound();
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "unclean_stops"), 0);
    client_close(&c);
    daemon_stop(&d);
}

static void
a_kill_at_any_moment_loses_nothing(void **state)
{
    int64_t  total = env_number("KILLS", 10);
    uint64_t first = 0, last = 0, oldest = 0;

    (void)state;
    for (int64_t i = 0; i < total; i++) {
        start_and_connect();
        submit_some(&first, &last);
        if (i == 0) oldest = first;
        let_some_time_pass();
        client_close(&c);
        daemon_kill(&d);
    }
    start_and_connect();
    all_complete(oldest, last);
    store_is_sound();
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "unclean_stops"), total);
    client_close(&c);
    daemon_stop(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_two_starts_at_once_one_serves, make, clear),
        cmocka_unit_test_setup_teardown(a_stop_at_any_moment_loses_nothing, make, clear),
        cmocka_unit_test_setup_teardown(a_kill_at_any_moment_loses_nothing, make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
