/* The real programs on a clock that jumps (RELIABILITY.md, check 11): by a second, an hour, a day,
 * ten years, to 1970 at boot, and over a suspend of eight hours. */
#include "tests/clock/offsets.h"
#include "tests/system/e2e.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (3600 * SECOND_MS)
#define DAY_MS    (24 * HOUR_MS)
#define YEAR_MS   (365 * DAY_MS)

#define CONFIG                                                                \
    "workers: {count: 1, slots: 8}\n"                                         \
    "daemon: {stop_grace: 0s}\n"                                              \
    "limits: {schedule_max_concurrent: null, company_max_concurrent: null}\n" \
    "retention: {completed: null, firings: null}\n"                           \
    "schedules:\n"                                                            \
    "  second: {cron: \"* * * * * *\", handler: noop}\n"                      \
    "  seven: {every: 7s, handler: noop}\n"                                   \
    "  minute: {cron: \"* * * * *\", handler: noop}\n"                        \
    "  hourly: {cron: \"0 * * * *\", handler: noop, misfire: all}\n"

static const char *const policies[] = {"skip", "latest", "all"};

static struct clock_offsets *offsets;
static int                   event;

/* ---- the clock ----------------------------------------------------------------------------- */

static void
make_clock(void)
{
    char path[128], number[16];

    (void)snprintf(path, sizeof(path), "%s/clock", d.folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*offsets)), 0);
    offsets = mmap(NULL, sizeof(*offsets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(offsets != MAP_FAILED);
    (void)close(fd);
    event = eventfd(0, EFD_NONBLOCK); /* agentd inherits it */
    assert_true(event >= 0);
    (void)snprintf(number, sizeof(number), "%d", event);
    assert_int_equal(setenv("AGENTD_TEST_CLOCK", path, 1), 0);
    assert_int_equal(setenv("AGENTD_TEST_CLOCK_EVENT", number, 1), 0);
}

static int64_t
wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offsets->wall_ms;
}

static void
jump(int64_t by_wall_ms, int64_t by_boot_ms)
{
    uint64_t one = 1;

    offsets->wall_ms += by_wall_ms;
    offsets->boot_ms += by_boot_ms;
    assert_int_equal(write(event, &one, sizeof(one)), sizeof(one));
}

/* A job of now: agentd goes by the clock as it is. */
static void
expect_clock_taken(void)
{
    int64_t before = wall_ms();

    ctl_await(&c, ctl_submit(&c, "noop"), "completed");
    int64_t at = ctl_number(&c, "submitted_at");
    if (at < before || at > wall_ms()) {
        daemon_fail(&d, "a job of now was submitted at %" PRId64 ", not from %" PRId64 " on", at,
                    before);
    }
}

static void
begin(const char *config)
{
    e2e_make();
    make_clock();
    if (config) daemon_write_config(&d, config);
}

static int
start(void **state)
{
    (void)state;
    begin(CONFIG);
    return e2e_start(NULL);
}

static int
stop(void **state)
{
    if (d.pid) daemon_stop(&d);
    (void)munmap(offsets, sizeof(*offsets));
    (void)close(event);
    return e2e_stop(state);
}

/* ---- leases -------------------------------------------------------------------------------- */

static void
a_jump_of_the_wall_clock_ends_no_lease(void **state)
{
    static const int64_t jumps[] = {SECOND_MS, -SECOND_MS, HOUR_MS,       -HOUR_MS,
                                    DAY_MS,    -DAY_MS,    -10 * YEAR_MS, 10 * YEAR_MS};
    uint64_t             job = ctl_submit(&c, "sleep --payload '{\"ms\":600000}' --max-run 1h");

    (void)state;
    ctl_await(&c, job, "running");
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        jump(jumps[i], 0);
        expect_clock_taken();
        ctl_must(&c, "job show %" PRIu64, job);
        ctl_expect(&c, "state", "\"running\"");
        ctl_expect(&c, "attempt", "1");
    }
    ctl_must(&c, "job cancel %" PRIu64, job);
}

