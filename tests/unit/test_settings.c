#include "common/mp.h"
#include "proto/codec.h"
#include "tests/unit/config_fixture.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SINKS \
    "sinks: {a: {kind: file, path: a}, b: {kind: file, path: b}, c: {kind: file, path: c}}\n"

/* Three values of every setting, each as --set takes it; neighbours differ, and none is out of
 * range. */
static void
values_of(const struct setting *s, const char *out[3])
{
    static const char *const levels[] = {"debug", "warn", "error"};
    static const char *const durabilities[] = {"relaxed", "full", "relaxed"};
    static const char *const approvals[] = {"schedules", "all", "none"};
    static const char *const on_cooldowns[] = {"defer", "reject", "defer"};
    static const char *const on_failures[] = {"hold", "skip", "hold"};
    static const char *const handlers[] = {"noop", "echo", "default/sleep"};
    static const char *const truths[] = {"false", "true", "false"};
    static const char *const zones[] = {"Europe/Paris", "UTC", "Asia/Tokyo"};
    static const char *const hours[] = {"22:00-07:00", "", "09:00-10:30"};
    static const char *const paths[] = {"/x", "/y/y", "/z"};
    static const char *const listens[] = {"127.0.0.1:1", "[::1]:80", "10.0.0.1:65535"};
    static const char *const hosts[] = {"a.example", "b,c.example", ""};
    static const char *const origins[] = {"http://a", "https://b:80, http://c", ""};
    static const char *const numbers[] = {"2", "3", "5"};
    static const char *const durations[] = {"2s", "1500ms", "3s"};
    static const char *const bytes[] = {"2M", "4194304", "1G"};
    static const char *const ladders[] = {"1s", "2s,3s", "1m,1h"};
    static const char *const names[] = {"a", "b,c", "c"};
    const char *const       *from = paths;

    switch (s->type) {
    case SETTING_NUMBER:
    case SETTING_LIMIT: from = numbers; break;
    case SETTING_LASTING:
    case SETTING_DURATION: from = durations; break;
    case SETTING_BYTES: from = bytes; break;
    case SETTING_LADDER: from = ladders; break;
    case SETTING_NAMES: from = names; break;
    case SETTING_BOOL: from = truths; break;
    case SETTING_STRING:
        from = zones;
        if (strcmp(s->key, "agent_approval") == 0) from = approvals;
        if (strcmp(s->key, "on_cooldown") == 0) from = on_cooldowns;
        if (strcmp(s->key, "on_failure") == 0) from = on_failures;
        if (strcmp(s->key, "handler") == 0) from = handlers;
        if (strcmp(s->key, "quiet_hours") == 0) from = hours;
        break;
    case SETTING_TEXT:
        if (strcmp(s->key, "level") == 0) from = levels;
        if (strcmp(s->key, "durability") == 0) from = durabilities;
        if (strcmp(s->key, "listen") == 0) from = listens;
        if (strcmp(s->key, "hosts") == 0) from = hosts;
        if (strcmp(s->key, "origins") == 0) from = origins;
        break;
    }
    memcpy(out, from, 3 * sizeof(*out));
}

static const char *
bad_value_of(const struct setting *s)
{
    return s->type == SETTING_TEXT || s->type == SETTING_STRING ? "\x01" : "no,pe";
}

/* A value as --set takes it, written as the file does. */
static void
put_file_value(const struct setting *s, const char *value, struct buf *out)
{
    bool is_list = s->type == SETTING_LADDER || s->type == SETTING_NAMES;

    if (is_list) {
        buf_printf(out, "[%s]", value);
    } else {
        buf_add_str(out, value);
    }
}

/* `value` is NULL for a file that does not have the setting. */
static void
write_file(struct fixture *f, const struct setting *s, const char *value)
{
    BUF_AUTO struct buf text = {0};

    buf_add_str(&text, SINKS);
    if (value) {
        buf_printf(&text, "%s: {%s: ", s->section, s->key);
        put_file_value(s, value, &text);
        buf_add_str(&text, "}\n");
    }
    fixture_write(f, buf_view(&text));
}

struct layers {
    const char *file;
    const char *variable;
    const char *set; /* each NULL: not there */
};

static char *
variable_text(const struct setting *s, const char *value)
{
    char *text = xasprintf("AGENTD_%s_%s=%s", s->section, s->key, value);

    for (char *c = text; *c != '='; c++)
        *c = (char)toupper((unsigned char)*c);
    return text;
}

