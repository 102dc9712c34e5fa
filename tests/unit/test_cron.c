#include "common/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 11;
}

static const struct tz utc;

static struct cron
parsed(const char *text)
{
    struct cron c = {0};
    struct err  e = {0};

    if (cron_parse(view_str(text), &c, &e)) fail_msg("\"%s\": %s", text, e.msg);
    return c;
}

static bool
same(const struct cron *a, const struct cron *b)
{
    return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours &&
           a->days == b->days && a->months == b->months && a->weekdays == b->weekdays &&
           a->day_star == b->day_star && a->weekday_star == b->weekday_star;
}

static void
fields_become_bits(void **state)
{
    struct cron c = parsed("0,30-32 */6 1,31 jan,Mar-MAY,12 0,fri");

    (void)state;
    assert_true(c.minutes == (1 | UINT64_C(7) << 30));
    assert_int_equal(c.hours, 1 | 1 << 6 | 1 << 12 | 1 << 18);
    assert_true(c.days == (1u << 1 | 1u << 31));
    assert_int_equal(c.months, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 12);
    assert_int_equal(c.weekdays, 1 | 1 << 5);
    assert_false(c.day_star);
    assert_false(c.weekday_star);
    c = parsed("59 23 */2 * 5-7");
    assert_true(c.minutes == UINT64_C(1) << 59);
    assert_int_equal(c.hours, 1 << 23);
    assert_true(c.days == 0xaaaaaaaau);
    assert_int_equal(c.months, 0x1ffe);
    assert_int_equal(c.weekdays, 1 | 1 << 5 | 1 << 6);
    assert_true(c.day_star);
    assert_false(c.weekday_star);
    c = parsed("* * * * *");
    assert_true(c.minutes == (UINT64_C(1) << 60) - 1);
    assert_int_equal(c.hours, (1 << 24) - 1);
    assert_true(c.days == 0xfffffffeu);
    assert_int_equal(c.weekdays, 0x7f);
    assert_true(c.day_star && c.weekday_star);
}

static void
days_may_be_last_nearest_or_nth(void **state)
{
    struct cron c = parsed("10,20 0 0 L,l-3,15W,LW,L-2w * friL,0L,fri#2,7#5,mon");

    (void)state;
    assert_true(c.seconds == (1 << 10 | 1 << 20));
    assert_true(c.minutes == 1 && c.hours == 1);
    assert_int_equal(c.days, 0);
    assert_int_equal(c.last_days, 1 | 1 << 3);
    assert_int_equal(c.near_days, 1 << 15);
    assert_int_equal(c.near_last, 1 | 1 << 2);
    assert_int_equal(c.weekdays, 1 << 1);
    assert_int_equal(c.last_weekdays, 1 | 1 << 5);
    assert_int_equal(c.nth[1], 1 << 5);
    assert_int_equal(c.nth[4], 1);
    assert_false(c.day_star || c.weekday_star || c.is_wildcard);
    c = parsed("* 1 ? * ?");
    assert_true(c.days == 0xfffffffeu && c.weekdays == 0x7f);
    assert_true(c.day_star && c.weekday_star && c.is_wildcard);
    assert_true(parsed("1 */2 * * *").is_wildcard);
    assert_false(parsed("* 0-59 0-23 * * *").is_wildcard);
    assert_true(parsed("every 90s").kind == CRON_EVERY);
    assert_true(parsed(" every\t1h30m ").every_ms == 5400000);
    assert_true(parsed("@reboot ").kind == CRON_REBOOT);
}

static void
steps_begin_at_the_range(void **state)
{
    struct cron c = parsed("5-20/5 1-2/9 */40 * *");

    (void)state;
    assert_true(c.minutes == (1 << 5 | 1 << 10 | 1 << 15 | 1 << 20));
    assert_int_equal(c.hours, 1 << 1);
    assert_int_equal(c.days, 1 << 1);
}

static void
macros_and_blanks_mean_their_expressions(void **state)
{
    static const char *const pairs[][2] = {
        {"@hourly",         "0 * * * *"    },
        {"@daily",          "0 0 * * *"    },
        {"@midnight",       "0 0 * * *"    },
        {"@weekly",         "0 0 * * 0"    },
        {"@monthly",        "0 0 1 * *"    },
        {"@yearly",         "0 0 1 1 *"    },
        {" @annually\t",    "0 0 1 1 *"    },
        {"\t 1  2\t3 4 7 ", "1 2 3 apr sun"}
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct cron a = parsed(pairs[i][0]);
        struct cron b = parsed(pairs[i][1]);
        assert_true(same(&a, &b));
    }
}

