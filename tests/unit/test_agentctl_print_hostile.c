/* The printers on what nobody should send: nothing harmful is printed, and nothing is read that is
 * not there. */
#include "tests/unit/printing.h"
#include <string.h>

static printer *const printers[] = {
    ctl_print_job,       ctl_print_jobs,      ctl_print_job_ids,
    ctl_print_job_stats, ctl_print_why,       ctl_print_schedule,
    ctl_print_schedules, ctl_print_firings,   ctl_print_schedule_stats,
    ctl_print_removed,   ctl_print_companies, ctl_print_agent,
    ctl_print_agents,    ctl_print_handlers,  ctl_print_session,
    ctl_print_sessions,  ctl_print_effect,    ctl_print_effects,
    ctl_print_status,    ctl_print_pong,      ctl_print_workers,
    ctl_print_scaled,    ctl_print_restarted, ctl_print_fsck,
    ctl_print_reload,    ctl_print_clock,     ctl_print_event,
    ctl_print_usage,     ctl_print_forecast,
};

#define EVIL "\x1b[31m\x07\n\r\xe2\x80\xae\xc2\x9bx"

static void
must_be_harmless(struct buf *text)
{
    assert_true(utf8_is_valid(buf_view(text)));
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];

        if ((c < 0x20 && c != '\n') || c == 0x7f) fail_msg("byte %u at %zu", c, i);
    }
    assert_null(strstr(buf_str(text), "\xe2\x80\xae"));
    assert_null(strstr(buf_str(text), "\xc2\x9b"));
}

static void
print_all(struct view body, size_t width)
{
    for (size_t i = 0; i < ARRAY_LEN(printers); i++) {
        BUF_AUTO struct buf text = {0};
        struct ctl_out      o = out_into(&text);

        o.width = width;
        printers[i](&o, body);
        must_be_harmless(&text);
    }
}

/* All keys that a printer looks for. */
static const char *const keys[] = {
    "id",
    "state",
    "reason",
    "title",
    "trigger",
    "agent",
    "handler",
    "company",
    "name",
    "status",
    "text",
    "message",
    "class",
    "outcome",
    "kind",
    "sink",
    "session",
    "key",
    "schedule",
    "cron",
    "origin",
    "type",
    "at",
    "version",
    "pid",
    "run",
    "removed",
    "predicate",
    "holder",
    "change",
    "until_at",
    "next_fire_at",
    "submitted_at",
    "max_run_ms",
    "cost_micros",
    "used_bytes",
    "lag_us",
    "priority",
    "attempt",
    "worker",
    "cap",
    "on",
    "used",
    "limit",
    "action",
    "from",
    "to",
    "setting",
    "needs_restart",
    "count",
    "payload",
    "output",
    "context",
    "checkpoint",
    "receipt",
    "unique_key",
    "ok",
    "rows",
    "applied",
    "accepted",
    "restarting",
    "seq",
    "overlap",
    "stopping",
    "turns",
    "compared",
    "median_turns",
    "more_schedules",
    "turn_limit",
    "turn_limit_from",
};

static const char *const lists[] = {
    "items", "attempts", "blockers", "next_at",      "warnings",  "companies",
    "ids",   "problems", "plan",     "settings",     "caps",      "next",
    "sinks", "command",  "jobs",     "current_jobs", "schedules", "minutes",
};

static const char *const maps[] = {
    "failure", "usage", "tags", "queue", "workers", "store", "recent", "data", "advice",
};

/* What every key holds, by turns. */
enum content { AN_EVIL_STRING, A_HUGE_NUMBER, A_LOW_NUMBER, NIL, A_FLOAT, A_BIN, A_BOOL, CONTENTS };

static void
put_content(struct buf *out, enum content content)
{
    switch (content) {
    case AN_EVIL_STRING: mp_cstr(out, EVIL); break;
    case A_HUGE_NUMBER: mp_u64(out, UINT64_MAX); break;
    case A_LOW_NUMBER: mp_i64(out, INT64_MIN); break;
    case NIL: mp_nil(out); break;
    case A_FLOAT: mp_f64(out, 1e300); break;
    case A_BIN: mp_bin(out, view_of("\x1b\xff", 2)); break;
    case A_BOOL: mp_bool(out, true); break;
    case CONTENTS: fail();
    }
}

