/* The feed, from outside: what `agentctl watch` tells, and that it tells all of it, once. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                        \
    "workers: {count: 1, slots: 4}\n" \
    "limits: {feed_bytes: 64K}\n"     \
    "companies: {acme: {}}\n"         \
    "agents: [{name: scout, company: acme, handler: echo}]\n"

static struct ctl_process watch;

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

/* ---- events -------------------------------------------------------------------------------- */

/* The next event of the watch; the caller frees it. */
static json_t *
next_event(void)
{
    const char *line = ctl_line(&watch);
    json_t     *event = line ? json_loads(line, 0, NULL) : NULL;

    if (!event) daemon_fail(&d, "no event: %s", line ? line : "the watch has ended");
    return event;
}

static int64_t
number_of(const json_t *event, const char *key)
{
    const json_t *v = json_object_get(event, key);

    if (!json_is_integer(v)) daemon_fail(&d, "an event without %s", key);
    return json_integer_value(v);
}

static bool
is_type(const json_t *event, const char *type)
{
    const char *text = json_string_value(json_object_get(event, "type"));

    assert_non_null(text);
    return strcmp(text, type) == 0;
}

/* Reads on until an event of this type of this job; every number on the way must be the next one.
 * That number is kept in *seq. */
static void
follow(int64_t *seq, const char *type, uint64_t job)
{
    for (bool is_found = false; !is_found;) {
        json_t *event = next_event();
        int64_t number = number_of(event, "seq");

        if (number != *seq + 1) {
            daemon_fail(&d, "event %" PRId64 " behind %" PRId64, number, *seq);
        }
        *seq = number;
        is_found = is_type(event, type) && number_of(event, "job") == (int64_t)job;
        json_decref(event);
    }
}

/* Ends the watch; where to go on. */
static void
end_watch(char *cursor, size_t size)
{
    BUF_AUTO struct buf complaint = {0};

    assert_int_equal(ctl_end(&watch, SIGINT, &complaint), 0);
    json_t *said = json_loads(complaint.data, 0, NULL);
    if (!said) daemon_fail(&d, "no cursor: %s", complaint.data);
    (void)snprintf(cursor, size, "%s", json_string_value(json_object_get(said, "cursor")));
    json_decref(said);
}

