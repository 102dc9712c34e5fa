#include "common/err.h"

#include "common/mp.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
set_clears_field_and_hint(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(err_field(&e, "priority", "over %d", 100), E_BAD_REQUEST);
    assert_int_equal(err_hint(&e, "use %d", 80), E_BAD_REQUEST);
    assert_string_equal(e.field, "priority");
    assert_string_equal(e.hint, "use 80");
    assert_int_equal(err_set(&e, E_GONE, "job %d was purged", 7), E_GONE);
    assert_int_equal(e.code, E_GONE);
    assert_string_equal(e.msg, "job 7 was purged");
    assert_string_equal(e.field, "");
    assert_string_equal(e.hint, "");
}

static void
field_message_begins_with_the_field(void **state)
{
    struct err e;

    (void)state;
    (void)err_field(&e, "run_at", "in the past");
    assert_int_equal(e.code, E_BAD_REQUEST);
    assert_string_equal(e.msg, "run_at: in the past");
}

static void
errno_is_told_at_the_end(void **state)
{
    struct err e;

    (void)state;
    errno = ENOENT;
    assert_int_equal(err_errno(&e, "open %s", "/nowhere"), E_INTERNAL);
    assert_string_equal(e.msg, "open /nowhere: No such file or directory");
}

static void
wrap_puts_where_in_front_and_keeps_the_rest(void **state)
{
    struct err e;

    (void)state;
    (void)err_field(&e, "cron", "bad");
    (void)err_hint(&e, "read cron(5)");
    assert_int_equal(err_wrap(&e, "schedule %s", "nightly"), E_BAD_REQUEST);
    assert_string_equal(e.msg, "schedule nightly: cron: bad");
    assert_string_equal(e.field, "cron");
    assert_string_equal(e.hint, "read cron(5)");
}

static void
arguments_may_come_from_the_error_itself(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, E_BUSY, "first");
    (void)err_set(&e, E_CONFLICT, "second after %s", e.msg);
    assert_string_equal(e.msg, "second after first");
    (void)err_wrap(&e, "[%s]", e.msg);
    assert_string_equal(e.msg, "[second after first]: second after first");
}

static void
long_message_is_cut_at_a_whole_character(void **state)
{
    static const char *const characters[] = {"x", "é", "€", "😀"};
    struct err               e;
    char                     text[600];

    (void)state;
    for (size_t c = 0; c < 4; c++) {
        for (size_t lead = 0; lead < 4; lead++) {
            size_t n = lead;
            memset(text, 'a', sizeof(text));
            for (; n + 5 < sizeof(text); n += strlen(characters[c]))
                memcpy(text + n, characters[c], strlen(characters[c]));
            text[n] = '\0';
            (void)err_set(&e, E_INTERNAL, "%s", text);
            assert_true(utf8_is_valid(view_str(e.msg)));
            assert_in_range(strlen(e.msg), sizeof(e.msg) - 4, sizeof(e.msg) - 1);
            assert_memory_equal(e.msg, text, strlen(e.msg));
            (void)err_wrap(&e, "%s", text);
            assert_true(utf8_is_valid(view_str(e.msg)));
        }
    }
}

static void
every_code_has_its_own_wire_name(void **state)
{
    (void)state;
    for (enum errc c = E_OK; c < ERRC_COUNT; c++) {
        assert_int_equal(errc_from_wire(errc_wire(c)), c);
        assert_true(strlen(errc_text(c)) > 0);
    }
    assert_int_equal(errc_from_wire("no_such_code"), E_INTERNAL);
}

static void
exit_and_http_codes_are_those_of_n42(void **state)
{
    (void)state;
    assert_int_equal(errc_exit(E_OK), 0);
    assert_int_equal(errc_exit(E_OUTCOME_UNKNOWN), 5);
    assert_int_equal(errc_exit(E_QUEUE_FULL), 1);
    assert_int_equal(errc_http(E_QUEUE_FULL), 429);
    assert_int_equal(errc_http(E_DECLARED_IN_CONFIG), 409);
    assert_int_equal(errc_http(E_STORE_FULL), 507);
    assert_string_equal(errc_wire(E_UNSUPPORTED), "unsupported_version");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_clears_field_and_hint),
        cmocka_unit_test(field_message_begins_with_the_field),
        cmocka_unit_test(errno_is_told_at_the_end),
        cmocka_unit_test(wrap_puts_where_in_front_and_keeps_the_rest),
        cmocka_unit_test(arguments_may_come_from_the_error_itself),
        cmocka_unit_test(long_message_is_cut_at_a_whole_character),
        cmocka_unit_test(every_code_has_its_own_wire_name),
        cmocka_unit_test(exit_and_http_codes_are_those_of_n42),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
