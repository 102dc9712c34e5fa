#include "common/timetext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW_MS     INT64_C(1795251600000) /* 2026-11-21T09:00:00Z */
#define HUNDRED_MS (INT64_C(36525) * 86400000)

static void
durations_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t     ms;
    } cases[] = {
        {"90s",             90000     },
        {"5m",              300000    },
        {"2h",              7200000   },
        {"1d",              86400000  },
        {"250ms",           250       },
        {"1h30m",           5400000   },
        {"1.5",             1500      },
        {"0",               0         },
        {"0s",              0         },
        {"30",              30000     },
        {"1.5h",            5400000   },
        {"0.001",           1         },
        {"1d2h3m4s5ms",     93784005  },
        {"36525d",          HUNDRED_MS},
        {"3155760000000ms", HUNDRED_MS},
        {"3155760000",      HUNDRED_MS},
        {"007s",            7000      },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t    ms = -1;
        struct err e = {0};

        if (duration_parse(view_str(cases[i].text), &ms, &e))
            fail_msg("%s: %s", cases[i].text, e.msg);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void
bad_durations_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"",                                "it is empty"             },
        {"h",                               "expected a number"       },
        {"-5s",                             "expected a number"       },
        {"+5s",                             "expected a number"       },
        {" 5s",                             "expected a number"       },
        {".5",                              "expected a number"       },
        {"5.",                              "expected a number"       },
        {"1.2.3",                           "the units are"           },
        {"1.0001",                          "at most 3 decimals"      },
        {"5x",                              "the units are"           },
        {"5S",                              "the units are"           },
        {"5s ",                             "expected a number"       },
        {"1h30",                            "the units are"           },
        {"1m1h",                            "from large to small"     },
        {"1s1s",                            "from large to small"     },
        {"0.5ms",                           "finer than a millisecond"},
        {"36525d1ms",                       "over 100 years"          },
        {"36526d",                          "over 100 years"          },
        {"3155760001",                      "over 100 years"          },
        {"3155760000001ms",                 "over 100 years"          },
        {"99999999999999999999999999ms",    "over 100 years"          },
        {"99999999999999999999999999.999d", "over 100 years"          },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t    ms = 77;
        struct err e = {0};

        assert_int_equal(duration_parse(view_str(cases[i].text), &ms, &e), E_BAD_REQUEST);
        if (!strstr(e.msg, cases[i].reason)) fail_msg("\"%s\": %s", cases[i].text, e.msg);
        assert_int_equal(ms, 77);
    }
    assert_int_equal(duration_parse(view_of("5\0s", 3), &(int64_t){0}, &(struct err){0}),
                     E_BAD_REQUEST);
}

static void
instants_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t     at_ms;
    } cases[] = {
        {"now",                         NOW_MS          },
        {"+10m",                        NOW_MS + 600000 },
        {"-10m",                        NOW_MS - 600000 },
        {"-1h30m",                      NOW_MS - 5400000},
        {"+0",                          NOW_MS          },
        {"+1.5",                        NOW_MS + 1500   },
        {"2026-11-21T09:00:00Z",        NOW_MS          },
        {"2026-11-21t09:00:00z",        NOW_MS          },
        {"2026-11-21 09:00:00Z",        NOW_MS          },
        {"2026-11-21T10:30:00+01:30",   NOW_MS          },
        {"2026-11-20T23:00:00-10:00",   NOW_MS          },
        {"2026-11-21T09:00:00.5Z",      NOW_MS + 500    },
        {"2026-11-21T09:00:00.123999Z", NOW_MS + 123    },
        {"1970-01-01T00:00:00Z",        0               },
        {"2024-02-29T23:59:59.999Z",    1709251199999   },
        {"9999-12-31T23:59:59Z",        253402300799000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t    at_ms = -1;
        struct err e = {0};

        if (instant_parse(view_str(cases[i].text), NOW_MS, &at_ms, &e)) {
            fail_msg("%s: %s", cases[i].text, e.msg);
        }
        assert_int_equal(at_ms, cases[i].at_ms);
    }
}

