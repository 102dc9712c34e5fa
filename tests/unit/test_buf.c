#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
zeroed_buf_is_ready(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    assert_int_equal(buf_view(&b).size, 0);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(b.size, 0);
    buf_add(&b, NULL, 0);
    assert_int_equal(b.size, 0);
}

static void
bytes_stay_in_order_while_it_grows(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        buf_add(&b, &(char){(char)(i % 127)}, 1);
    assert_int_equal(b.size, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], i % 127);
}

static void
printf_fits_at_every_length(void **state)
{
    char text[300];

    (void)state;
    for (size_t size = 0; size < sizeof(text); size++) {
        BUF_AUTO struct buf b = {0};

        memset(text, 'x', size);
        text[size] = '\0';
        buf_add_str(&b, "begin ");
        buf_printf(&b, "%s %d", text, 42);
        assert_int_equal(b.size, 6 + size + 3);
        assert_memory_equal(b.data + 6, text, size);
        assert_memory_equal(b.data + 6 + size, " 42", 3);
    }
}

static void
string_end_does_not_count(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    for (size_t i = 1; i <= 200; i++) {
        buf_add_view(&b, view_str("x"));
        assert_int_equal(strlen(buf_str(&b)), i);
        assert_int_equal(b.size, i);
    }
}

static void
clear_keeps_memory_and_done_frees(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_reserve(&b, 1000);
    assert_true(b.cap >= 1000);
    char *data = b.data;
    buf_add_str(&b, "text");
    buf_clear(&b);
    assert_int_equal(b.size, 0);
    buf_reserve(&b, 1000);
    assert_ptr_equal(b.data, data);
    buf_done(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_buf_is_ready),
        cmocka_unit_test(bytes_stay_in_order_while_it_grows),
        cmocka_unit_test(printf_fits_at_every_length),
        cmocka_unit_test(string_end_does_not_count),
        cmocka_unit_test(clear_keeps_memory_and_done_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