static const struct {
    const char *text;
    const char *message;
} bad_expressions[] = {
    {"",                             "minute: column 1: the field is missing"                       },
    {"  ",                           "minute: column 3: the field is missing"                       },
    {"* * * *",                      "day of week: column 8: the field is missing"                  },
    {"* *  ",                        "day of month: column 6: the field is missing"                 },
    {"60 * * * *",                   "minute: column 1: not within 0 to 59"                         },
    {"0 1,24 * * *",                 "hour: column 5: not within 0 to 23"                           },
    {"0 0 0 * *",                    "day of month: column 5: not within 1 to 31"                   },
    {"0 0 32 * *",                   "day of month: column 5: not within 1 to 31"                   },
    {"0 0 * 13 *",                   "month: column 7: not within 1 to 12"                          },
    {"0 0 * * 8",                    "day of week: column 9: not within 0 to 7"                     },
    {"0 0 * * 99999999999999999999", "day of week: column 9: not within 0 to 7"                     },
    {"0 0 * foo *",                  "month: column 7: expected a number or a name of three letters"},
    {"0 0 * january *",              "month: column 7: expected a number or a name"                 },
    {"0 0 * * mo",                   "day of week: column 9: expected a number or a name"           },
    {"mon * * * *",                  "minute: column 1: expected a number"                          },
    {"5-1 * * * *",                  "minute: column 1: the range ends before it begins"            },
    {"* * * * fri-sun",              "day of week: column 9: the range ends before it begins"       },
    {"1- * * * *",                   "minute: column 3: expected a number"                          },
    {"-1 * * * *",                   "minute: column 1: expected a number"                          },
    {"1,, * * * *",                  "minute: column 3: expected a number"                          },
    {", * * * *",                    "minute: column 1: expected a number"                          },
    {"*/0 * * * *",                  "minute: column 3: expected a step of 1 or more"               },
    {"*/ * * * *",                   "minute: column 3: expected a step of 1 or more"               },
    {"*/x * * * *",                  "minute: column 3: expected a step of 1 or more"               },
    {"5/15 * * * *",                 "minute: column 2: a step needs a range"                       },
    {"*5 * * * *",                   "minute: column 2: an unexpected character"                    },
    {"*-5 * * * *",                  "minute: column 2: an unexpected character"                    },
    {"1-2-3 * * * *",                "minute: column 4: an unexpected character"                    },
    {"? 0 * * *",                    "minute: column 1: expected a number"                          },
    {"0 0 ?,3 * *",                  "day of month: column 6: an unexpected character"              },
    {"0 0 3,? * *",                  "day of month: column 7: expected a number"                    },
    {"0 0 ?/2 * *",                  "day of month: column 6: an unexpected character"              },
    {"60 * * * * *",                 "second: column 1: not within 0 to 59"                         },
    {"0 60 * * * *",                 "minute: column 3: not within 0 to 59"                         },
    {"0 0 L-0 * *",                  "day of month: column 7: expected how many days before"        },
    {"0 0 L-31 * *",                 "day of month: column 7: expected how many days before"        },
    {"0 0 L5 * *",                   "day of month: column 6: an unexpected character"              },
    {"0 0 32W * *",                  "day of month: column 5: not within 1 to 31"                   },
    {"0 0 W * *",                    "day of month: column 5: expected a number"                    },
    {"0 0 1-15W * *",                "day of month: column 9: an unexpected character"              },
    {"0 0 * * L",                    "day of week: column 9: expected a number or a name"           },
    {"0 0 * * fri#0",                "day of week: column 13: expected which one of the month"      },
    {"0 0 * * fri#6",                "day of week: column 13: expected which one of the month"      },
    {"0 0 * * fri#",                 "day of week: column 13: expected which one of the month"      },
    {"0 0 * * fri#2-5",              "day of week: column 14: an unexpected character"              },
    {"0 0 * janL *",                 "month: column 7: expected a number or a name"                 },
    {"0 0 5L * *",                   "day of month: column 6: an unexpected character"              },
    {"0 0 * * 15W",                  "day of week: column 9: not within 0 to 7"                     },
    {"every",                        "minute: column 1: expected a number"                          },
    {"every  x",                     "every: column 8: "                                            },
    {"every 10ms",                   "every: column 7: less than one second"                        },
    {"0 0 * * *\n",                  "day of week: column 10: an unexpected character"              },
    {"* * * * * x",                  "day of week: column 11: expected a number or a name"          },
    {"* * * * * * *",                "column 13: more than six fields"                              },
    {"@rebooted",                    "column 1: not one of @hourly"                                 },
    {"@",                            "column 1: not one of @hourly"                                 },
    {"@daily x",                     "column 1: not one of @hourly"                                 },
};