static enum errc
load_layers(struct fixture *f, const struct setting *s, const struct layers *l)
{
    FREE_AUTO char *variable = variable_text(s, l->variable ? l->variable : "");
    FREE_AUTO char *set = xasprintf("%s.%s=%s", s->section, s->key, l->set ? l->set : "");
    const char     *sets[] = {set};

    write_file(f, s, l->file);
    f->variables[0] = l->variable ? variable : NULL;
    f->src.sets = sets;
    f->src.nsets = l->set != NULL;
    /* Given folders would hide these two settings. */
    f->src.state_dir = strcmp(s->key, "state_dir") == 0 ? NULL : "/state";
    f->src.run_dir = strcmp(s->key, "run_dir") == 0 ? NULL : "/run/here";
    enum errc rc = fixture_load(f);
    f->variables[0] = NULL;
    f->src.sets = NULL;
    f->src.nsets = 0;
    return rc;
}

/* The value in a form that can be compared. */
static char *
shown_value(const struct config *c, const struct setting *s)
{
    const void *member = (const char *)c + s->offset;
    struct view v;

    switch (s->type) {
    case SETTING_TEXT: return xstrdup(*(const char *const *)member);
    case SETTING_STRING:
    case SETTING_LADDER:
    case SETTING_NAMES: v = *(const struct view *)member; return view_dup(v);
    case SETTING_BOOL: return xstrdup(*(const bool *)member ? "true" : "false");
    default: return xasprintf("%lld", (long long)*(const int64_t *)member);
    }
}

/* With these sources the value is what `value` alone, given by --set, makes it. */
static void
expect_effect(struct fixture *f, const struct setting *s, const struct layers *l, const char *value)
{
    struct layers alone = {.set = value};

    if (load_layers(f, s, &alone)) fail_msg("%s", f->e.msg);
    FREE_AUTO char *expected = shown_value(&f->config, s);
    if (load_layers(f, s, l)) fail_msg("%s", f->e.msg);
    FREE_AUTO char *found = shown_value(&f->config, s);
    if (strcmp(found, expected) != 0) {
        fail_msg("%s.%s is %s instead of %s", s->section, s->key, found, expected);
    }
}

static void
every_setting_is_taken_from_set_then_environment_then_file_then_default(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        const char           *v[3];

        values_of(s, v);
        expect_effect(f, s, &(struct layers){.file = v[0]}, v[0]);
        expect_effect(f, s, &(struct layers){.variable = v[1]}, v[1]);
        expect_effect(f, s, &(struct layers){.file = v[0], .variable = v[1]}, v[1]);
        expect_effect(f, s, &(struct layers){v[0], v[1], v[2]}, v[2]);
        expect_effect(f, s, &(struct layers){.variable = v[1], .set = v[2]}, v[2]);
        assert_int_equal(f->warnings.size, 0);
        bool has_default_place = strcmp(s->key, "state_dir") == 0 || strcmp(s->key, "run_dir") == 0;
        bool is_filled_in = has_default_place || strcmp(s->key, "pid_file") == 0;
        if (!is_filled_in) expect_effect(f, s, &(struct layers){0}, s->text);
    }
}

static void
every_bad_variable_is_a_warning_and_the_next_source_counts(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        const char           *v[3];

        values_of(s, v);
        expect_effect(f, s, &(struct layers){.file = v[0], .variable = bad_value_of(s)}, v[0]);
        FREE_AUTO char *begin = variable_text(s, "");
        begin[strlen(begin) - 1] = ':';
        assert_memory_equal(buf_str(&f->warnings), begin, strlen(begin));
        assert_non_null(strstr(buf_str(&f->warnings), ": ignored: found \""));
        assert_ptr_equal(strchr(f->warnings.data, '\n'), f->warnings.data + f->warnings.size - 1);
        expect_effect(
            f, s, &(struct layers){.file = v[0], .variable = bad_value_of(s), .set = v[2]}, v[2]);
    }
}

static void
every_bad_value_of_set_is_refused(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        FREE_AUTO char       *begin = xasprintf("--set %s.%s: found \"", s->section, s->key);

        assert_int_equal(load_layers(f, s, &(struct layers){.set = bad_value_of(s)}),
                         E_BAD_REQUEST);
        assert_memory_equal(f->e.msg, begin, strlen(begin));
        assert_non_null(strstr(f->e.msg, "allowed: "));
    }
}

