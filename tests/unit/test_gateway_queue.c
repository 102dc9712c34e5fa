/* What waits for WebSockets' peers, each and all together. */
#include "tools/gateway/websocket_queue.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT 4

struct world {
    struct websocket_queues all;
    struct websocket_queue  queues[COUNT];
};

static int
begin(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));

    for (size_t i = 0; i < COUNT; i++)
        websocket_queue_init(&w->queues[i], &w->all);
    *state = w;
    return 0;
}

static int
end(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < COUNT; i++)
        websocket_queue_done(&w->queues[i]);
    assert_null(w->all.first);
    assert_int_equal(w->all.bytes, 0);
    free(w);
    return 0;
}

static void
the_sum_is_of_what_waits_in_all(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < COUNT; i++) {
        websocket_queue_put(&w->queues[i], view_of("abcdefgh", i));
        websocket_queue_put(&w->queues[i], view_str("12"));
        assert_int_equal(w->queues[i].bytes, i + 2);
    }
    assert_int_equal(w->all.bytes, 0 + 1 + 2 + 3 + COUNT * 2);
    websocket_queue_clear(&w->queues[3]);
    assert_int_equal(w->all.bytes, 0 + 1 + 2 + 3 * 2);
    websocket_queue_put(&w->queues[3], view_str("12")); /* it is one of them still */
    assert_int_equal(w->all.bytes, 0 + 1 + 2 + COUNT * 2);
}

static void
the_largest_is_found_whoever_is_spoken_to(void **state)
{
    struct world *w = *state;

    websocket_queue_put(&w->queues[1], view_str("12345678"));
    websocket_queue_put(&w->queues[2], view_str("1234"));
    assert_ptr_equal(websocket_queue_largest(&w->queues[0], 1), &w->queues[1]);
    assert_ptr_equal(websocket_queue_largest(&w->queues[2], 3), &w->queues[1]);
    assert_ptr_equal(websocket_queue_largest(&w->queues[1], 1), &w->queues[1]);
    /* what it is to get counts */
    assert_ptr_equal(websocket_queue_largest(&w->queues[2], 5), &w->queues[2]);
    assert_ptr_equal(websocket_queue_largest(&w->queues[0], 9), &w->queues[0]);
    websocket_queue_done(&w->queues[1]);
    assert_ptr_equal(websocket_queue_largest(&w->queues[0], 1), &w->queues[2]);
    websocket_queue_init(&w->queues[1], &w->all);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_sum_is_of_what_waits_in_all),
        TEST(the_largest_is_found_whoever_is_spoken_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