static void
bad_expressions_name_field_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_expressions); i++) {
        struct cron c = {.minutes = 77};
        struct err  e = {0};

        assert_int_equal(cron_parse(view_str(bad_expressions[i].text), &c, &e), E_BAD_REQUEST);
        if (strncmp(e.msg, bad_expressions[i].message, strlen(bad_expressions[i].message)) != 0) {
            fail_msg("\"%s\": \"%s\", not \"%s\"", bad_expressions[i].text, e.msg,
                     bad_expressions[i].message);
        }
        assert_true(c.minutes == 77);
    }
    assert_int_equal(cron_parse(view_of("* * * * *\0", 10), &(struct cron){0}, &(struct err){0}),
                     E_BAD_REQUEST);
    assert_int_equal(cron_parse(view_of(NULL, 0), &(struct cron){0}, &(struct err){0}),
                     E_BAD_REQUEST);
}

/* The oracle: libc's calendar and Vixie's rule, minute by minute. */
static bool
matches(const struct cron *c, int64_t at_ms)
{
    time_t    t = at_ms / 1000;
    struct tm tm;

    gmtime_r(&t, &tm);
    bool day = c->days >> tm.tm_mday & 1;
    bool weekday = c->weekdays >> tm.tm_wday & 1;
    bool date = c->day_star || c->weekday_star ? day && weekday : day || weekday;
    return date && c->minutes >> tm.tm_min & 1 && c->hours >> tm.tm_hour & 1 &&
           c->months >> (tm.tm_mon + 1) & 1;
}

/* A field's text of the random choice, with the bits that it must have. */
static uint64_t
random_field(uint64_t *seed, int min, int max, char *text, size_t size)
{
    uint64_t bits = 0;
    size_t   n = 0;
    int      items = 1 + (int)(next_random(seed) % 3);

    for (int i = 0; i < items; i++) {
        int  kind = (int)(next_random(seed) % 5);
        int  span = max - min + 1;
        int  low = min + (int)(next_random(seed) % (uint64_t)span);
        int  high = low + (int)(next_random(seed) % (uint64_t)(max - low + 1));
        int  step = 1 + (int)(next_random(seed) % 12);
        bool is_stepped = kind == 2 || kind == 4;

        if (kind <= 1) high = low;
        if (kind == 4) {
            low = min;
            high = max;
        }
        n += (size_t)snprintf(text + n, size - n, "%s", i ? "," : "");
        if (kind == 4) {
            n += (size_t)snprintf(text + n, size - n, "*");
        } else {
            n += (size_t)snprintf(text + n, size - n, "%d", low);
            if (kind > 1) n += (size_t)snprintf(text + n, size - n, "-%d", high);
        }
        if (is_stepped) n += (size_t)snprintf(text + n, size - n, "/%d", step);
        for (int v = low; v <= high; v += is_stepped ? step : 1)
            bits |= UINT64_C(1) << v;
    }
    return bits;
}

static struct cron
random_cron(uint64_t *seed)
{
    char        f[5][64];
    char        text[400];
    struct cron c = {
        .seconds = 1,
        .minutes = random_field(seed, 0, 59, f[0], sizeof(f[0])),
        .hours = (uint32_t)random_field(seed, 0, 23, f[1], sizeof(f[1])),
        .days = (uint32_t)random_field(seed, 1, 31, f[2], sizeof(f[2])),
        .months = (uint16_t)random_field(seed, 1, 12, f[3], sizeof(f[3])),
        .weekdays = (uint8_t)random_field(seed, 0, 6, f[4], sizeof(f[4])),
    };

    if (next_random(seed) % 3 == 0) {
        strcpy(f[2], "*");
        c.days = 0xfffffffeu;
    }
    if (next_random(seed) % 3 == 0) {
        strcpy(f[4], "*");
        c.weekdays = 0x7f;
    }
    if (next_random(seed) % 2 == 0) {
        strcpy(f[3], "*");
        c.months = 0x1ffe;
    }
    c.day_star = f[2][0] == '*';
    c.weekday_star = f[4][0] == '*';
    snprintf(text, sizeof(text), "%s %s %s %s %s", f[0], f[1], f[2], f[3], f[4]);
    struct cron got = parsed(text);
    if (!same(&got, &c)) fail_msg("\"%s\" was misread", text);
    return c;
}