static uint64_t
complete_one(void)
{
    uint64_t job = ctl_submit(&c, "noop");

    ctl_await(&c, job, "completed");
    return job;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
everything_is_told_from_the_beginning(void **state)
{
    char    cursor[64];
    int64_t seq = 0;

    (void)state;
    uint64_t before = complete_one();
    ctl_start(&watch, &d, "watch --since 0 --json");
    json_t *first = next_event();
    assert_int_equal(number_of(first, "seq"), 1);
    assert_true(is_type(first, "config.applied"));
    assert_true(number_of(first, "at") > 1600000000000);
    json_decref(first);
    seq = 1;
    follow(&seq, "job.submitted", before);
    follow(&seq, "job.started", before);
    follow(&seq, "job.completed", before);
    uint64_t after = complete_one(); /* live */
    follow(&seq, "job.completed", after);
    end_watch(cursor, sizeof(cursor));
}

/* Without --since it begins with what is new. */
static void
a_watch_begins_with_what_is_new(void **state)
{
    char    cursor[64];
    int64_t seq;

    (void)state;
    uint64_t before = complete_one();
    ctl_start(&watch, &d, "watch --json --topic job.");
    /* That it listens is seen by its telling of one; those before are not told. */
    ctl_until_least(&c, "control.waiting", 1, "status");
    uint64_t after = complete_one();
    json_t  *first = next_event();
    assert_true(is_type(first, "job.submitted"));
    assert_int_equal(number_of(first, "job"), after);
    assert_true(after > before);
    seq = number_of(first, "seq");
    json_decref(first);
    follow(&seq, "job.completed", after);
    end_watch(cursor, sizeof(cursor));
}

static void
a_cursor_goes_on_behind_a_kill_without_hole_or_duplicate(void **state)
{
    char    cursor[64];
    int64_t seq = 0;

    (void)state;
    uint64_t one = complete_one();
    ctl_start(&watch, &d, "watch --since 0 --json");
    follow(&seq, "job.completed", one);
    end_watch(cursor, sizeof(cursor));
    uint64_t two = complete_one(); /* while nobody watches */
    daemon_kill(&d);
    daemon_start(&d, NULL);
    uint64_t three = complete_one();
    ctl_start(&watch, &d, "watch --since %s --json", cursor);
    follow(&seq, "job.submitted", two);
    follow(&seq, "job.completed", two);
    follow(&seq, "job.completed", three);
    /* And one that watches all the while. */
    daemon_kill(&d);
    daemon_start(&d, NULL);
    uint64_t four = complete_one();
    follow(&seq, "job.completed", four);
    end_watch(cursor, sizeof(cursor));
    ctl_start(&watch, &d, "watch --since %s --json", cursor);
    uint64_t five = complete_one();
    follow(&seq, "job.submitted", five);
    end_watch(cursor, sizeof(cursor));
}

static void
a_cursor_of_another_store_is_told_of_the_gap(void **state)
{
    char    cursor[64];
    int64_t seq;

    (void)state;
    uint64_t job = complete_one();
    ctl_start(&watch, &d, "watch --since 00000000deadbeef-3 --json");
    json_t *gap = next_event();
    assert_true(is_type(gap, "gap"));
    assert_int_equal(number_of(gap, "first"), 1);
    json_decref(gap);
    seq = 0;
    follow(&seq, "job.completed", job);
    end_watch(cursor, sizeof(cursor));
    /* One that is ahead of the store is of no use either. */
    FREE_AUTO char *ahead = xstrndup(cursor, strcspn(cursor, "-"));
    ctl_start(&watch, &d, "watch --since %s-999999 --json", ahead);
    gap = next_event();
    assert_true(is_type(gap, "gap"));
    json_decref(gap);
    end_watch(cursor, sizeof(cursor));
}

/* More than limits.feed_bytes has happened since. */
static void
a_cursor_older_than_what_is_kept_is_told_of_the_gap(void **state)
{
    BUF_AUTO struct buf jobs = {0};
    char                cursor[64], path[128];

    (void)state;
    uint64_t job = complete_one();
    int64_t  seq = 0;
    ctl_start(&watch, &d, "watch --since 0 --json");
    follow(&seq, "job.completed", job);
    end_watch(cursor, sizeof(cursor));
    for (int i = 0; i < BATCH_MAX; i++)
        buf_add_str(&jobs, "{\"handler\":\"noop\"}\n");
    (void)snprintf(path, sizeof(path), "%s/batch", d.folder); /* fits */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(buf_str(&jobs), file) >= 0);
    assert_int_equal(fclose(file), 0);
    ctl_must(&c, "job submit-many %s", path);
    uint64_t last = job + BATCH_MAX;
    ctl_await(&c, last, "completed");
    ctl_start(&watch, &d, "watch --since %s --json", cursor);
    json_t *gap = next_event();
    assert_true(is_type(gap, "gap"));
    int64_t first = number_of(gap, "first");
    assert_true(first > seq + 1);
    json_decref(gap);
    seq = first - 1; /* all that is kept, from there on */
    follow(&seq, "job.completed", last);
    end_watch(cursor, sizeof(cursor));
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
topics_choose_what_is_told(void **state)
{
    char cursor[64];

    (void)state;
    (void)complete_one();
    ctl_must(&c, "schedule add later --every 1h --handler noop");
    uint64_t last = complete_one();
    ctl_start(&watch, &d, "watch --since 0 --json --topic job.completed");
    for (uint64_t job = last - 1; job <= last; job++) {
        json_t *event = next_event();

        assert_true(is_type(event, "job.completed"));
        assert_int_equal(number_of(event, "job"), job);
        json_decref(event);
    }
    end_watch(cursor, sizeof(cursor));
    ctl_start(&watch, &d, "watch --since 0 --json --topic schedule.");
    json_t *event = next_event();
    assert_true(is_type(event, "schedule.added"));
    assert_string_equal(json_string_value(json_object_get(event, "schedule")), "later");
    assert_string_equal(json_string_value(json_object_get(event, "company")), "default");
    json_decref(event);
    ctl_must(&c, "schedule pause later");
    ctl_must(&c, "job show %" PRIu64, complete_one()); /* is passed over */
    ctl_must(&c, "schedule remove later");
    event = next_event();
    assert_true(is_type(event, "schedule.paused"));
    json_decref(event);
    event = next_event();
    assert_true(is_type(event, "schedule.removed"));
    json_decref(event);
    end_watch(cursor, sizeof(cursor));
}

static void
expect_wakeup(const char *type, uint64_t job)
{
    json_t *event = next_event();
    json_t *wanted = json_pack("{s:I,s:s,s:s,s:{s:s}}", "wakeupRequestId", (json_int_t)job,
                               "agentId", "scout", "trigger", "event", "context", "why", "test");

    assert_non_null(wanted);
    if (!is_type(event, type) || !json_equal(json_object_get(event, "payload"), wanted)) {
        FREE_AUTO char *text = json_dumps(event, JSON_COMPACT);
        daemon_fail(&d, "no %s: %s", type, text);
    }
    assert_string_equal(json_string_value(json_object_get(event, "companyId")), "acme");
    assert_string_equal(json_string_value(json_object_get(event, "actorKind")), "user");
    assert_true(json_string_length(json_object_get(event, "actorId")) > 0);
    assert_true(number_of(event, "at") > 1600000000000);
    json_decref(wanted);
    json_decref(event);
}

static void
an_agents_wake_up_is_told_when_queued_and_when_leased(void **state)
{
    char cursor[64];

    (void)state;
    (void)complete_one(); /* no agent: no wake-up */
    uint64_t job = ctl_submit(&c, "--company acme --agent scout --trigger event --payload 5 "
                                  "--context '{\"why\":\"test\"}'");
    ctl_await(&c, job, "completed");
    ctl_start(&watch, &d, "watch --since 0 --json --topic wakeup.");
    expect_wakeup("wakeup.scheduled", job);
    end_watch(cursor, sizeof(cursor));
    ctl_start(&watch, &d, "watch --since 0 --json --topic agent.wakeup");
    expect_wakeup("agent.wakeup", job);
    end_watch(cursor, sizeof(cursor));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(everything_is_told_from_the_beginning),
        TEST(a_watch_begins_with_what_is_new),
        TEST(a_cursor_goes_on_behind_a_kill_without_hole_or_duplicate),
        TEST(a_cursor_of_another_store_is_told_of_the_gap),
        TEST(a_cursor_older_than_what_is_kept_is_told_of_the_gap),
        TEST(topics_choose_what_is_told),
        TEST(an_agents_wake_up_is_told_when_queued_and_when_leased),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
