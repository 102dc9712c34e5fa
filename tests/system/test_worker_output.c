/* What a handler may write, how much of it, and what of that is reported and logged. */
#include "common/clock.h"
#include "tests/system/worker_case.h"
#include <stdio.h>

static void
effects_are_limited_in_number_and_bytes(void **state)
{
    (void)state;
    expect_completed(&f,
                     job("i=0; while [ $i -lt 100 ]; do i=$((i+1)); "
                         "echo '{\"type\":\"effect\",\"kind\":\"a\"}'; done"),
                     NULL);
    expect_failed(&f,
                  job("i=0; while [ $i -lt 101 ]; do i=$((i+1)); "
                      "echo '{\"type\":\"effect\",\"kind\":\"a\"}'; done"),
                  "invalid_output", "effects");
    expect_failed(&f,
                  job("x=$(head -c 600000 /dev/zero | tr '\\0' x); for i in 1 2; do echo "
                      "'{\"type\":\"effect\",\"kind\":\"a\",\"x\":\"'$x'\"}'; done"),
                  "invalid_output", "effects");
}

/* Each may stand in a line, but not all of it in one report. */
static void
effects_that_no_report_can_carry_are_invalid_output(void **state)
{
    (void)state;
    expect_failed(&f,
                  job("echo '{\"type\":\"effect\",\"kind\":\"a\",\"x\":"
                      "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}'"),
                  "invalid_output", "effects");
    expect_failed(&f,
                  job("x=$(head -c 60000 /dev/zero | sed 's/./1,/g'); for i in 1 2; do echo "
                      "'{\"type\":\"effect\",\"kind\":\"a\",\"x\":['${x}1']}'; done"),
                  "invalid_output", "effects");
}

static void
a_protocol_line_is_limited(void **state)
{
    (void)state;
    expect_failed(&f,
                  job("printf '{\"type\":\"result\",\"output\":\"'; "
                      "head -c 1600000 /dev/zero | tr '\\0' x; echo '\"}'"),
                  "invalid_output", "bytes");
    expect_failed(&f,
                  job("printf '{\"type\":\"result\",\"output\":\"'; "
                      "head -c 1100000 /dev/zero | tr '\\0' x; echo '\"}'"),
                  "invalid_output", "output");
    expect_completed(&f,
                     job("printf '{\"type\":\"dance\",\"x\":\"'; "
                         "head -c 1600000 /dev/zero | tr '\\0' x; echo '\"}'"),
                     NULL);
}

static void
a_flood_of_output_grows_nothing_and_starves_nobody(void **state)
{
    uint64_t a, b;

    (void)state;
    a = fake_job(&f, &(struct fake_job){.slot = 0, .script = "head -c 100000000 /dev/zero"});
    b = fake_job(&f,
                 &(struct fake_job){.slot = 1, .script = "while :; do echo y; echo x >&2; done"});
    fake_expect(&f, MSG_HEARTBEAT, 0);
    expect_completed(&f, fake_job(&f, &(struct fake_job){.slot = 2, .kind = "noop"}), NULL);
    expect_completed(&f, a, NULL);
    fake_stop_job(&f, 1, b, 5000);
    expect_failed(&f, b, "handler_error", "stopped on request");
    fake_expect(&f, MSG_HEARTBEAT, 0);
    assert_true(f.m.heartbeat.last_seq == f.seq);
}

