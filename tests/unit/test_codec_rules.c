/* Rules of what fields hold, and of bodies that are no message. */
#include "common/mp.h"
#include "tests/unit/codec_case.h"

static void
strings_follow_their_rules(void **state)
{
    static const struct {
        const char *field;
        const char *text;
        bool        ok;
    } cases[] = {
        {"title",   "Käse und 木", true },
        {"title",   "a\nb",          false},
        {"title",   "a\tb",          false},
        {"title",   "\x7f",          false},
        {"title",   "\xff",          false},
        {"title",   "\xc3",          false},
        {"title",   "\xed\xa0\x80",  false},
        {"company", "acme",          true },
        {"company", "Acme",          false},
        {"company", "",              false},
        {"company", ".acme",         false},
        {"company", "acme/x",        false},
        {"handler", "acme/x",        true },
        {"handler", "x",             true },
        {"handler", "/x",            false},
        {"handler", "acme/",         false},
        {"handler", "a/b/c",         false},
        {"handler", "a b",           false},
    };
    struct err            e;
    struct msg_job_submit m;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf BUF_AUTO b = {0};

        mp_map(&b, 1);
        mp_cstr(&b, cases[i].field);
        mp_cstr(&b, cases[i].text);
        enum errc code = msg_unpack(msg_desc(MSG_JOB_SUBMIT), buf_view(&b), &m, &e);
        if (cases[i].ok) {
            assert_int_equal(code, E_OK);
        } else {
            expect_refused(code, &e, cases[i].field);
        }
    }
}

static void
a_payload_must_be_expressible_as_json(void **state)
{
    static const char *const bad[] = {
        "\x81\xa1k\xc4\x01x",                   /* bin */
        "\x82\xa1k\x01\xa1k\x02",               /* a key twice */
        "\x81\x01\x02",                         /* a key that is no string */
        "\xcb\x7f\xf8\x01\x01\x01\x01\x01\x01", /* NaN */
        "\x91\xa1\xff",                         /* not UTF-8 */
        "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", /* beyond int64 */
    };
    struct err            e;
    struct msg_job_submit m;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf BUF_AUTO b = {0};

        mp_map(&b, 1);
        mp_cstr(&b, "payload");
        mp_raw(&b, view_str(bad[i]));
        assert_null(mp_check(buf_view(&b)));
        expect_refused(msg_unpack(msg_desc(MSG_JOB_SUBMIT), buf_view(&b), &m, &e), &e, "payload");
    }
}

static void
a_body_that_is_no_clean_map_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t      size;
    } bad[] = {
        {"",                     0},
        {"\x90",                 1},
        {"\xc0",                 1},
        {"\x81",                 1},
        {"\x81\xa2id",           4},
        {"\x81\x01\x01",         3},
        {"\x81\xa2id\x01\x01",   6},
        {"\x80\x80",             2},
        {"\xdf\xff\xff\xff\xff", 5},
    };
    struct err e;
    union msg  m;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct view body = view_of(bad[i].bytes, bad[i].size);

        assert_int_equal(msg_unpack(msg_desc(MSG_JOB_SHOW), body, &m, &e), E_BAD_REQUEST);
    }
}

static void
what_failed_to_unpack_leaves_the_output_untouched(void **state)
{
    struct msg_job_show m, before;
    struct err          e;

    (void)state;
    memset(&m, 0x5a, sizeof(m));
    before = m;
    assert_int_equal(
        msg_unpack(msg_desc(MSG_JOB_SHOW), view_of("\x82\xa2id\x07\xa1x\x01", 8), &m, &e),
        E_BAD_REQUEST);
    assert_memory_equal(&m, &before, sizeof(m));
}

static void
an_unknown_name_is_cut_and_made_printable(void **state)
{
    struct buf BUF_AUTO b = {0};
    char                name[300];
    struct err          e;
    union msg           m;

    (void)state;
    memset(name, 'n', sizeof(name));
    memcpy(name, "a\x1b[2J\xff", 6);
    mp_map(&b, 1);
    mp_str(&b, view_of(name, sizeof(name)));
    mp_nil(&b);
    assert_int_equal(msg_unpack(msg_desc(MSG_PING), buf_view(&b), &m, &e), E_BAD_REQUEST);
    assert_memory_equal(e.field, "a?[2J?nnn", 9);
    assert_true(strlen(e.field) == sizeof(e.field) - 1);
    assert_non_null(strstr(e.msg, "unknown field"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_follow_their_rules),
        cmocka_unit_test(a_payload_must_be_expressible_as_json),
        cmocka_unit_test(a_body_that_is_no_clean_map_is_refused),
        cmocka_unit_test(what_failed_to_unpack_leaves_the_output_untouched),
        cmocka_unit_test(an_unknown_name_is_cut_and_made_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
