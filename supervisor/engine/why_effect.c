#include "supervisor/engine/why.h"

#include "common/timetext.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/shares.h"
#include "supervisor/engine/sinks.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>

static int
attempts_max(struct why *w, const struct effect *ef)
{
    return ef->kind == EFFECT_PING ? PING_ATTEMPTS_MAX
                                   : (int)sink_attempts_max(w->objects, ef->sink);
}

static bool
expires_before(const struct effect *ef, int64_t at)
{
    return ef->status == STATUS_PENDING && ef->not_after && at >= ef->not_after;
}

/* It waits for `by`, which may be itself, until then, if it does not expire before.  What puts that
 * off an operator can end. */
static void
wait_blocker(struct why *w, const struct effect *ef, const struct effect *by, const char *predicate,
             const char *message, int64_t until_at)
{
    bool is_released =
        effect_may_be_released(by, w->now->wall_ms) && objects_get(w->objects, by->sink);
    char at[40], holder[32] = "", change[64], text[512];

    if (by->id != ef->id) snprintf(holder, sizeof(holder), "effect %" PRIu64, by->id);
    snprintf(change, sizeof(change), "agentctl effect resend %" PRIu64, by->id);
    snprintf(text, sizeof(text), "%s", message);
    if (expires_before(ef, until_at)) {
        snprintf(text, sizeof(text), "%s; but it expires before, at %s (not_after)", message,
                 instant_text(ef->not_after, at, sizeof(at)));
        until_at = 0;
    }
    why_blocker(w, predicate, text, view_str(holder), until_at, is_released ? change : NULL);
}

/* What goes before it to the same sink, or expires then. */
static void
first_blocker(struct why *w, const struct effect *ef, const struct effect *head)
{
    char    message[160];
    int64_t until_at = 0;

    snprintf(message, sizeof(message),
             "effect %" PRIu64 ", which is %s, goes first to the same sink", head->id,
             effect_status_name(head->status));
    if (head->not_before > w->now->wall_ms && head->not_before != WAITS_FOR_READER)
        until_at = expires_before(head, head->not_before) ? head->not_after : head->not_before;
    wait_blocker(w, ef, head, "order", message, until_at);
}

/* One that is put off is in no order yet: only what is still there when its time has come goes
 * before it. */
static void
put_off_blocker(struct why *w, const struct effect *ef, const struct effect *head)
{
    bool has_come = ef->not_before <= w->now->wall_ms;

    if (!effect_is_put_off(head) && (has_come || head->not_before > ef->not_before))
        first_blocker(w, ef, head);
}

/* Its place in the order of its session and sink. */
static void
order_blocker(struct why *w, const struct effect *ef)
{
    bool          is_put_off = effect_is_put_off(ef);
    struct effect head;

    if (!is_put_off && ef->not_before != BEHIND_ANOTHER) return;
    if (!effect_queue_head(w->objects->txn, ef, &head)) return;
    if (is_put_off) {
        put_off_blocker(w, ef, &head);
    } else if (head.id != ef->id) {
        first_blocker(w, ef, &head);
    }
}

/* Once it is the first, and its time has come, somebody must read its session: nobody knows when,
 * but the earliest time is that one. */
static void
reader_blocker(struct why *w, const struct effect *ef)
{
    const char   *message = "it waits for a reader: nobody reads its session";
    struct effect head;

    if (!ef->to_reader || !effect_queue_head(w->objects->txn, ef, &head)) return;
    if (head.id != ef->id && !effect_is_put_off(&head)) return;
    if (sink_has_reader(w->objects, w->memory->meta.gateway, ef->session)) return;
    if (effect_put_off_until(ef) > w->now->wall_ms) {
        why_note(w, "reader", message, (struct view){0}, 0, NULL);
    } else {
        why_blocker(w, "reader", message, (struct view){0}, 0, NULL);
    }
}

