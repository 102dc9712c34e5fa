/* Messages from outside: one whose outcome nobody knows is sent once, listed, resolved and sent
 * again by hand; unasked ones are held back (D4, D5, D6). */
#include "tests/system/e2e.h"

#define CONFIG(sink, more)                         \
    "workers: {count: 1, slots: 4}\n"              \
    "daemon: {stop_grace: 0s}\n"                   \
    "limits: {kill_grace: 200ms}\n"                \
    "handlers:\n"                                  \
    "  says: {kind: exec, command: [./says]}\n"    \
    "sinks:\n"                                     \
    "  held: {kind: command, command: [./held]}\n" \
    "  notes: {kind: file, path: notes.jsonl}\n"   \
    "sessions: {handler: says, sinks: [" sink "]" more "}\n"

#define SAYS \
    "#!/bin/sh\necho '{\"type\":\"effect\",\"kind\":\"send_message\",\"content\":\"hello\"}'\n"
/* What is said in a session whose key begins with "note" goes to the file. */
#define CHOOSES                                                                               \
    "#!/bin/sh\n"                                                                             \
    "case $(cat) in *'\"key\":\"note'*) sink=notes;; *) sink=held;; esac\n"                   \
    "printf "                                                                                 \
    "'{\"type\":\"effect\",\"kind\":\"send_message\",\"content\":\"x\",\"sink\":\"%s\"}\\n' " \
    "$sink\n"
#define HELD                                   \
    "#!/bin/sh\n"                              \
    "dir=$(dirname \"$0\")\n"                  \
    "echo $AGENTD_EFFECT_ID >>\"$dir/sent\"\n" \
    "read x <\"$dir/gate\"\n"

static int
start_with(const char *config)
{
    e2e_make();
    script_write(&d, "says", SAYS);
    script_write(&d, "held", HELD);
    return e2e_start(config);
}

static int
start_held(void **state)
{
    (void)state;
    return start_with(CONFIG("held", ""));
}

static int
start_notes(void **state)
{
    (void)state;
    return start_with(CONFIG("notes", ""));
}

static int
start_deferring(void **state)
{
    (void)state;
    return start_with(CONFIG("notes", ", cooldown: 1h, on_cooldown: defer"));
}

static void
expect_sound(void)
{
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
what_may_have_been_sent_is_an_operators_to_resolve(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "session send chat one");
    (void)marks_wait(&d, "sent", 1, &text);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_until(&c, "items.0.id", "1", "effect list --status unknown");
    ctl_expect(&c, "items.0.attempts", "1");
    ctl_must(&c, "session send chat two"); /* it holds nobody back */
    (void)marks_wait(&d, "sent", 2, &text);
    assert_int_equal(marks_number(&d, "sent", 1), 2);
    gate_pass(gate, 1);
    ctl_until(&c, "status", "\"delivered\"", "effect show 2");
    ctl_refused(&c, 1, "wrong_state", "nobody knows", "effect resend 1");
    ctl_must(&c, "effect why 1");
    ctl_expect_text(&c, "change", "effect resolve 1");
    ctl_must(&c, "effect resolve 1 --outcome failed --reason 'it did not come'");
    ctl_expect(&c, "status", "\"failed\"");
    ctl_refused(&c, 1, "wrong_state", "failed", "effect resolve 1 --outcome delivered");
    assert_int_equal(marks_count(&d, "sent"), 2); /* nothing was sent blindly */
    ctl_must(&c, "effect resend 1");
    ctl_expect(&c, "done", "1");
    (void)marks_wait(&d, "sent", 3, &text);
    assert_int_equal(marks_number(&d, "sent", 2), 1);
    gate_pass(gate, 1);
    ctl_until(&c, "status", "\"delivered\"", "effect show 1");
    ctl_expect(&c, "resends", "1");
    ctl_must(&c, "audit");
    ctl_expect(&c, "items.0.action", "\"effect.resend\"");
    ctl_expect(&c, "items.1.action", "\"effect.resolve\"");
    expect_sound();
}

static void
what_nobody_asked_for_too_soon_is_kept_and_may_be_sent_by_hand(void **state)
{
    (void)state;
    ctl_must(&c, "session send chat hi");
    ctl_until(&c, "items.0.status", "\"delivered\"", "effect list");
    ctl_must(&c, "session event chat tick");
    ctl_must(&c, "session event chat tick");
    ctl_until(&c, "items.0.reason", "\"cooldown_active\"", "effect list --status rejected");
    ctl_expect(&c, "items.0.id", "3");
    ctl_expect(&c, "items.0.autonomous", "true");
    ctl_until(&c, "status", "\"delivered\"", "effect show 2");
    ctl_must(&c, "effect resend --status rejected --dry-run");
    ctl_expect(&c, "matched", "1");
    ctl_expect(&c, "done", "0");
    ctl_must(&c, "effect resend --status rejected --session chat");
    ctl_expect(&c, "done", "1");
    ctl_until(&c, "status", "\"delivered\"", "effect show 3");
    assert_int_equal(marks_count(&d, "state/notes.jsonl"), 3);
    expect_sound();
}

