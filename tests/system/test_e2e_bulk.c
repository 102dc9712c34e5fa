/* Many jobs at once, from outside: cancelled, retried and purged by a filter, and who did it. */
#include "tests/system/e2e.h"

#define CONFIG                        \
    "workers: {count: 1, slots: 2}\n" \
    "daemon: {stop_grace: 0s}\n"      \
    "handlers: {fails: {kind: exec, command: [/bin/sh, -c, \"echo words; exit 1\"]}}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

static void
many_are_cancelled_and_purged(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        (void)ctl_submit(&c, "noop --in 1h --tag batch=one");
    (void)ctl_submit(&c, "noop --in 1h --tag batch=two");
    ctl_must(&c, "job cancel-many --tag batch=one --dry-run");
    assert_int_equal(ctl_number(&c, "matched"), 5);
    assert_int_equal(ctl_number(&c, "done"), 0);
    ctl_must(&c, "job list --state scheduled");
    assert_int_equal(ctl_count(&c, "items"), 6);
    ctl_must(&c, "job cancel-many --tag batch=one");
    assert_int_equal(ctl_number(&c, "done"), 5);
    ctl_must(&c, "job purge --state cancelled --limit 2");
    assert_int_equal(ctl_number(&c, "done"), 2);
    ctl_must(&c, "job purge --state cancelled");
    assert_int_equal(ctl_number(&c, "done"), 3);
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "audit --action job.purge");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_must(&c, "audit --action job.purge --since -1h");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_must(&c, "audit --action job.purge --since=+1h");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_refused(&c, 2, "usage", "not a time", "audit --since 1h");
    ctl_must(&c, "fsck");
}

/* A file of so many jobs that wait. */
static void
submit_many(int n)
{
    char  path[200];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/jobs", d.folder);
    f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < n; i++)
        (void)fprintf(f, "{\"handler\": \"noop\", \"delay_ms\": 3600000, "
                         "\"tags\": {\"batch\": \"big\"}}\n");
    (void)fclose(f);
    ctl_must(&c, "job submit-many %s", path);
}

static void
all_that_match_are_reached_however_many_requests_that_takes(void **state)
{
    (void)state;
    submit_many(1000);
    submit_many(300);
    (void)ctl_submit(&c, "noop --in 1h");
    ctl_must(&c, "job cancel-many --tag batch=big --dry-run");
    assert_int_equal(ctl_number(&c, "matched"), 1300);
    ctl_must(&c, "job cancel-many --tag batch=big");
    assert_int_equal(ctl_number(&c, "done"), 1300);
    ctl_must(&c, "job cancel-many --tag batch=big");
    assert_int_equal(ctl_number(&c, "matched"), 0);
    ctl_must(&c, "job list --state scheduled");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "job purge --state cancelled");
    assert_int_equal(ctl_number(&c, "done"), 1300);
    ctl_must(&c, "fsck");
}

static void
dead_letters_are_listed_and_sent_again(void **state)
{
    uint64_t job;
    char class[64], path[200];

    (void)state;
    job = ctl_submit(&c, "fails --max-attempts 1");
    ctl_await(&c, job, "failed");
    ctl_copy(&c, "failure.class", class, sizeof(class));
    ctl_must(&c, "job list --state failed --class %s", class);
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "job list --quarantined");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_must(&c, "job retry-many --class %s --dry-run", class);
    assert_int_equal(ctl_number(&c, "matched"), 1);
    ctl_must(&c, "job retry-many --class %s", class);
    assert_int_equal(ctl_number(&c, "done"), 1);
    ctl_until(&c, "attempt", "2", "job show %" PRIu64, job);
    ctl_await(&c, job, "failed");
    snprintf(path, sizeof(path), "%s/logs/%02x/%" PRIu64 ".log", d.state, (unsigned)(job % 256),
             job);
    assert_int_equal(access(path, F_OK), 0);
    ctl_must(&c, "job purge --state failed");
    ctl_must(&c, "job stats"); /* the answer came after the commit's outputs */
    assert_int_not_equal(access(path, F_OK), 0);
    ctl_must(&c, "job list --state failed");
    assert_int_equal(ctl_count(&c, "items"), 0);
}

static void
bad_inputs_are_refused(void **state)
{
    int64_t before;

    (void)state;
    ctl_await(&c, ctl_submit(&c, "noop"), "completed"); /* the workers are up */
    before = ctl_state_hash(&c);
    ctl_refused(&c, 1, "bad_request", "which jobs", "job purge");
    ctl_refused(&c, 1, "bad_request", "which jobs", "job cancel-many --dry-run");
    ctl_refused(&c, 1, "bad_request", "running", "job purge --state running");
    ctl_refused(&c, 1, "bad_request", "nonsense", "job retry-many --class nonsense");
    ctl_refused(&c, 1, "bad_request", "cursor", "job purge --older 1h --after x");
    ctl_refused(&c, 1, "bad_request", "cursor", "audit --after x");
    assert_int_equal(ctl_state_hash(&c), before);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(many_are_cancelled_and_purged),
        TEST(all_that_match_are_reached_however_many_requests_that_takes),
        TEST(dead_letters_are_listed_and_sent_again),
        TEST(bad_inputs_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