static void
bad_instants_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "Now",
                                      "10m",
                                      "+",
                                      "+x",
                                      "+-1",
                                      "-",
                                      "-x",
                                      "--1",
                                      "-99y",
                                      "-36500d",
                                      "2026-11-21",
                                      "2026-11-21T09:00Z",
                                      "2026-11-21T09:00:00",
                                      "2026-11-21T09:00:00 Z",
                                      "2026-11-21T09:00:00Zx",
                                      "2026-11-21T09:00:00.Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T09:60:00Z",
                                      "2026-12-31T23:59:60Z",
                                      "2026-11-21T09:00:00+24:00",
                                      "2026-11-21T09:00:00+01:60",
                                      "2026-11-21T09:00:00+0100",
                                      "2026-11-21T09:00:00+1:00",
                                      "26-11-21T09:00:00Z",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:00:00+00:01",
                                      "2026-11-21T9:00:00Z",
                                      " 2026-11-21T09:00:00Z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t    at_ms = 77;
        struct err e = {0};

        if (!instant_parse(view_str(bad[i]), NOW_MS, &at_ms, &e))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e.code, E_BAD_REQUEST);
        assert_true(strlen(e.msg) > 0);
        assert_int_equal(at_ms, 77);
    }
}

static void
instants_are_those_of_libc(void **state)
{
    char text[64];

    (void)state;
    for (int64_t t = 0; t < INT64_C(8000) * 86400 * 365; t += 86400 * 9 + 12345) {
        int64_t    at_ms;
        struct tm  tm;
        struct err e;

        gmtime_r(&t, &tm);
        if (tm.tm_year + 1900 > 9999) break;
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_int_equal(instant_parse(view_str(text), 0, &at_ms, &e), E_OK);
        assert_true(at_ms == t * 1000);
    }
}

static void
durations_are_written_in_the_shortest_exact_form(void **state)
{
    static const struct {
        int64_t     ms;
        const char *text;
    } cases[] = {
        {0,          "0s"                         },
        {250,        "250ms"                      },
        {1000,       "1s"                         },
        {90000,      "1m30s"                      },
        {5400000,    "1h30m"                      },
        {86400000,   "1d"                         },
        {93784005,   "1d2h3m4s5ms"                },
        {HUNDRED_MS, "36525d"                     },
        {-1500,      "-1s500ms"                   },
        {INT64_MIN,  "-106751991167d7h12m55s808ms"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(duration_text(cases[i].ms, text, sizeof(text)), cases[i].text);
}

static void
instants_are_written_for_people(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(instant_text(0, text, sizeof(text)), "-");
    assert_string_equal(instant_text(NOW_MS, text, sizeof(text)), "2026-11-21 09:00:00.000Z");
    assert_string_equal(instant_text(1, text, sizeof(text)), "1970-01-01 00:00:00.001Z");
    assert_string_equal(instant_text(-1, text, sizeof(text)), "1969-12-31 23:59:59.999Z");
    assert_string_equal(instant_text(INT64_MAX, text, sizeof(text)),
                        "292278994-08-17 07:12:55.807Z");
    assert_string_equal(instant_text(INT64_MIN, text, sizeof(text)),
                        "-292275055-05-16 16:47:04.192Z");
}

static void
what_is_written_reads_back(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char       text[32];
        int64_t    back;
        struct err e;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t ms = (int64_t)((seed >> 20) % (uint64_t)HUNDRED_MS) >> (seed >> 8 & 31);
        (void)duration_text(ms, text, sizeof(text));
        assert_int_equal(duration_parse(view_str(text), &back, &e), E_OK);
        assert_true(back == ms);
        (void)instant_text(ms + 1, text, sizeof(text));
        assert_int_equal(instant_parse(view_str(text), NOW_MS, &back, &e), E_OK);
        assert_true(back == ms + 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(bad_durations_are_refused_with_the_reason),
        cmocka_unit_test(instants_are_read),
        cmocka_unit_test(bad_instants_are_refused),
        cmocka_unit_test(instants_are_those_of_libc),
        cmocka_unit_test(durations_are_written_in_the_shortest_exact_form),
        cmocka_unit_test(instants_are_written_for_people),
        cmocka_unit_test(what_is_written_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
