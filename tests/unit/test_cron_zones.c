#include "common/cron.h"

#include "common/timetext.h"
#include "common/tzfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct zone_case {
    const char *zone;
    const char *text;
    const char *after; /* UTC */
    const char *next;  /* the firings behind it, UTC to the second, a comma between them */
};

static void
check(const struct zone_case *wanted)
{
    struct buf bytes BUF_AUTO = {0}, got BUF_AUTO = {0};
    struct tz   zone;
    struct cron c;
    struct err  e = {0};
    int64_t     after;
    size_t      commas = 0;

    if (!tzfile_read(tzfile_folder(), view_str(wanted->zone), &bytes)) skip();
    assert_int_equal(tz_parse(buf_view(&bytes), &zone, &e), E_OK);
    if (cron_parse(view_str(wanted->text), &c, &e)) fail_msg("%s: %s", wanted->text, e.msg);
    assert_int_equal(instant_parse(view_str(wanted->after), 0, &after, &e), E_OK);
    for (const char *p = wanted->next; *p; p++)
        commas += *p == ',';
    for (size_t i = 0; i <= commas; i++) {
        char text[32];

        after = cron_next(&c, &zone, 0, after);
        instant_text(after, text, sizeof(text));
        buf_printf(&got, "%s%.19s", i ? "," : "", text);
    }
    if (strcmp(buf_str(&got), wanted->next) != 0) {
        fail_msg("\"%s\" in %s: %s, not %s", wanted->text, wanted->zone, buf_str(&got),
                 wanted->next);
    }
}

#define CHECK_ALL(cases)                               \
    for (size_t i_ = 0; i_ < ARRAY_LEN(cases); i_++) { \
        check(&(cases)[i_]);                           \
    }

static void
fixed_times_are_local(void **state)
{
    static const struct zone_case cases[] = {
        {"Asia/Kathmandu",   "0 9 * * *",     "2026-03-01T00:00:00Z",
         "2026-03-01 03:15:00,2026-03-02 03:15:00"                    },
        {"America/New_York", "0 9 * * mon",   "2026-03-01T00:00:00Z",
         "2026-03-02 14:00:00,2026-03-09 13:00:00"                    },
        {"Asia/Almaty",      "0 9 L * *",     "2024-01-31T00:00:00Z",
         "2024-01-31 03:00:00,2024-02-29 03:00:00,2024-03-31 04:00:00"},
        {"America/Asuncion", "0 9 1 10,11 *", "2023-01-01T00:00:00Z",
         "2023-10-01 12:00:00,2023-11-01 12:00:00,2024-10-01 13:00:00"},
    };

    (void)state;
    CHECK_ALL(cases);
}

static void
a_fixed_time_of_a_gap_fires_once_behind_it(void **state)
{
    static const struct zone_case cases[] = {
        {"America/New_York",    "30 2 * * *",        "2026-03-07T12:00:00Z",
         "2026-03-08 07:00:00,2026-03-09 06:30:00"                    },
        {"America/New_York",    "0,15,30 2,3 * * *", "2026-03-08T06:59:59Z",
         "2026-03-08 07:00:00,2026-03-08 07:15:00"                    },
        {"America/New_York",    "*/20 10 2 8 3 *",   "2026-03-01T00:00:00Z",
         "2026-03-08 07:00:00,2027-03-08 07:10:00"                    },
        {"Australia/Lord_Howe", "10 2 * * *",        "2026-10-03T12:00:00Z",
         "2026-10-03 15:30:00,2026-10-04 15:10:00"                    },
        {"Europe/Dublin",       "30 1 * * *",        "2026-03-28T12:00:00Z",
         "2026-03-29 01:00:00,2026-03-30 00:30:00"                    },
        {"Africa/Casablanca",   "30 2 * * *",        "2026-03-21T12:00:00Z",
         "2026-03-22 02:00:00,2026-03-23 01:30:00"                    },
        {"Pacific/Apia",        "0 9,17 30,31 12 *", "2011-12-01T00:00:00Z",
         "2011-12-30 10:00:00,2011-12-30 19:00:00,2011-12-31 03:00:00"},
    };

    (void)state;
    CHECK_ALL(cases);
}