static void
time_blocker(struct why *w, const struct effect *ef)
{
    bool    is_behind = ef->not_before == BEHIND_ANOTHER;
    int64_t until_at = is_behind ? effect_put_off_until(ef) : ef->not_before;
    char    at[40], message[384];

    instant_text(until_at, at, sizeof(at));
    if (ef->status == STATUS_UNKNOWN) {
        snprintf(message, sizeof(message),
                 "nobody knows whether it was sent (%.*s): its sink is asked at %s",
                 VIEW_ARG(ef->reason), at);
        why_blocker(w, "probe", message, (struct view){0}, until_at, NULL);
    } else if (until_at > w->now->wall_ms && until_at == ef->quiet_until) {
        snprintf(message, sizeof(message),
                 "it was made in the quiet hours that %s had for messages then: it waits for their"
                 " end, at %s",
                 ef->autonomous ? "sessions" : "its schedule", at);
        wait_blocker(w, ef, ef, "quiet_hours", message, until_at);
    } else if (until_at > w->now->wall_ms && until_at == ef->allowed_at) {
        snprintf(message, sizeof(message),
                 "it came too soon after the message before it that nobody asked for: it is sent"
                 " at %s (sessions.cooldown)",
                 at);
        wait_blocker(w, ef, ef, "cooldown", message, until_at);
    } else if (until_at > w->now->wall_ms) {
        snprintf(message, sizeof(message),
                 "attempt %" PRIu32 " was not confirmed (%.*s): attempt %" PRIu32 " of %d is at %s",
                 ef->attempts, VIEW_ARG(ef->reason), ef->attempts + 1, attempts_max(w, ef), at);
        wait_blocker(w, ef, ef, "due_later", message, until_at);
    }
}

/* What its sink has already, that others may have some, too. */
static void
share_blocker(struct why *w, const struct effect *ef)
{
    struct view    sink = objects_name(w->objects, ef->sink);
    char           message[320];
    struct shares  s;
    enum share_bar bar;

    shares_count(w->memory, &s);
    bar = shares_bar(w->memory, &s, ef->sink);
    if (ef->not_before > w->now->wall_ms || bar == SHARE_LEFT) return;
    if (bar == SHARE_TAKEN) {
        snprintf(message, sizeof(message),
                 "sink \"%.*s\" has %" PRIu32 " of the %" PRIu32 " deliveries that are made at a"
                 " time, and the %" PRIu32 " that are free are for other sinks",
                 VIEW_ARG(sink), shares_of(&s, ef->sink), s.room, s.free);
    } else if (bar == SHARE_SLOW) {
        snprintf(message, sizeof(message),
                 "sink \"%.*s\" was slow last time: it gets one delivery at a time, which is under"
                 " way",
                 VIEW_ARG(sink));
    } else {
        snprintf(message, sizeof(message),
                 "sink \"%.*s\" was slow last time, and those that were have half of the"
                 " deliveries that are made at a time: %" PRIu32,
                 VIEW_ARG(sink), s.slow);
    }
    why_blocker(w, "sink_share", message, sink, 0, "agentctl worker scale N with a larger N");
}

static void
worker_blocker(struct why *w, const struct effect *ef)
{
    uint32_t max = ef->kind == EFFECT_PING ? DELIVERIES_MAX / 2 : DELIVERIES_MAX;

    if (w->memory->slot_count == 0) {
        why_finding(w, &(struct finding){.predicate = HELD_NO_WORKER});
    } else if (fleet_pick_for_delivery(w->memory, max) < 0) {
        why_blocker(w, "no_slot", "every worker delivers as many effects as it may",
                    (struct view){0}, 0, "agentctl worker scale N with a larger N");
    } else if (ef->kind != EFFECT_PING) {
        share_blocker(w, ef);
    }
}

