#include "supervisor/parked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct parked p;
static struct asked  requests[PARKED_MAX + 1];

static int
begin(void **state)
{
    (void)state;
    memset(requests, 0, sizeof(requests));
    parked_init(&p);
    return 0;
}

static void
park(unsigned i, uint64_t job, int64_t until)
{
    requests[i].waits_for = job;
    requests[i].until_boot_ms = until;
    assert_true(parked_add(&p, &requests[i]));
}

static unsigned
count(const struct asked *list)
{
    unsigned n = 0;

    for (; list; list = list->next)
        n++;
    return n;
}

static void
the_end_of_a_job_wakes_its_own_waiters(void **state)
{
    (void)state;
    park(0, 5, 100);
    park(1, 5, 200);
    park(2, 5 + PARKED_BUCKETS, 100); /* shares the bucket */
    park(3, 0, 100);
    assert_int_equal(count(parked_take_job(&p, 6)), 0);
    assert_int_equal(count(parked_take_job(&p, 5)), 2);
    assert_int_equal(count(parked_take_job(&p, 5)), 0);
    assert_int_equal(p.count, 2);
    assert_ptr_equal(parked_take_job(&p, 5 + PARKED_BUCKETS), &requests[2]);
    assert_ptr_equal(parked_take_feed(&p), &requests[3]);
    assert_int_equal(p.count, 0);
}

static void
waits_end_at_their_time(void **state)
{
    (void)state;
    park(0, 1, 300);
    park(1, 2, 100);
    park(2, 0, 200);
    assert_int_equal(p.deadline, 100);
    assert_null(parked_take_ended(&p, 99));
    assert_ptr_equal(parked_take_ended(&p, 100), &requests[1]);
    assert_int_equal(p.deadline, 200);
    assert_int_equal(count(parked_take_ended(&p, 300)), 2);
    assert_int_equal(p.deadline, INT64_MAX);
}

static void
all_can_be_taken(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        park(i, i % 3, i);
    assert_int_equal(count(parked_take_all(&p)), 10);
    assert_int_equal(p.count, 0);
}

static void
so_many_wait_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PARKED_MAX; i++)
        park(i, i, 100);
    assert_false(parked_add(&p, &requests[PARKED_MAX]));
    assert_int_equal(count(parked_take_job(&p, 9)), 1);
    assert_true(parked_add(&p, &requests[PARKED_MAX]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_end_of_a_job_wakes_its_own_waiters, begin),
        cmocka_unit_test_setup(waits_end_at_their_time, begin),
        cmocka_unit_test_setup(all_can_be_taken, begin),
        cmocka_unit_test_setup(so_many_wait_and_no_more, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
