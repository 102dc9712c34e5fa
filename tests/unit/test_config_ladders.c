/* Ladders of retries in the configuration file, refused where they stand (A5, J6). */
#include "tests/unit/config_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Whose ladder it is: the line up to it, and how the field is named. */
static const struct {
    const char *line, *field;
} owners[] = {
    {"handlers: {x: {kind: exec, command: [a], ",  "handlers.x" },
    {"profiles: {x: {",                            "profiles.x" },
    {"schedules: {x: {handler: noop, every: 5s, ", "schedules.x"},
};

/* at: where in the ladder's own text the mistake stands. */
static const struct {
    const char *ladder, *at, *field, *says;
} bad[] = {
    {"retry: []",                         "[]",         ".retry",        "allowed: a list of 1 to 32 durations"},
    {"retry: [1s, -1]",                   "-1",         ".retry[1]",     "found -1, allowed: a duration"       },
    {"retry: [1s, 2x]",                   "2x",         ".retry[1]",     "found \"2x\", allowed: a duration"   },
    {"retry_base: -5s",                   "-5s",        ".retry_base",   "allowed: a duration"                 },
    {"retry_base: 5s, retry_factor: 0",   "0",          ".retry_factor",
     "found 0, allowed: an integer from 1"                                                                     },
    {"retry_base: 5s, retry_factor: 0.5", "0.5",        ".retry_factor", "allowed: an integer from 1"          },
    {"retry_base: 5s, retry_factor: -2",  "-2",         ".retry_factor", "allowed: an integer from 1"          },
    {"retry_base: 5s, retry_factor: 101", "101",        ".retry_factor",
     "allowed: an integer from 1 to 100"                                                                       },
    {"retry_factor: 3",                   "retry_",     ".retry_factor", "needs retry_base"                    },
    {"retry_max: 1h",                     "retry_",     ".retry_max",    "needs retry_base"                    },
    {"retry: [1s], retry_base: 5s",       "retry_base", ".retry_base",   "not together with retry"             },
    {"retry_base: 5s, retry_max: 4s",     "4s",         ".retry_max",    "is less than retry_base"             },
    {"max_attempts: 0, retry: [1s]",      "0",          ".max_attempts", "allowed: an integer from 1 to 1000"  },
};

static void
expect_refused(struct fixture *f, const char *line, const char *ladder, const char *at,
               const char *field, const char *says)
{
    FREE_AUTO char *text = xasprintf("%s%s}}\n", line, ladder);
    FREE_AUTO char *place =
        xasprintf("%s:1:%zu: %s: ", f->path, strlen(line) + (size_t)(at - ladder) + 1, field);

    assert_int_equal(fixture_load_text(f, text), E_BAD_REQUEST);
    if (strncmp(f->e.msg, place, strlen(place)) != 0 || !strstr(f->e.msg, says))
        fail_msg("%s is refused with \"%s\", not %s… %s", text, f->e.msg, place, says);
    assert_string_equal(f->e.field, field);
}

static void
a_bad_ladder_is_refused_with_line_and_column(void **state)
{
    struct fixture *f = *state;

    for (size_t o = 0; o < ARRAY_LEN(owners); o++) {
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            FREE_AUTO char *field = xasprintf("%s%s", owners[o].field, bad[i].field);
            const char     *at = strstr(bad[i].ladder, bad[i].at);

            expect_refused(f, owners[o].line, bad[i].ladder, at, field, bad[i].says);
        }
    }
}

static void
a_ladder_of_a_thousand_steps_is_refused(void **state)
{
    struct fixture     *f = *state;
    BUF_AUTO struct buf ladder = {0};

    for (int i = 0; i < 1000; i++)
        buf_printf(&ladder, "%s1s", i ? ", " : "retry: [");
    buf_add_str(&ladder, "]");
    for (size_t o = 0; o < ARRAY_LEN(owners); o++) {
        FREE_AUTO char *field = xasprintf("%s.retry", owners[o].field);
        const char     *text = buf_str(&ladder);

        expect_refused(f, owners[o].line, text, strchr(text, '['), field, "1 to 32 durations");
    }
}

static void
ladders_at_their_bounds_are_taken(void **state)
{
    static const char *const good[] = {"retry: [0]", "retry: [1ms, 36525d]", "retry_base: 0",
                                       "retry_base: 5s, retry_factor: 1, retry_max: 5s",
                                       "retry_base: 5s, retry_factor: 100, max_attempts: 1000"};
    struct fixture          *f = *state;

    for (size_t o = 0; o < ARRAY_LEN(owners); o++) {
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
            FREE_AUTO char *text = xasprintf("%s%s}}\n", owners[o].line, good[i]);

            if (fixture_load_text(f, text)) fail_msg("%s: %s", text, f->e.msg);
        }
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_new, fixture_end)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_ladder_is_refused_with_line_and_column),
        TEST(a_ladder_of_a_thousand_steps_is_refused),
        TEST(ladders_at_their_bounds_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