static void
next_is_what_a_walk_over_minutes_finds(void **state)
{
    const int64_t walk_ms = 40 * DAY_MS;
    uint64_t      seed = 4711;
    int           found = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        struct cron c = random_cron(&seed);
        int64_t     after = (int64_t)(next_random(&seed) % (uint64_t)(INT64_C(47482) * DAY_MS));
        int64_t     at = after - after % MINUTE_MS + MINUTE_MS;

        if (round % 2) after -= after % MINUTE_MS;
        while (at < after + walk_ms && !matches(&c, at))
            at += MINUTE_MS;
        int64_t got = cron_next(&c, &utc, 0, after);
        if (at < after + walk_ms) {
            assert_true(got == at);
            found++;
        } else {
            assert_true(got >= at || got == -1);
        }
    }
    assert_true(found > 200);
}

/* Expressions that seldom fire, by days, over more than a cycle of the calendar. */
static void
next_of_rare_dates_is_what_a_walk_over_days_finds(void **state)
{
    static const char *const texts[] = {"0 0 29 2 *",     "0 0 31 4 *",     "0 0 30 2 */1",
                                        "0 0 */28 2 1",   "0 0 29 feb */6", "0 0 31 */2 *",
                                        "0 0 */31 2,4 *", "0 0 1 1 */7"};
    const int64_t            starts[] = {0, 951782400000 /* 2000-02-29 */, 4107542399999, -DAY_MS,
                                         -70 * 365 * DAY_MS - 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct cron c = parsed(texts[i]);

        for (size_t s = 0; s < ARRAY_LEN(starts); s++) {
            int64_t end = starts[s] + 401 * 366 * DAY_MS;
            int64_t at = starts[s] / DAY_MS * DAY_MS - DAY_MS;

            while (at < end && (at <= starts[s] || !matches(&c, at)))
                at += DAY_MS;
            assert_true(cron_next(&c, &utc, 0, starts[s]) == (at < end ? at : -1));
        }
    }
}

static void
next_is_strictly_after(void **state)
{
    struct cron c = parsed("* * * * *");

    (void)state;
    assert_true(cron_next(&c, &utc, 0, 0) == MINUTE_MS);
    assert_true(cron_next(&c, &utc, 0, -1) == 0);
    assert_true(cron_next(&c, &utc, 0, -MINUTE_MS) == 0);
    assert_true(cron_next(&c, &utc, 0, MINUTE_MS - 1) == MINUTE_MS);
    assert_true(cron_next(&c, &utc, 0, MINUTE_MS) == 2 * MINUTE_MS);
}

static void
ends_of_int64_do_no_harm(void **state)
{
    struct cron c = parsed("* * * * *");

    (void)state;
    assert_true(cron_next(&c, &utc, 0, INT64_MAX) == -1);
    int64_t first = cron_next(&c, &utc, 0, INT64_MIN);
    assert_true(first > INT64_MIN && first <= INT64_MIN + MINUTE_MS);
}