static void
put_body(struct buf *out, enum content content, int depth)
{
    struct mp_open_map m = mp_open(out);

    mp_key(out, &m, EVIL);
    put_content(out, content);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        mp_key(out, &m, keys[i]);
        put_content(out, content);
    }
    for (size_t i = 0; depth > 0 && i < ARRAY_LEN(maps); i++) {
        mp_key(out, &m, maps[i]);
        put_body(out, content, depth - 1);
    }
    for (size_t i = 0; depth > 0 && i < ARRAY_LEN(lists); i++) {
        mp_key(out, &m, lists[i]);
        mp_array(out, 2);
        put_content(out, content);
        put_body(out, content, depth - 1);
    }
    mp_close(out, &m);
}

static void
whatever_the_fields_hold_nothing_harmful_is_printed(void **state)
{
    (void)state;
    for (enum content content = 0; content < CONTENTS; content++) {
        BUF_AUTO struct buf body = {0};

        put_body(&body, content, 2);
        print_all(buf_view(&body), 0);
        print_all(buf_view(&body), 20);
    }
}

static void
lists_and_maps_of_another_kind_are_survived(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "null",
        "5",
        "\"text\"",
        "{\"items\":{\"a\":1},\"attempts\":5,\"blockers\":\"x\",\"next_at\":null,\"ids\":{}}",
        "{\"items\":[1,null,[],{},\"x\"],\"ids\":[null,\"x\",1.5],\"next_at\":[\"x\",null]}",
        "{\"failure\":[],\"usage\":3,\"tags\":[1],\"queue\":null,\"workers\":\"\",\"caps\":[[]]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        BUF_AUTO struct buf body = {0};

        pack(bodies[i], &body);
        print_all(buf_view(&body), 0);
    }
}

static void
bytes_that_are_no_message_are_survived(void **state)
{
    BUF_AUTO struct buf whole = {0};

    (void)state;
    print_all(view_of(NULL, 0), 0);
    print_all(view_of("\xdf\xff\xff\xff\xff", 5), 0);
    print_all(view_of("\x81\xa5items\xdd\xff\xff\xff\xff", 12), 0);
    put_body(&whole, AN_EVIL_STRING, 1);
    for (size_t size = 0; size < whole.size; size += 97)
        print_all(view_of(whole.data, size), 0);
}

static void
a_very_long_list_ends_somewhere(void **state)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct ctl_out      o = out_into(&text);
    const char         *end;

    (void)state;
    mp_map(&body, 1);
    mp_cstr(&body, "items");
    mp_array(&body, 100000);
    for (int i = 0; i < 100000; i++)
        mp_nil(&body);
    ctl_print_jobs(&o, buf_view(&body));
    end = "and 90000 more\n";
    assert_true(text.size > strlen(end));
    assert_string_equal(buf_str(&text) + text.size - strlen(end), end);
}

static void
a_very_long_value_is_shown_whole_where_nothing_cuts_it(void **state)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    BUF_AUTO struct buf value = {0};
    struct ctl_out      o = out_into(&text);
    struct mp_open_map  m = mp_open(&body);

    (void)state;
    for (int i = 0; i < 1000000; i++)
        buf_add(&value, "x", 1);
    mp_put_str(&body, &m, "reason", buf_view(&value));
    mp_close(&body, &m);
    ctl_print_job(&o, buf_view(&body));
    assert_int_equal(text.size, value.size + strlen("reason        ") + 1);
    buf_clear(&text);
    o.width = 80;
    ctl_print_job(&o, buf_view(&body));
    must_fit(&text, 80);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_fields_hold_nothing_harmful_is_printed),
        cmocka_unit_test(lists_and_maps_of_another_kind_are_survived),
        cmocka_unit_test(bytes_that_are_no_message_are_survived),
        cmocka_unit_test(a_very_long_list_ends_somewhere),
        cmocka_unit_test(a_very_long_value_is_shown_whole_where_nothing_cuts_it),
    };

    return cmocka_run_group_tests(tests, set_locale, NULL);
}
