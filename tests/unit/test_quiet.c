#include "common/quiet.h"

#include "common/buf.h"
#include "common/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)

static struct quiet
hours(const char *text)
{
    struct quiet q;
    struct err   e = {0};

    if (quiet_parse(view_str(text), &q, &e)) fail_msg("%s: %s", text, e.msg);
    return q;
}

/* Unix ms of a UTC time. */
static int64_t
at(int64_t year, int month, int day, int hour, int minute)
{
    return civil_to_days((struct civil){year, month, day}) * DAY_MS + hour * HOUR_MS +
           minute * MINUTE_MS;
}

static void
load(const char *name, struct buf *bytes, struct tz *z)
{
    struct err e = {0};
    char       path[256];
    FILE      *f;

    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    buf_reserve(bytes, TZ_BYTES_MAX);
    f = fopen(path, "rb");
    if (!f) skip();
    bytes->size = fread(bytes->data, 1, TZ_BYTES_MAX, f);
    assert_int_equal(fclose(f), 0);
    if (tz_parse(buf_view(bytes), z, &e)) fail_msg("%s: %s", name, e.msg);
}

static void
hours_are_read(void **state)
{
    struct quiet q = hours("22:00-07:30");

    (void)state;
    assert_int_equal(q.from, 22 * 60);
    assert_int_equal(q.to, 7 * 60 + 30);
    q = hours("00:00-23:59");
    assert_int_equal(q.from, 0);
    assert_int_equal(q.to, 23 * 60 + 59);
}

static void
what_are_no_hours_is_refused_with_what_is_allowed(void **state)
{
    static const char *const bad[] = {"",
                                      "night",
                                      "22-7",
                                      "22:00",
                                      "22:00-7:00",
                                      "24:00-07:00",
                                      "22:60-07:00",
                                      "22:00-07:00 ",
                                      "22:00_07:00",
                                      "22:00-07:0a",
                                      "2a:00-07:00",
                                      "22:00-22:00"};
    struct quiet             q;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};

        if (quiet_parse(view_str(bad[i]), &q, &e) != E_BAD_REQUEST) fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(e.msg, "22:00-07:00"));
    }
}

static void
they_end_on_the_same_or_on_the_next_day(void **state)
{
    const struct quiet day = hours("09:00-17:00"), night = hours("22:00-07:00");
    const struct tz    utc = {0};

    (void)state;
    assert_int_equal(quiet_end(&day, &utc, at(2027, 1, 1, 8, 59)), at(2027, 1, 1, 8, 59));
    assert_int_equal(quiet_end(&day, &utc, at(2027, 1, 1, 9, 0)), at(2027, 1, 1, 17, 0));
    assert_int_equal(quiet_end(&day, &utc, at(2027, 1, 1, 17, 0) - 1), at(2027, 1, 1, 17, 0));
    assert_int_equal(quiet_end(&day, &utc, at(2027, 1, 1, 17, 0)), at(2027, 1, 1, 17, 0));
    assert_int_equal(quiet_end(&night, &utc, at(2027, 1, 1, 21, 59)), at(2027, 1, 1, 21, 59));
    assert_int_equal(quiet_end(&night, &utc, at(2027, 1, 1, 22, 0)), at(2027, 1, 2, 7, 0));
    assert_int_equal(quiet_end(&night, &utc, at(2027, 1, 2, 6, 59)), at(2027, 1, 2, 7, 0));
    assert_int_equal(quiet_end(&night, &utc, at(1969, 12, 31, 23, 0)), at(1970, 1, 1, 7, 0));
}

static void
they_are_local_and_follow_summer_time(void **state)
{
    const struct quiet night = hours("22:00-07:00"), gap = hours("01:00-02:30"),
                       fold = hours("23:00-02:30");
    struct buf b BUF_AUTO = {0};
    struct tz    berlin;

    (void)state;
    load("Europe/Berlin", &b, &berlin);
    /* An hour shorter in the night to 28 March 2027, an hour longer in that to 31 October. */
    assert_int_equal(quiet_end(&night, &berlin, at(2027, 3, 27, 21, 0)), at(2027, 3, 28, 5, 0));
    assert_int_equal(quiet_end(&night, &berlin, at(2027, 10, 30, 20, 0)), at(2027, 10, 31, 6, 0));
    /* 02:30 does not exist: 03:00 is behind them. */
    assert_int_equal(quiet_end(&gap, &berlin, at(2027, 3, 28, 0, 30)), at(2027, 3, 28, 1, 0));
    /* 02:30 comes twice, and the hour before it is quiet again. */
    assert_int_equal(quiet_end(&fold, &berlin, at(2027, 10, 30, 22, 0)), at(2027, 10, 31, 0, 30));
    assert_int_equal(quiet_end(&fold, &berlin, at(2027, 10, 31, 1, 10)), at(2027, 10, 31, 1, 30));
}

/* For every hour of two years: it ends outside of them, never earlier for a later instant, and the
 * bound is the inverse. */
static void
the_bound_is_the_first_instant_that_is_put_off_so_far(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                                        "Africa/Casablanca"};
    static const char *const texts[] = {"22:00-07:00", "01:30-02:15", "00:00-23:59"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(zones) * ARRAY_LEN(texts); i++) {
        const struct quiet q = hours(texts[i % ARRAY_LEN(texts)]);
        struct buf b       BUF_AUTO = {0};
        struct tz          z;
        int64_t            before = 0;

        load(zones[i / ARRAY_LEN(texts)], &b, &z);
        for (int64_t t = at(2027, 1, 1, 0, 0); t < at(2029, 1, 1, 0, 0); t += 47 * MINUTE_MS) {
            int64_t end = quiet_end(&q, &z, t), bound = quiet_bound(&q, &z, t);

            assert_true(end >= t && end >= before);
            assert_int_equal(quiet_end(&q, &z, end), end);
            assert_true(bound <= t);
            assert_true(quiet_end(&q, &z, bound) >= t);
            assert_true(quiet_end(&q, &z, bound - 1) < t);
            before = end;
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_read),
        cmocka_unit_test(what_are_no_hours_is_refused_with_what_is_allowed),
        cmocka_unit_test(they_end_on_the_same_or_on_the_next_day),
        cmocka_unit_test(they_are_local_and_follow_summer_time),
        cmocka_unit_test(the_bound_is_the_first_instant_that_is_put_off_so_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