static void
every_bad_value_in_the_file_is_refused_even_when_it_would_be_overridden(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        FREE_AUTO char       *begin = xasprintf("%s:2:", f->path);
        FREE_AUTO char       *field = xasprintf("%s.%s", s->section, s->key);
        const char           *v[3];

        values_of(s, v);
        assert_int_equal(load_layers(f, s, &(struct layers){"{}", v[1], v[2]}), E_BAD_REQUEST);
        assert_memory_equal(f->e.msg, begin, strlen(begin));
        assert_memory_equal(f->e.field, field, strlen(field));
    }
}

static void
integers_outside_the_range_are_refused_and_its_ends_are_not(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        char                  low[32], high[32], below[32], above[32];
        bool                  is_number = s->type == SETTING_NUMBER || s->type == SETTING_LIMIT;

        if (!is_number || strcmp(s->section, "workers") == 0) continue;
        (void)snprintf(low, sizeof(low), "%lld", (long long)s->low);
        (void)snprintf(high, sizeof(high), "%lld", (long long)s->high);
        (void)snprintf(below, sizeof(below), "%lld", (long long)s->low - 1);
        (void)snprintf(above, sizeof(above), "%llu", (unsigned long long)s->high + 1);
        assert_int_equal(load_layers(f, s, &(struct layers){.set = low}), E_OK);
        assert_int_equal(load_layers(f, s, &(struct layers){.set = high}), E_OK);
        assert_int_equal(load_layers(f, s, &(struct layers){.set = below}), E_BAD_REQUEST);
        assert_int_equal(load_layers(f, s, &(struct layers){.set = above}), E_BAD_REQUEST);
        assert_int_equal(load_layers(f, s, &(struct layers){.file = below}), E_BAD_REQUEST);
        assert_int_equal(load_layers(f, s, &(struct layers){.file = above}), E_BAD_REQUEST);
    }
}

static void
only_a_limit_may_be_null(void **state)
{
    struct fixture       *f = *state;
    size_t                count;
    const struct setting *all = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &all[i];
        bool                  is_nullable = s->type == SETTING_LIMIT || s->type == SETTING_LASTING;
        enum errc             rc = is_nullable ? E_OK : E_BAD_REQUEST;

        assert_int_equal(load_layers(f, s, &(struct layers){.file = "null"}), rc);
        if (rc) continue;
        assert_int_equal(*(int64_t *)(void *)((char *)&f->config + s->offset), NO_LIMIT);
        assert_int_equal(load_layers(f, s, &(struct layers){.set = "null"}), E_OK);
        assert_int_equal(*(int64_t *)(void *)((char *)&f->config + s->offset), NO_LIMIT);
    }
}

/* ---- the rest of --set and the environment --------------------------------- */

static void
expect_set_refused(struct fixture *f, const char *set, const char *message, const char *hint)
{
    const char *sets[] = {set};

    f->src.sets = sets;
    f->src.nsets = 1;
    assert_int_equal(fixture_load_text(f, ""), E_BAD_REQUEST);
    assert_string_equal(f->e.msg, message);
    assert_string_equal(f->e.hint, hint);
}

static void
what_is_no_setting_cannot_be_set(void **state)
{
    expect_set_refused(*state, "limits.max_rum=5m", "--set limits.max_rum: no such setting",
                       "did you mean \"limits.max_run\"?");
    expect_set_refused(*state, "limits.max_run", "--set limits.max_run: must be section.key=value",
                       "");
    expect_set_refused(*state, "max_run=5m", "--set max_run=5m: must be section.key=value", "");
    expect_set_refused(*state, "x=y.z", "--set x=y.z: must be section.key=value", "");
    expect_set_refused(*state, "handlers.a=b", "--set handlers.a: no such setting", "");
    expect_set_refused(*state, "daemon.watchdog_interval=60s",
                       "--set daemon.watchdog_interval: not supported by this version", "");
}

static void
the_last_set_wins_and_an_earlier_bad_one_still_refuses(void **state)
{
    struct fixture *f = *state;
    const char     *sets[] = {"limits.max_turns=5", "limits.max_turns=7"};

    f->src.sets = sets;
    f->src.nsets = 2;
    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_int_equal(f->config.limits.max_turns, 7);
    sets[0] = "limits.max_turns=x";
    assert_int_equal(fixture_load_text(f, ""), E_BAD_REQUEST);
}