static void
words_say_what_it_means(void **state)
{
    static const char *const cases[][2] = {
        {"* * * * *",             "every minute"                                                      },
        {"0 * * * 1",             "at minute 0 of every hour on Monday"                               },
        {"@daily",                "at 00:00 every day"                                                },
        {"@weekly",               "at 00:00 on Sunday"                                                },
        {"@monthly",              "at 00:00 on day 1 of the month"                                    },
        {"@yearly",               "at 00:00 on day 1 of the month in January"                         },
        {"*/15 9-17 * * mon-fri", "every 15 minutes of hours 9 to 17 on Monday to Friday"             },
        {"*/5 * * * *",           "every 5 minutes"                                                   },
        {"*/25 * * * *",          "at minutes 0, 25 and 50 of every hour"                             },
        {"* 3 * * *",             "every minute of hour 3"                                            },
        {"5,7-9 * * * *",         "at minutes 5 and 7 to 9 of every hour"                             },
        {"30 9,13,17 * * *",      "at 09:30, 13:30 and 17:30 every day"                               },
        {"7 */4 * * *",           "at minute 7 of hours 0, 4, 8, 12, 16 and 20"                       },
        {"0 9 1,15 * fri",        "at 09:00 on days 1 and 15 of the month or on Friday"               },
        {"0 9 */10 * 1-5",
         "at 09:00 on days 1, 11, 21 and 31 of the month if it is Monday to Friday"                   },
        {"0 9 1-31 * fri",        "at 09:00 every day"                                                },
        {"0 9 13 * 0-6",          "at 09:00 every day"                                                },
        {"0 9 * * 0,6",           "at 09:00 on Saturday and Sunday"                                   },
        {"0 9 * jan,mar-jun 5-7", "at 09:00 on Friday to Sunday in January and March to June"         },
        {"15 30 2 * * *",         "at 02:30:15 every day"                                             },
        {"0 30 2 * * *",          "at 02:30 every day"                                                },
        {"* * * * * *",           "every second"                                                      },
        {"*/10 * * * * *",        "every 10 seconds"                                                  },
        {"5,7 * * * * *",         "at seconds 5 and 7 of every minute"                                },
        {"30 */5 * * * *",        "at second 30, every 5 minutes"                                     },
        {"*/20 30 2 * * *",       "every 20 seconds, at minute 30 of hour 2"                          },
        {"0 9 L * ?",             "at 09:00 on the last day of the month"                             },
        {"0 9 1,L-3 * *",
         "at 09:00 on day 1 of the month and on the day 3 before the last one of the month"           },
        {"0 9 15W,LW * *",
         "at 09:00 on the weekday nearest to day 15 of the month and on the last weekday of the "
         "month"                                                                                      },
        {"0 9 ? * fri#2",         "at 09:00 on the second Friday of the month"                        },
        {"0 9 * * mon,5L",        "at 09:00 on Monday and on the last Friday of the month"            },
        {"0 9 13 * sunL",         "at 09:00 on day 13 of the month or on the last Sunday of the month"},
        {"every  90s",            "every 1m30s"                                                       },
        {"@reboot",               "once after each boot of the machine"                               },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        BUF_AUTO struct buf words = {0};
        struct cron         c = parsed(cases[i][0]);

        cron_words(&c, &words);
        assert_string_equal(buf_str(&words), cases[i][1]);
    }
}

static void
a_fixed_minute_may_be_another_one(void **state)
{
    static const struct {
        const char *text;
        int         minute;
        const char *with_7;
    } cases[] = {
        {"0 9 * * *",            0,  "7 9 * * *"     },
        {"  59\t9-17 * *  mon ", 59, "7 9-17 * * mon"},
        {"30 0 9 1,L * ?",       0,  "30 7 9 1,L * ?"},
        {"* 12 * * * *",         12, "* 7 * * * *"   },
        {"@hourly",              0,  "7 * * * *"     },
        {" @weekly ",            0,  "7 0 * * 0"     },
        {"*/30 9 * * *",         -1, "7 9 * * *"     },
        {"* * * * *",            -1, "7 * * * *"     },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        BUF_AUTO struct buf other = {0};
        struct cron         c = parsed(cases[i].text);

        assert_int_equal(cron_fixed_minute(&c), cases[i].minute);
        cron_put_minute(view_str(cases[i].text), 7, &other);
        assert_string_equal(buf_str(&other), cases[i].with_7);
    }
    assert_int_equal(cron_fixed_minute(&(struct cron){.kind = CRON_REBOOT}), -1);
    assert_int_equal(cron_fixed_minute(&(struct cron){.kind = CRON_EVERY, .every_ms = 60000}), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_bits),
        cmocka_unit_test(days_may_be_last_nearest_or_nth),
        cmocka_unit_test(steps_begin_at_the_range),
        cmocka_unit_test(macros_and_blanks_mean_their_expressions),
        cmocka_unit_test(bad_expressions_name_field_and_column),
        cmocka_unit_test(next_is_what_a_walk_over_minutes_finds),
        cmocka_unit_test(next_of_rare_dates_is_what_a_walk_over_days_finds),
        cmocka_unit_test(next_is_strictly_after),
        cmocka_unit_test(ends_of_int64_do_no_harm),
        cmocka_unit_test(words_say_what_it_means),
        cmocka_unit_test(a_fixed_minute_may_be_another_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