static void
the_log_is_cut_at_its_limit(void **state)
{
    struct fake_job j = {.job = 300,
                         .handler = "{\"log_max\":1024}",
                         .script = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done"};

    (void)state;
    expect_completed(&f, fake_job(&f, &j), NULL);
    expect_completed(&f, fake_job(&f, &j), NULL);
    FREE_AUTO char *log = fake_log(&f, 300);
    assert_non_null(strstr(log, " 1 out line 1\n"));
    assert_null(strstr(log, "line 100"));
    const char *note = strstr(log, "log limit reached; later lines are discarded\n");
    assert_non_null(note);
    assert_string_equal(note, "log limit reached; later lines are discarded\n");
    assert_true(note - log < 1024 + 64);
}

static void
each_stream_is_told_apart_in_the_log(void **state)
{
    struct fake_job j = {
        .job = 5,
        .script = "echo to out; echo '{\"type\":\"log\",\"level\":\"warn\",\"message\":\"w\"}'; "
                  "printf 'e\\033[1m\\n' >&2; echo '{\"type\":\"result\"}'"};

    (void)state;
    expect_completed(&f, fake_job(&f, &j), NULL);
    FREE_AUTO char *log = fake_log(&f, 5);
    assert_non_null(strstr(log, "Z 1 out to out\n"));
    assert_non_null(strstr(log, "Z 1 warn w\n"));
    assert_non_null(strstr(log, "Z 1 err e?[1m\n"));
    assert_null(strstr(log, "result"));
}

static void
progress_carries_totals(void **state)
{
    uint64_t t;

    (void)state;
    t = job("echo '{\"type\":\"turn\"}'; "
            "echo '{\"type\":\"progress\",\"percent\":40,\"message\":\"half\"}'; sleep 1000");
    do {
        fake_expect(&f, MSG_PROGRESS, t);
    } while (!HAS(&f.m.progress, progress, percent));
    assert_int_equal(f.m.progress.turns, 1);
    assert_int_equal(f.m.progress.percent, 40);
    assert_true(view_is(f.m.progress.message, "half"));
    fake_stop_job(&f, 0, t, 0);
    expect_failed(&f, t, "handler_error", "stopped");
}

/* They are at least 100 ms apart, so there cannot be more than the time that has passed allows,
 * however long that is. */
static void
progress_reports_are_coalesced(void **state)
{
    int64_t     begin_ms = clock_now().boot_ms;
    enum msg_id came;
    uint64_t    t;
    int64_t     count = 0;

    (void)state;
    t = job("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo '{\"type\":\"turn\"}'; done");
    while ((came = fake_next(&f)) != MSG_ENDED)
        count += came == MSG_PROGRESS;
    assert_int_equal(f.m.ended.token, t);
    assert_int_equal(f.m.ended.turns, 3000);
    assert_true(count >= 1);
    assert_true(count <= (clock_now().boot_ms - begin_ms) / 100 + 1);
}

static void
what_is_said_is_gathered_and_comes_before_the_end(void **state)
{
    static const char script[] = "for i in 1 2 3; do echo '{\"type\":\"delta\",\"text\":\"Hel\"}'; "
                                 "done; sleep 0.2; echo '{\"type\":\"delta\",\"text\":\"lo\"}'";
    BUF_AUTO struct buf said = {0};
    enum msg_id         came;
    uint64_t            t, pieces = 0;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.script = script, .deltas = true});
    while ((came = fake_next(&f)) != MSG_ENDED) {
        if (came != MSG_DELTA) continue;
        buf_add_view(&said, f.m.delta.text);
        assert_int_equal(f.m.delta.piece, ++pieces);
    }
    assert_int_equal(f.m.ended.token, t);
    assert_string_equal(buf_str(&said), "HelHelHello");
    (void)fake_job(&f, &(struct fake_job){.script = script}); /* nobody could read it */
    while ((came = fake_next(&f)) != MSG_ENDED)
        assert_int_not_equal(came, MSG_DELTA);
}

static void
a_flood_of_words_is_cut_and_ends_nothing(void **state)
{
    size_t      said = 0, count = 0;
    enum msg_id came;

    (void)state;
    (void)fake_job(&f,
                   &(struct fake_job){.script = "head -c 400000 /dev/zero | tr '\\0' x | "
                                                "sed 's/.*/{\"type\":\"delta\",\"text\":\"&\"}/'",
                                      .deltas = true});
    while ((came = fake_next(&f)) != MSG_ENDED) {
        said += came == MSG_DELTA ? f.m.delta.text.size : 0;
        count += came == MSG_DELTA;
    }
    assert_true(view_is(f.m.ended.verdict, "completed"));
    assert_int_equal(said, DELTA_MAX);
    assert_int_equal(count, 1);
}

/* Says more than a report carries and, once that is reported (the time is the test's own script's),
 * goes on. */
static void
what_was_left_out_takes_a_number(void **state)
{
    static const char script[] = "head -c 100000 /dev/zero | tr '\\0' x | sed "
                                 "'s/.*/{\"type\":\"delta\",\"text\":\"&\"}/'; echo; "
                                 "echo '{\"type\":\"delta\",\"text\":\"lost\"}'; sleep 0.5; "
                                 "echo '{\"type\":\"delta\",\"text\":\"on\"}'";
    uint64_t          last = 0;
    enum msg_id       came;

    (void)state;
    (void)fake_job(&f, &(struct fake_job){.script = script, .deltas = true});
    while ((came = fake_next(&f)) != MSG_ENDED) {
        if (came != MSG_DELTA) continue;
        assert_int_equal(f.m.delta.piece, last ? 3 : 1);
        assert_int_equal(f.m.delta.text.size, last ? 2 : DELTA_MAX);
        last = f.m.delta.piece;
    }
    assert_int_equal(last, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(effects_are_limited_in_number_and_bytes),
        TEST(effects_that_no_report_can_carry_are_invalid_output),
        TEST(a_protocol_line_is_limited),
        TEST(a_flood_of_output_grows_nothing_and_starves_nobody),
        TEST(the_log_is_cut_at_its_limit),
        TEST(each_stream_is_told_apart_in_the_log),
        TEST(progress_carries_totals),
        TEST(progress_reports_are_coalesced),
        TEST(what_is_said_is_gathered_and_comes_before_the_end),
        TEST(a_flood_of_words_is_cut_and_ends_nothing),
        TEST(what_was_left_out_takes_a_number),
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
