/* What a forecast is asked for: changes, a company, a bound of firings; and the store that it reads
 * (C12). */
#include "tests/unit/forecast_world.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

static void
a_change_is_shown_beside_what_is(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1,
             "schedules:\n"
             "  two: {cron: '5-59/10 * * * *'}\n"
             "  one: null\n"
             "  three: {every: 20m, handler: noop}\n");
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    expect_waits(r, "forecast", 0, MINUTE_MS, MINUTE_MS);
    assert_int_equal(rig_i64(r, "with.firings"), 6 + 2);
    expect_waits(r, "with", 0, 0, 0);
    assert_int_equal(rig_len(r, "changes"), 3);
    assert_string_equal(rig_text(r, "changes.0.action"), "change");
    assert_string_equal(rig_text(r, "changes.1.action"), "remove");
    assert_string_equal(rig_text(r, "changes.2.action"), "add");
}

static void
a_change_of_limits_or_workers_is_shown_too(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1, "limits: {schedule_max_concurrent: 2}");
    expect_waits(r, "with", 0, 0, 0);
    forecast(r, 1, "workers: {count: 2, slots: 8}");
    assert_int_equal(rig_i64(r, "forecast.slots"), 4);
    assert_int_equal(rig_i64(r, "with.slots"), 16);
    expect_waits(r, "with", 0, MINUTE_MS, MINUTE_MS);
}

static void
expect_refused(struct rig *r, const char *with, enum errc code, const char *sentence)
{
    const struct forecast_order o = order_of(r, 1, with);

    assert_int_equal(try(r, &o), code);
    if (!strstr(r->error.msg, sentence)) fail_msg("%s: %s", with, r->error.msg);
}

static void
a_bad_change_is_refused_with_its_place(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    expect_refused(r, "schedules: {one: {corn: '* * * * *'}}", E_BAD_REQUEST, "--with:1:19: ");
    expect_refused(r, "schedules:\n  one: {cron: '61 * * * *'}", E_BAD_REQUEST, "--with:2:3: ");
    expect_refused(r, "schedules:\n  one: {handler: nobody}", E_BAD_REQUEST, "--with:2:3: ");
    expect_refused(r, "schedules:\n  none: null", E_BAD_REQUEST, "no such schedule");
    expect_refused(r, "agents: {}", E_BAD_REQUEST, "--with:1:1: ");
    expect_refused(r, "limits: {schedule_max_concurrent: many}", E_BAD_REQUEST, "--with:1:");
    expect_refused(r, "workers: {count: 64, slots: 64}", E_BAD_REQUEST, "over 1024");
    expect_refused(r, "schedules: {'A B': {every: 5m, handler: noop}}", E_BAD_REQUEST, "--with:1:");
}

static void
who_is_of_a_company_sees_that_company_only(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'one','cron':'*/10 * * * *','handler':'noop',"
                                      "'priority':60},"
                                      "{'name':'two','company':'acme','cron':'*/10 * * * *',"
                                      "'handler':'noop'}"});
    o.company = view_str("acme");
    o.is_bound = true;
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_len(r, "forecast.schedules"), 1);
    assert_string_equal(rig_text(r, "forecast.schedules.0.schedule"), "acme/two");
    assert_int_equal(rig_i64(r, "forecast.firings"), 5);
    expect_waits(r, "forecast", MINUTE_MS, MINUTE_MS, MINUTE_MS); /* behind the other one */
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 1000 * 5 / 240);
    o.with = view_str("limits: {schedule_max_concurrent: 2}");
    assert_int_equal(try(r, &o), E_BAD_REQUEST);
    o.with = view_str("schedules: [{name: one, company: default, every: 5m}]");
    assert_int_equal(try(r, &o), E_BAD_REQUEST);
    o.company = view_str("nobody");
    assert_int_equal(try(r, &o), E_NOT_FOUND);
}

static void
too_many_firings_are_cut_and_it_is_said(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 24, "");

    configure_pair(r, "");
    o.firings_max = 10;
    assert_int_equal(try(r, &o), E_OK);
    assert_true(rig_bool(r, "forecast.cut"));
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    assert_int_equal(rig_i64(r, "forecast.until_at"), RIG_WALL_MS + 50 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 4 * MINUTE_MS);
}

