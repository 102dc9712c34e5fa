#include "supervisor/clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct client *
get(struct clients *c, unsigned number)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "client %u", number);
    return clients_get(c, view_str(id));
}

static void
a_client_is_found_again(void **state)
{
    struct clients *c = xcalloc(1, sizeof(*c));

    (void)state;
    struct client *first = get(c, 1);
    assert_ptr_not_equal(get(c, 2), first);
    assert_ptr_equal(get(c, 1), first);
    assert_true(view_is(client_id(first), "client 1"));
    assert_int_equal(c->count, 2);
    clients_done(c);
    free(c);
}

static void
the_one_that_was_idle_longest_gives_its_place(void **state)
{
    struct clients *c = xcalloc(1, sizeof(*c));

    (void)state;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        get(c, i)->in_flight = i == 0; /* the oldest is busy */
    (void)get(c, 1);                   /* the second has just been here */
    assert_non_null(get(c, CLIENTS_MAX));
    assert_int_equal(c->count, CLIENTS_MAX);
    assert_int_equal(get(c, 0)->in_flight, 1);
    get(c, 1)->in_flight = 7;
    get(c, 3)->in_flight = 7;
    assert_int_equal(get(c, 2)->in_flight, 0); /* was forgotten: made anew, in the place of 4 */
    assert_int_equal(get(c, 1)->in_flight, 7);
    assert_int_equal(get(c, 3)->in_flight, 7);
    clients_done(c);
    assert_int_equal(c->count, 0);
    free(c);
}

static void
when_all_are_busy_a_new_one_is_not_remembered(void **state)
{
    struct clients *c = xcalloc(1, sizeof(*c));

    (void)state;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        get(c, i)->in_flight = 1;
    assert_null(get(c, CLIENTS_MAX));
    get(c, 77)->in_flight = 0;
    assert_non_null(get(c, CLIENTS_MAX));
    clients_done(c);
    free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_found_again),
        cmocka_unit_test(the_one_that_was_idle_longest_gives_its_place),
        cmocka_unit_test(when_all_are_busy_a_new_one_is_not_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