static void
variables_that_name_no_setting_are_warned_of_by_section_only(void **state)
{
    struct fixture *f = *state;

    f->variables[0] = "AGENTD_LIMITS_MAX_RUNS=5m";
    f->variables[1] = "AGENTD_WORKERS_NOTHING_LIKE_IT=1";
    f->variables[2] = "AGENTD_WORKER=3";
    f->variables[3] = "AGENTD_LEASE=1-2";
    f->variables[4] = "AGENTD_JOB_ID=7";
    f->variables[5] = "AGENTD_WHATEVER=x";
    f->variables[6] = "LIMITS_MAX_RUN=x";
    f->variables[7] = NULL;
    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_string_equal(buf_str(&f->warnings),
                        "AGENTD_LIMITS_MAX_RUNS: no such setting; did you mean "
                        "AGENTD_LIMITS_MAX_RUN?\n"
                        "AGENTD_WORKERS_NOTHING_LIKE_IT: no such setting\n");
}

static void
a_variable_that_names_an_undeclared_sink_is_ignored(void **state)
{
    struct fixture *f = *state;

    f->variables[0] = "AGENTD_SESSIONS_SINKS=a,x";
    assert_int_equal(fixture_load_text(f, SINKS "sessions: {sinks: [c]}\n"), E_OK);
    assert_int_equal(f->config.limits.session_sinks.size, 3);
    assert_memory_equal(f->config.limits.session_sinks.data,
                        "\x91\xa1"
                        "c",
                        3);
    assert_string_equal(buf_str(&f->warnings),
                        "AGENTD_SESSIONS_SINKS: ignored: found \"a,x\", allowed: up to 8 names of "
                        "declared sinks like a,b, each once\n");
    f->variables[0] = "AGENTD_SESSIONS_SINKS=a,b,a";
    assert_int_equal(fixture_load_text(f, SINKS "sessions: {sinks: [c]}\n"), E_OK);
    assert_int_equal(f->config.limits.session_sinks.size, 3);
    f->variables[0] = "AGENTD_SESSIONS_SINKS=";
    assert_int_equal(fixture_load_text(f, SINKS "sessions: {sinks: [c]}\n"), E_OK);
    assert_int_equal(f->config.limits.session_sinks.size, 1);
}

static void
a_variable_without_a_zone_or_hours_is_ignored(void **state)
{
    struct fixture *f = *state;

    f->variables[0] = "AGENTD_SESSIONS_ZONE=Mars/X";
    f->variables[1] = "AGENTD_SESSIONS_QUIET_HOURS=24:00-07:00";
    assert_int_equal(
        fixture_load_text(f, "sessions: {zone: Asia/Tokyo, quiet_hours: 22:00-07:00}\n"), E_OK);
    assert_true(view_is(f->config.limits.session_zone, "Asia/Tokyo"));
    assert_true(view_is(f->config.limits.session_quiet_hours, "22:00-07:00"));
    assert_non_null(strstr(buf_str(&f->warnings), "AGENTD_SESSIONS_ZONE: ignored: "));
    assert_non_null(strstr(buf_str(&f->warnings), "AGENTD_SESSIONS_QUIET_HOURS: ignored: "));
    f->variables[0] = f->variables[1] = NULL;
}

static void
the_gateway_is_enabled_by_what_else_is_said_of_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_false(f->config.gateway_is_enabled);
    assert_int_equal(fixture_load_text(f, "gateway: {hosts: me.example}\n"), E_OK);
    assert_true(f->config.gateway_is_enabled);
    assert_int_equal(fixture_load_text(f, "gateway: {hosts: me.example, enabled: false}\n"), E_OK);
    assert_false(f->config.gateway_is_enabled);
    assert_int_equal(fixture_load_text(f, "gateway: {enabled: true}\n"), E_OK);
    assert_true(f->config.gateway_is_enabled);
    f->variables[0] = "AGENTD_GATEWAY_LISTEN=127.0.0.1:1";
    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_true(f->config.gateway_is_enabled);
}

/* ---- workers times slots --------------------------------------------------- */