static void
what_is_put_off_is_released_by_hand(void **state)
{
    (void)state;
    ctl_must(&c, "session send chat hi");
    ctl_until(&c, "items.0.status", "\"delivered\"", "effect list");
    ctl_must(&c, "session event chat tick");
    ctl_must(&c, "session event chat tick");
    ctl_until(&c, "status", "\"delivered\"", "effect show 2");
    ctl_until(&c, "items.0.id", "3", "effect list --status pending");
    ctl_must(&c, "effect why 3");
    ctl_expect(&c, "blockers.0.predicate", "\"cooldown\"");
    ctl_expect(&c, "change", "\"agentctl effect resend 3\"");
    ctl_must(&c, "effect resend --status pending --dry-run");
    ctl_expect(&c, "matched", "1");
    ctl_must(&c, "effect resend 3");
    ctl_until(&c, "status", "\"delivered\"", "effect show 3");
    assert_int_equal(marks_count(&d, "state/notes.jsonl"), 3);
    expect_sound();
}

static void
a_sink_that_hangs_holds_back_no_other(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    script_write(&d, "says", CHOOSES);
    for (int i = 1; i <= 8; i++)
        ctl_must(&c, "session send hang/%d x", i);
    (void)marks_wait(&d, "sent", 3, &text);
    for (int i = 1; i <= 3; i++)
        ctl_must(&c, "session send note/%d x", i);
    ctl_until(&c, "items.2.sink", "\"notes\"", "effect list --status delivered");
    assert_int_equal(marks_count(&d, "sent"), 3);
    ctl_must(&c, "effect list --status pending");
    assert_int_equal(ctl_count(&c, "items"), 5);
    ctl_must(&c, "effect why %d", (int)ctl_number(&c, "items.4.id"));
    ctl_expect(&c, "blockers.0.predicate", "\"sink_share\"");
    gate_pass(gate, 8);
    ctl_until(&c, "items.10.status", "\"delivered\"", "effect list --status delivered");
    assert_int_equal(marks_count(&d, "sent"), 8);
    expect_sound();
}

#define DOES                                                                                   \
    "#!/bin/sh\necho '{\"type\":\"effect\",\"kind\":\"activity\",\"activity\":\"post_liked\"," \
    "\"data\":{\"post\":7}}'\n"

/* N33: agentd's own is used, whatever is in its place by now. */
static int
start_with_a_copy(void **state)
{
    char path[128];

    (void)state;
    e2e_make();
    script_write(&d, "says", SAYS);
    (void)snprintf(path, sizeof(path), "%s/agent-delivery", d.folder);
    file_copy(daemon_program("agent-delivery"), path);
    assert_int_equal(setenv("AGENTD_DELIVERY", path, 1), 0);
    (void)e2e_start(CONFIG("notes", ""));
    assert_int_equal(unlink(path), 0);
    file_copy("/bin/false", path);
    return 0;
}

static int
stop_without_it(void **state)
{
    assert_int_equal(unsetenv("AGENTD_DELIVERY"), 0);
    return e2e_stop(state);
}

static void
an_upgrade_of_what_delivers_does_not_mix_versions(void **state)
{
    (void)state;
    ctl_must(&c, "session send chat hi");
    ctl_until(&c, "items.0.status", "\"delivered\"", "effect list");
    assert_int_equal(marks_count(&d, "state/notes.jsonl"), 1);
}

static void
what_agents_did_is_kept_and_listed(void **state)
{
    (void)state;
    script_write(&d, "says", DOES);
    ctl_must(&c, "agent add anna --handler says");
    ctl_must(&c, "agent record anna post_created --data '{\"post\":7}'");
    ctl_expect(&c, "data.post", "7");
    ctl_await(&c, ctl_submit(&c, "--agent anna"), "completed");
    ctl_must(&c, "effect list");
    ctl_expect(&c, "items.0.status", "\"delivered\"");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "agent activity anna");
    ctl_expect(&c, "items.0.type", "\"post_liked\"");
    ctl_expect(&c, "items.0.data.post", "7");
    ctl_expect(&c, "items.1.type", "\"post_created\"");
    ctl_must(&c, "agent activity anna --type post_created --limit 5");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "agent remove anna");
    ctl_refused(&c, 1, "not_found", "anna", "agent activity anna");
    expect_sound();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_may_have_been_sent_is_an_operators_to_resolve,
                                        start_held, e2e_stop),
        cmocka_unit_test_setup_teardown(
            what_nobody_asked_for_too_soon_is_kept_and_may_be_sent_by_hand, start_notes, e2e_stop),
        cmocka_unit_test_setup_teardown(what_is_put_off_is_released_by_hand, start_deferring,
                                        e2e_stop),
        cmocka_unit_test_setup_teardown(what_agents_did_is_kept_and_listed, start_notes, e2e_stop),
        cmocka_unit_test_setup_teardown(an_upgrade_of_what_delivers_does_not_mix_versions,
                                        start_with_a_copy, stop_without_it),
        cmocka_unit_test_setup_teardown(a_sink_that_hangs_holds_back_no_other, start_held,
                                        e2e_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