static void
effect_blockers(struct why *w, const struct effect *ef)
{
    if (w->memory->is_draining) why_finding(w, &(struct finding){.predicate = HELD_DRAINING});
    if (w->memory->meta.stops & STOP_EFFECTS) {
        why_blocker(w, "stopped", "an operator stopped effects: nothing is sent", (struct view){0},
                    0, "agentctl resume");
    }
    if (ef->kind != EFFECT_PING && !objects_get(w->objects, ef->sink)) {
        why_blocker(w, "no_sink",
                    ef->status == STATUS_PENDING
                        ? "its sink is no longer declared: it fails when its turn comes"
                        : "its sink, which could tell whether it was sent, is no longer declared",
                    (struct view){0}, 0, NULL);
    }
    order_blocker(w, ef);
    if (ef->status == STATUS_PENDING && outbox_is_disabled(w->memory, ef)) {
        why_blocker(w, "disabled",
                    "sessions.enabled is false: nobody asked for it, so it is rejected when its"
                    " turn comes",
                    (struct view){0}, 0, "set sessions.enabled to true");
    } else {
        time_blocker(w, ef);
    }
    reader_blocker(w, ef);
    if (!sink_is_gateway(w->objects, ef->sink)) worker_blocker(w, ef);
}

/* It may be sent again by hand. */
static bool
is_lost_message(const struct effect *ef)
{
    bool is_message = ef->kind == EFFECT_NOTIFY || ef->kind == EFFECT_SEND_MESSAGE;

    return is_message && ef->status != STATUS_DELIVERED;
}

static void
over_text(struct why *w, const struct effect *ef)
{
    const char *of = ef->reason.size ? ": " : "";
    char        at[40], allowed[80] = "";

    if (ef->status == STATUS_REJECTED && ef->allowed_at) {
        instant_text(ef->allowed_at, at, sizeof(at));
        snprintf(allowed, sizeof(allowed), "; it would have been allowed at %s", at);
    }
    snprintf(w->text, sizeof(w->text), "it is over: %s%s%.*s%s", effect_status_name(ef->status), of,
             VIEW_ARG(ef->reason), allowed);
    if (is_lost_message(ef))
        snprintf(w->change, sizeof(w->change), "agentctl effect resend %" PRIu64, ef->id);
}

/* What is to be said of one that waits for nothing. */
static void
effect_text(struct why *w, const struct effect *ef)
{
    if (ef->status == STATUS_ATTEMPTING && ef->to_reader) {
        snprintf(w->text, sizeof(w->text),
                 "the session's readers have it, and none has acknowledged it yet");
    } else if (ef->status == STATUS_ATTEMPTING) {
        snprintf(w->text, sizeof(w->text), "it is being sent: attempt %" PRIu32 " of %d",
                 ef->attempts, attempts_max(w, ef));
    } else if (ef->token) {
        snprintf(w->text, sizeof(w->text), "its sink is being asked whether it was sent");
    } else if (ef->status == STATUS_UNKNOWN) {
        snprintf(w->text, sizeof(w->text), "nobody knows whether it was sent%s%.*s",
                 ef->reason.size ? ": " : "", VIEW_ARG(ef->reason));
        snprintf(w->change, sizeof(w->change),
                 "agentctl effect resolve %" PRIu64 " --outcome delivered or failed", ef->id);
    } else {
        over_text(w, ef);
    }
}

enum errc
read_effect_why(struct reading *r, const struct msg_effect_why *m)
{
    struct effect ef = {.id = m->id};
    struct why    w;
    bool          is_waiting;

    if (effect_load(r->txn, &ef) != LOAD_FOUND || !actor_sees(r->txn, r->actor, ef.company))
        return effect_unknown(m->id, r->e);
    is_waiting = ef.token == 0 && (ef.status == STATUS_PENDING || ef.probe);
    why_open(&w, r);
    mp_put_u64(r->reply, &w.map, "id", ef.id);
    mp_put_cstr(r->reply, &w.map, "status", effect_status_name(ef.status));
    why_blockers(&w);
    if (is_waiting) {
        effect_blockers(&w, &ef);
    } else {
        effect_text(&w, &ef);
    }
    why_close(&w, is_waiting, NULL);
    return E_OK;
}