static void
workers_follow_the_cores_and_the_room_for_slots(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_in_range(f->config.workers, 1, WORKERS_MAX);
    assert_int_equal(fixture_load_text(f, "workers: {slots: 1024}\n"), E_OK);
    assert_int_equal(f->config.workers, 1);
    assert_int_equal(fixture_load_text(f, "workers: {slots: 16, count: 64}\n"), E_OK);
    assert_int_equal(f->config.workers, 64);
}

static void
a_variable_that_makes_too_many_slots_is_ignored(void **state)
{
    struct fixture *f = *state;

    f->variables[0] = "AGENTD_WORKERS_SLOTS=600";
    assert_int_equal(fixture_load_text(f, "workers: {count: 2, slots: 4}\n"), E_OK);
    assert_int_equal(f->config.slots, 4);
    assert_int_equal(f->config.workers, 2);
    assert_string_equal(buf_str(&f->warnings), "AGENTD_WORKERS_SLOTS: ignored: workers.count times "
                                               "workers.slots is over 1024\n");
}

static void
too_many_slots_by_set_are_refused(void **state)
{
    struct fixture *f = *state;
    const char     *sets[] = {"workers.slots=600", "workers.count=2"};

    f->src.sets = sets;
    f->src.nsets = 2;
    assert_int_equal(fixture_load_text(f, ""), E_BAD_REQUEST);
    assert_string_equal(f->e.msg,
                        "--set workers.slots: workers.count times workers.slots is over 1024");
    assert_int_equal(fixture_load_text(f, "workers: {slots: 100, count: 9}\n"), E_BAD_REQUEST);
    f->src.nsets = 0;
    f->variables[0] = "AGENTD_WORKERS_SLOTS=600";
    assert_int_equal(fixture_load_text(f, "workers: {slots: 200, count: 6}\n"), E_BAD_REQUEST);
    assert_non_null(strstr(f->e.msg, "c.yaml:1:18: workers.slots: "));
}

static void
heartbeats_come_before_their_time_out(void **state)
{
    struct fixture *f = *state;
    const char     *sets[] = {"workers.heartbeat_interval=10s"};

    assert_int_equal(fixture_load_text(f, "workers:\n  heartbeat_interval: 5s\n"
                                          "  heartbeat_timeout: 5s\n"),
                     E_BAD_REQUEST);
    assert_non_null(strstr(f->e.msg, "c.yaml:2:23: workers.heartbeat_interval: "
                                     "workers.heartbeat_interval must be less than "));
    assert_int_equal(fixture_load_text(f, "workers: {heartbeat_timeout: 1s}\n"), E_BAD_REQUEST);
    assert_non_null(strstr(f->e.msg, "c.yaml:1:30: workers.heartbeat_timeout: "));
    f->variables[0] = "AGENTD_WORKERS_HEARTBEAT_TIMEOUT=900ms";
    assert_int_equal(fixture_load_text(f, ""), E_OK);
    assert_int_equal(f->config.limits.heartbeat_timeout_ms, 10000);
    assert_memory_equal(buf_str(&f->warnings), "AGENTD_WORKERS_HEARTBEAT_TIMEOUT: ignored: ", 42);
    f->src.sets = sets;
    f->src.nsets = 1;
    assert_int_equal(fixture_load_text(f, ""), E_BAD_REQUEST);
    assert_memory_equal(f->e.msg, "--set workers.heartbeat_interval: ", 34);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_end)
        TEST(a_variable_without_a_zone_or_hours_is_ignored),
        TEST(the_gateway_is_enabled_by_what_else_is_said_of_it),
        TEST(every_setting_is_taken_from_set_then_environment_then_file_then_default),
        TEST(every_bad_variable_is_a_warning_and_the_next_source_counts),
        TEST(every_bad_value_of_set_is_refused),
        TEST(every_bad_value_in_the_file_is_refused_even_when_it_would_be_overridden),
        TEST(integers_outside_the_range_are_refused_and_its_ends_are_not),
        TEST(only_a_limit_may_be_null),
        TEST(what_is_no_setting_cannot_be_set),
        TEST(the_last_set_wins_and_an_earlier_bad_one_still_refuses),
        TEST(variables_that_name_no_setting_are_warned_of_by_section_only),
        TEST(a_variable_that_names_an_undeclared_sink_is_ignored),
        TEST(workers_follow_the_cores_and_the_room_for_slots),
        TEST(a_variable_that_makes_too_many_slots_is_ignored),
        TEST(too_many_slots_by_set_are_refused),
        TEST(heartbeats_come_before_their_time_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