static void
times_that_share_a_row_are_cut_too(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 24, "");

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'often','every_ms':1000,'handler':'noop'}"});
    rig_must(r, "schedule.pause", "'name':'often'");
    o.firings_max = 5000;
    assert_int_equal(try(r, &o), E_OK);
    assert_true(rig_bool(r, "forecast.cut"));
    assert_in_range(rig_i64(r, "forecast.missed"), 5000, 7000);
}

/* ---- from the folder: in another process, for ours has the store open ---- */

/* What forecast_run says of the rig's store. */
static enum errc
run_in_child(struct rig *r, const char *dir)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        struct forecast_order o = order_of(r, 1, "");
        struct buf            out = {0};
        struct err            e;

        o.dir = dir;
        _exit((int)forecast_run(&o, &out, &e));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Changes a byte of every copy of the text in the store's file. */
static void
spoil(struct rig *r, const char *text)
{
    char   path[128], block[4096 + 64];
    size_t size = strlen(text);
    int    fd, spoilt = 0;

    (void)snprintf(path, sizeof(path), "%s/data.mdb", r->dir); /* fits */
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 0;; at += 4096) {
        ssize_t     got = pread(fd, block, sizeof(block), at);
        const char *hit = got > 0 ? memmem(block, (size_t)got, text, size) : NULL;

        if (got <= 0) break;
        if (!hit) continue;
        assert_int_equal(pwrite(fd, "~", 1, at + (hit - block)), 1);
        spoilt++;
    }
    assert_int_equal(close(fd), 0);
    assert_true(spoilt > 0);
}

static void
a_store_that_another_process_has_open_is_read(void **state)
{
    struct rig *r = *state;
    char        none[96];

    configure_pair(r, "");
    (void)snprintf(none, sizeof(none), "%s/none", r->dir); /* fits */
    assert_int_equal(run_in_child(r, r->dir), E_OK);
    assert_int_equal(run_in_child(r, none), E_INTERNAL);
    assert_int_equal(access(none, F_OK), -1);
    rig_must(r, "schedule.pause", "'name':'one'"); /* we can go on writing */
}

static void
a_damaged_store_is_refused(void **state)
{
    struct rig *r = *state;

    configure_pair(r, ",{'name':'unmistakable','every_ms':7000,'handler':'echo'}");
    spoil(r, "unmistakable");
    assert_int_equal(run_in_child(r, r->dir), E_DAMAGED);
}

static void
an_order_is_read_as_it_was_packed(void **state)
{
    struct arena                a;
    struct buf packed           BUF_AUTO = {0};
    struct forecast_order       out;
    const struct forecast_order o = {
        .dir = "/state",
        .now_ms = 5,
        .hours = 720,
        .firings_max = 9,
        .fleet = {3, 4},
        .with = view_str("limits: {}"),
        .company = view_str("acme"),
        .is_bound = true
    };

    (void)state;
    arena_init(&a);
    forecast_pack_order(&o, &packed);
    assert_true(forecast_read_order(buf_view(&packed), &a, &out));
    assert_string_equal(out.dir, "/state");
    assert_true(out.now_ms == 5 && out.hours == 720 && out.firings_max == 9 && out.is_bound);
    assert_true(out.fleet.workers == 3 && out.fleet.slots == 4);
    assert_true(view_is(out.with, "limits: {}") && view_is(out.company, "acme"));
    assert_false(forecast_read_order(view_str("x"), &a, &out));
    arena_done(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_shown_beside_what_is),
        TEST(a_change_of_limits_or_workers_is_shown_too),
        TEST(a_bad_change_is_refused_with_its_place),
        TEST(who_is_of_a_company_sees_that_company_only),
        TEST(too_many_firings_are_cut_and_it_is_said),
        TEST(times_that_share_a_row_are_cut_too),
        TEST(a_store_that_another_process_has_open_is_read),
        TEST(a_damaged_store_is_refused),
        cmocka_unit_test(an_order_is_read_as_it_was_packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
