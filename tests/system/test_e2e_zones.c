/* Time zones of the system that change while agentd runs. */
#include "tests/system/e2e.h"
#include <sys/stat.h>

#define ZONES   "/usr/share/zoneinfo"
#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)

static char folder[128];

/* Test/Town keeps the time of this zone from now on; the file is replaced as a package does it. */
static void
set_town(const char *zone)
{
    char from[128], part[160], to[160], command[512];

    (void)snprintf(from, sizeof(from), "%s/%s", ZONES, zone);
    (void)snprintf(part, sizeof(part), "%s/Test/Town.new", folder);
    (void)snprintf(to, sizeof(to), "%s/Test/Town", folder);
    (void)snprintf(command, sizeof(command), "cp %s %s", from, part);
    assert_int_equal(system(command), 0);
    assert_int_equal(rename(part, to), 0);
}

static int
start(void **state)
{
    char path[160];

    (void)state;
    e2e_make();
    (void)snprintf(folder, sizeof(folder), "%s/zones", d.folder);
    (void)snprintf(path, sizeof(path), "%s/Test", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    set_town("Asia/Tokyo");
    assert_int_equal(setenv("TZDIR", folder, 1), 0);
    return e2e_start(NULL);
}

static int
stop(void **state)
{
    (void)unsetenv("TZDIR");
    return e2e_stop(state);
}

static bool
is_planned_for(void *arg)
{
    ctl_must(&c, "schedule show s");
    return ctl_number(&c, "next_fire_at") % DAY_MS == *(const int64_t *)arg;
}

static void
an_update_of_a_time_zone_plans_its_schedules_anew(void **state)
{
    int64_t tokyo = 18 * HOUR_MS, kathmandu = 21 * HOUR_MS + HOUR_MS / 4;

    (void)state;
    ctl_must(&c, "schedule add s --cron '0 3 * * *' --tz Test/Town --handler noop");
    assert_true(is_planned_for(&tokyo));
    set_town("Asia/Kathmandu");
    daemon_wait_until(&d, "a plan by the new rules", is_planned_for, &kathmandu);
    ctl_must(&c, "fsck");
}

static void
a_zone_that_was_never_named_before_is_found_by_a_change(void **state)
{
    int64_t tokyo = 18 * HOUR_MS, utc = 3 * HOUR_MS;

    (void)state;
    ctl_must(&c, "schedule add s --cron '0 3 * * *' --handler noop");
    assert_true(is_planned_for(&utc));
    ctl_must(&c, "schedule set s --tz Test/Town");
    assert_true(is_planned_for(&tokyo));
    ctl_refused(&c, 1, "bad_request", "tz", "schedule set s --tz Test/Nowhere");
    assert_true(is_planned_for(&tokyo));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_update_of_a_time_zone_plans_its_schedules_anew),
        TEST(a_zone_that_was_never_named_before_is_found_by_a_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