static void
a_suspend_ends_the_leases_that_it_outlasts_and_no_worker(void **state)
{
    uint64_t brief = ctl_submit(&c, "sleep --payload '{\"ms\":600000}' --max-run 1h");
    uint64_t lasting = ctl_submit(&c, "sleep --payload '{\"ms\":86400000}' --max-run 24h");

    (void)state;
    ctl_await(&c, brief, "running");
    ctl_await(&c, lasting, "running");
    jump(8 * HOUR_MS, 8 * HOUR_MS);
    expect_clock_taken();
    ctl_until(&c, "failure.class", "\"lease_expired\"", "job show %" PRIu64, brief);
    ctl_must(&c, "job show %" PRIu64, lasting);
    ctl_expect(&c, "state", "\"running\"");
    ctl_expect(&c, "attempt", "1");
    ctl_must(&c, "job cancel %" PRIu64, lasting);
    ctl_must(&c, "job cancel %" PRIu64, brief);
}

/* ---- times --------------------------------------------------------------------------------- */

static void
a_delayed_job_waits_for_its_instant_whatever_the_clock_did(void **state)
{
    int64_t  at = wall_ms() + 2 * HOUR_MS;
    time_t   seconds = at / 1000 + 1;
    char     text[32];
    uint64_t job;

    (void)state;
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
    job = ctl_submit(&c, "noop --at %s", text);
    jump(HOUR_MS, 0);
    expect_clock_taken();
    ctl_await(&c, job, "scheduled");
    jump(-2 * HOUR_MS, 0);
    expect_clock_taken();
    ctl_await(&c, job, "scheduled");
    jump(3 * HOUR_MS + 2 * SECOND_MS, 0);
    ctl_await(&c, job, "completed");
    if (ctl_number(&c, "claimed_at") < (int64_t)seconds * 1000 - 1) {
        daemon_fail(&d, "it started before its instant");
    }
}

struct pair {
    int64_t nominal;
    char    schedule[16];
};

static int
compare(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int                names = strcmp(x->schedule, y->schedule);

    return names ? names : (x->nominal > y->nominal) - (x->nominal < y->nominal);
}