static void
a_fixed_time_that_comes_twice_fires_the_first_time(void **state)
{
    static const struct zone_case cases[] = {
        {"America/New_York",    "30 1 * * *",   "2026-10-31T12:00:00Z",
         "2026-11-01 05:30:00,2026-11-02 06:30:00"                                           },
        {"America/New_York",    "30 1 * * *",   "2026-11-01T06:10:00Z", "2026-11-02 06:30:00"},
        {"America/New_York",    "0 1,2 1 11 *", "2026-11-01T05:00:00Z", "2026-11-01 07:00:00"},
        {"Australia/Lord_Howe", "45 1 * * *",   "2026-04-04T12:00:00Z",
         "2026-04-04 14:45:00,2026-04-05 15:15:00"                                           },
        {"Africa/Casablanca",   "30 2 * * *",   "2026-02-14T12:00:00Z",
         "2026-02-15 01:30:00,2026-02-16 02:30:00"                                           },
    };

    (void)state;
    CHECK_ALL(cases);
}

static void
wildcards_follow_elapsed_time(void **state)
{
    static const struct zone_case cases[] = {
        {"America/New_York",    "*/30 * * * *", "2026-11-01T05:00:00Z",
         "2026-11-01 05:30:00,2026-11-01 06:00:00,2026-11-01 06:30:00,2026-11-01 07:00:00"   },
        {"America/New_York",    "30 * * * *",   "2026-03-08T06:00:00Z",
         "2026-03-08 06:30:00,2026-03-08 07:30:00"                                           },
        {"America/New_York",    "* 2 8 3 *",    "2026-03-01T00:00:00Z", "2027-03-08 07:00:00"},
        {"Australia/Lord_Howe", "0 * * * *",    "2026-04-04T14:00:00Z", "2026-04-04 15:30:00"},
    };

    (void)state;
    CHECK_ALL(cases);
}

static void
intervals_count_from_their_anchor(void **state)
{
    struct cron c;
    struct err  e = {0};

    (void)state;
    assert_int_equal(cron_parse(view_str("every 90s"), &c, &e), E_OK);
    assert_true(cron_next(&c, &(struct tz){0}, 1000, 0) == 91000);
    assert_true(cron_next(&c, &(struct tz){0}, 1000, 1000) == 91000);
    assert_true(cron_next(&c, &(struct tz){0}, 1000, 91000) == 181000);
    assert_true(cron_next(&c, &(struct tz){0}, 1000, 90999) == 91000);
}

/* A wildcard within a gap that comes each year, dates that are none, and what no clock decides. */
static void
never_is_an_answer(void **state)
{
    static const char *const texts[] = {"0 0 30 2 *",   "* * 30 2 *",    "0 0 0 31 4,6 ?",
                                        "@reboot",      "* 2 ? 3 sun#2", "0 0 L-30 2 *",
                                        "0 0 31W 2,4 *"};
    struct buf bytes         BUF_AUTO = {0};
    struct tz                zone;
    struct err               e = {0};

    (void)state;
    if (!tzfile_read(tzfile_folder(), view_str("America/New_York"), &bytes)) skip();
    assert_int_equal(tz_parse(buf_view(&bytes), &zone, &e), E_OK);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct cron c;

        assert_int_equal(cron_parse(view_str(texts[i]), &c, &e), E_OK);
        if (cron_next(&c, &zone, 0, INT64_C(1795280188126)) != -1) fail_msg("%s", texts[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_times_are_local),
        cmocka_unit_test(a_fixed_time_of_a_gap_fires_once_behind_it),
        cmocka_unit_test(a_fixed_time_that_comes_twice_fires_the_first_time),
        cmocka_unit_test(wildcards_follow_elapsed_time),
        cmocka_unit_test(intervals_count_from_their_anchor),
        cmocka_unit_test(never_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