/* No nominal time has two jobs. */
static void
expect_each_once(void)
{
    static struct pair pairs[100000];
    size_t             n = 0;
    char               after[128] = "";

    do {
        char path[64];

        ctl_must(&c, "job list --trigger schedule --limit 1000%s%s", after[0] ? " --after " : "",
                 after);
        size_t rows = ctl_count(&c, "items");
        for (size_t i = 0; i < rows && n < sizeof(pairs) / sizeof(pairs[0]); i++) {
            (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", i);
            pairs[n].nominal = ctl_number(&c, path);
            (void)snprintf(path, sizeof(path), "items.%zu.schedule", i);
            ctl_copy(&c, path, pairs[n].schedule, sizeof(pairs[n].schedule));
            n++;
        }
        if (strcmp(ctl_value(&c, "next"), "null") == 0) break;
        ctl_copy(&c, "next", after, sizeof(after));
    } while (true);
    assert_true(n > 0);
    qsort(pairs, n, sizeof(pairs[0]), compare);
    for (size_t i = 1; i < n; i++) {
        if (compare(&pairs[i - 1], &pairs[i]) == 0) {
            daemon_fail(&d, "%s fired twice for %" PRId64, pairs[i].schedule, pairs[i].nominal);
        }
    }
}

/* Waits until the every-second schedule has fired behind this instant, or has been passed by. */
static void
await_firing_behind(int64_t at)
{
    ctl_until_least(&c, "cursor_at", at, "schedule show second");
}

static void
no_nominal_time_fires_twice_through_a_hundred_jumps(void **state)
{
    static const int64_t steps[] = {SECOND_MS, -SECOND_MS, HOUR_MS, -HOUR_MS,
                                    DAY_MS,    -DAY_MS,    137,     -2750};
    const char          *given = getenv("CLOCK_SEED");
    unsigned             seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    (void)state;
    print_message("CLOCK_SEED=%u\n", seed);
    for (int i = 0; i < 100; i++) {
        jump(steps[(size_t)rand_r(&seed) % (sizeof(steps) / sizeof(steps[0]))], 0);
        if (i % 10 == 0) {
            expect_clock_taken();
            await_firing_behind(wall_ms() - SECOND_MS);
        }
    }
    expect_clock_taken();
    await_firing_behind(wall_ms());
    expect_each_once();
    ctl_must(&c, "fsck");
}

/* ---- misfire policies ----------------------------------------------------------------------- */

/* From the first row to the last, each minute is in exactly one of them. */
static void
expect_covered(const char *name, size_t fired)
{
    int64_t next = 0, from;
    size_t  found = 0;
    char    path[64];

    ctl_must(&c, "schedule firings %s --limit 1000", name);
    for (size_t i = ctl_count(&c, "items"); i-- > 0;) {
        (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", i);
        from = ctl_number(&c, path);
        if (next != 0 && from != next) {
            daemon_fail(&d, "%s: a row of %" PRId64 " follows, not of %" PRId64, name, from, next);
        }
        (void)snprintf(path, sizeof(path), "items.%zu.count", i);
        next = from + ctl_number(&c, path) * MINUTE_MS;
        (void)snprintf(path, sizeof(path), "items.%zu.outcome", i);
        found += strcmp(ctl_value(&c, path), "\"fired\"") == 0;
    }
    if (next != wall_ms() / MINUTE_MS * MINUTE_MS + MINUTE_MS || found != fired) {
        daemon_fail(&d, "%s: rows until %" PRId64 ", %zu fired, not %zu", name, next, found, fired);
    }
}

/* To the middle of a minute, an hour away: no time of the schedules is due on it. */
static void
jump_an_hour(bool is_suspend)
{
    int64_t by = 60 * MINUTE_MS + MINUTE_MS / 2 - wall_ms() % MINUTE_MS;

    jump(by, is_suspend ? by : 0);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        ctl_until_least(&c, "next_fire_at", wall_ms(), "schedule show %s", policies[i]);
}

static void
each_policy_makes_up_for_an_hour_as_it_says(void **state)
{
    (void)state;
    jump(MINUTE_MS - wall_ms() % MINUTE_MS, 0); /* a minute begins: the test does not see its end */
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        ctl_must(&c,
                 "schedule add %s --cron '* * * * *' --handler noop --overlap allow --misfire %s",
                 policies[i], policies[i]);
    }
    for (size_t n = 1; n <= 2; n++) {
        jump_an_hour(n == 2);
        expect_covered("skip", 0);
        expect_covered("latest", n);
        expect_covered("all", 10 * n);
    }
}

static void
a_clock_that_is_unsynchronised_at_start_holds_schedules_until_it_is_set(void **state)
{
    int64_t right;

    (void)state;
    ctl_until_least(&c, "firing_count", 1, "schedule show second");
    right = wall_ms();
    daemon_stop(&d);
    offsets->wall_ms -= right - DAY_MS; /* the second of January 1970 */
    offsets->is_unsynchronised = true;
    daemon_start(&d, NULL);
    ctl_await(&c, ctl_submit(&c, "noop"), "completed"); /* what is of now is served */
    ctl_must(&c, "schedule show second");
    ctl_must(&c, "schedule firings second --limit 1");
    assert_true(ctl_number(&c, "items.0.nominal_at") > DAY_MS * 365); /* none of 1970 */
    offsets->is_unsynchronised = false;
    jump(right - DAY_MS, 0);
    await_firing_behind(right);
    expect_each_once();
}

/* ---- policies ------------------------------------------------------------------------------ */

/* So much became of a schedule, and its newest missed row says so much. */
static void
expect_misfires(const char *name, int64_t fired, int64_t missed, const char *reason)
{
    char path[64];

    ctl_until_least(&c, "missed_count", missed, "schedule show %s", name);
    ctl_until_least(&c, "firing_count", fired, "schedule show %s", name);
    if (ctl_number(&c, "firing_count") != fired || ctl_number(&c, "missed_count") != missed) {
        daemon_fail(&d, "%s fired %" PRId64 " times and missed %" PRId64, name,
                    ctl_number(&c, "firing_count"), ctl_number(&c, "missed_count"));
    }
    ctl_until(&c, "in_flight", "0", "schedule show %s", name);
    ctl_must(&c, "schedule firings %s", name);
    for (size_t i = 0; i < ctl_count(&c, "items"); i++) {
        (void)snprintf(path, sizeof(path), "items.%zu.outcome", i);
        if (strcmp(ctl_value(&c, path), "\"missed\"") != 0) continue;
        (void)snprintf(path, sizeof(path), "items.%zu.reason", i);
        ctl_expect_text(&c, path, reason);
        return;
    }
    daemon_fail(&d, "%s has no row of what was missed", name);
}

static void
expect_misfires_of_a_downtime(void)
{
    expect_misfires("latest", 1, 9, "overtaken by its next time");
    expect_misfires("skip", 0, 10, "agentd was not running at its time");
    expect_misfires("all", 3, 7, "misfire_max");
    expect_misfires("window", 1, 9, "older than the catch-up window");
    expect_misfires("paused", 1, 9, "overtaken by its next time");
    ctl_must(&c, "schedule firings latest");
    ctl_expect(&c, "items.1.count", "9"); /* one row */
    ctl_must(&c, "schedule firings paused");
    ctl_expect(&c, "items.2.reason", "\"paused\"");
    ctl_expect(&c, "items.2.count", "2");
}

static void
overdue_times_are_dealt_with_as_each_policy_says(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add latest --every 1h --handler noop");
    ctl_must(&c, "schedule add skip --every 1h --handler noop --misfire skip");
    ctl_must(&c, "schedule add all --every 1h --handler noop --misfire all --misfire-max 3 "
                 "--overlap allow");
    ctl_must(&c, "schedule add window --every 1h --handler noop --misfire all --catch-up 90m "
                 "--overlap allow");
    ctl_must(&c, "schedule add paused --every 1h --handler noop");
    ctl_must(&c, "schedule pause paused --until +2h");
    daemon_stop(&d);
    jump(10 * HOUR_MS + HOUR_MS / 2, 10 * HOUR_MS + HOUR_MS / 2);
    daemon_start(&d, NULL);
    expect_misfires_of_a_downtime();
    ctl_must(&c, "schedule show paused");
    ctl_expect(&c, "status", "\"active\"");
    daemon_kill(&d); /* what is decided stays decided */
    daemon_start(&d, NULL);
    expect_misfires_of_a_downtime();
    jump(3 * HOUR_MS, 3 * HOUR_MS); /* a suspend */
    expect_misfires("latest", 2, 11, "overtaken by its next time");
    expect_misfires("skip", 0, 13, "late (misfire policy skip)");
    expect_misfires("all", 6, 7, "misfire_max");
    jump(-2 * HOUR_MS, 0);
    expect_clock_taken();
    expect_misfires("latest", 2, 11, "overtaken by its next time");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
an_overdue_schedule_that_is_gone_from_the_file_does_not_fire(void **state)
{
    (void)state;
    daemon_write_config(&d, CONFIG "  own: {every: 1h, handler: noop}\n");
    ctl_must(&c, "reload");
    daemon_stop(&d);
    jump(HOUR_MS + HOUR_MS / 2, HOUR_MS + HOUR_MS / 2);
    daemon_write_config(&d, CONFIG);
    daemon_start(&d, NULL);
    ctl_refused(&c, 1, "not_found", "own", "schedule show own");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_jump_of_the_wall_clock_ends_no_lease),
        TEST(a_suspend_ends_the_leases_that_it_outlasts_and_no_worker),
        TEST(a_delayed_job_waits_for_its_instant_whatever_the_clock_did),
        TEST(no_nominal_time_fires_twice_through_a_hundred_jumps),
        TEST(each_policy_makes_up_for_an_hour_as_it_says),
        TEST(a_clock_that_is_unsynchronised_at_start_holds_schedules_until_it_is_set),
        TEST(overdue_times_are_dealt_with_as_each_policy_says),
        TEST(an_overdue_schedule_that_is_gone_from_the_file_does_not_fire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
