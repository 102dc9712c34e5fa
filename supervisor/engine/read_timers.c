#include "supervisor/engine/read_timers.h"

#include "common/timetext.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/read_sessions.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/timers.h"
#include "supervisor/engine/views.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- list ----------------------------------------------------------------------- */

/* The cursor is the index's key of the last row that was looked at. */
enum { STATUS, FIRE_AT, ID, NUMBERS };

static enum errc
read_cursor(struct reading *r, struct view after, struct session_timer *from)
{
    struct cursor_number n[NUMBERS] = {
        [STATUS] = {.least = TIMER_PENDING, .most = TIMER_CANCELLED                               },
        [FIRE_AT] = {.least = INT64_MIN,     .most = INT64_MAX                                     },
        [ID] = {.least = 1,             .most = (int64_t)r->engine->memory.meta.next_event - 1},
    };

    if (after.size == 0) return E_OK;
    if (cursor_key(r, after, n, NUMBERS)) return r->e->code;
    from->status = (uint8_t)n[STATUS].value;
    from->fire_at = n[FIRE_AT].value;
    from->id = (uint64_t)n[ID].value + 1;
    return E_OK;
}

static void
page_at_row(struct page *p, const struct session_timer *row)
{
    const struct cursor_number n[NUMBERS] = {[STATUS] = {.value = row->status},
                                             [FIRE_AT] = {.value = row->fire_at},
                                             [ID] = {.value = (int64_t)row->id}};

    page_at_key(p, n, NUMBERS);
}

static enum errc
read_status(struct reading *r, struct view name, struct session_timer *from)
{
    enum timer_status status = timer_status_from(name);

    if (name.size == 0) return E_OK;
    if (status == TIMER_NONE) return err_field(r->e, "status", "is pending, promoted or cancelled");
    if (from->status && from->status != status) return page_no_cursor(r);
    from->status = (uint8_t)status;
    return E_OK;
}

static void
list_all(struct reading *r, struct page *p, const struct session *s, struct session_timer *row,
         bool is_of_status)
{
    page_scan(r, p, INDEX_timer_by_status, row, is_of_status ? 2 : 1, 4);
    while (page_next(p, row)) {
        page_at_row(p, row);
        view_timer(&r->objects, s, row, r->reply);
        p->count++;
    }
}

static void
list_one(struct reading *r, struct page *p, const struct session *s, struct view timer,
         uint8_t status)
{
    struct session_timer t = {.session = s->id, .timer = timer};

    if (session_timer_load(r->txn, &t) != LOAD_FOUND || (status && t.status != status)) return;
    view_timer(&r->objects, s, &t, r->reply);
    p->count++;
}

enum errc
read_timer_list(struct reading *r, const struct msg_timer_list *m)
{
    struct session_timer row = {0};
    struct session       s;
    struct page          p;

    if (read_cursor(r, m->after, &row) || read_status(r, m->status, &row) ||
        reading_session(r, m->company, m->key, &s)) {
        return r->e->code;
    }
    row.session = s.id;
    page_open(r, &p, HAS(m, timer_list, limit), m->limit);
    if (m->timer_id.size) {
        list_one(r, &p, &s, m->timer_id, row.status);
        p.next[0] = '\0';
    } else {
        list_all(r, &p, &s, &row, m->status.size > 0);
    }
    page_close(r, &p);
    return E_OK;
}

/* ---- why ------------------------------------------------------------------------ */

static void
pending_blockers(struct why *w, const struct session_timer *t)
{
    char at[40], message[64];

    if (!w->memory->limits.session_enabled) {
        why_blocker(w, "disabled", "sessions.enabled is false: timers stay pending",
                    (struct view){0}, 0, "set sessions.enabled to true");
    }
    if (w->memory->is_draining) why_finding(w, &(struct finding){.predicate = HELD_DRAINING});
    why_clock(w);
    if (t->fire_at <= w->now->wall_ms) return;
    instant_text(t->fire_at, at, sizeof(at));
    snprintf(message, sizeof(message), "it is not due until %s", at);
    why_blocker(w, "due_later", message, (struct view){0}, t->fire_at, NULL);
}

static void
settled_text(struct why *w, const struct session *s, const struct session_timer *t)
{
    struct event ev = {.session = s->id, .seq = t->event};
    char         at[40];

    instant_text(t->updated_at, at, sizeof(at));
    if (t->status == TIMER_CANCELLED) {
        snprintf(w->text, sizeof(w->text), "it was cancelled at %s", at);
        return;
    }
    snprintf(w->text, sizeof(w->text), "it fired at %s: event #%" PRIu64 ", %s", at, t->event,
             event_load(w->objects->txn, &ev) == LOAD_FOUND ? view_event_status(s, &ev)
                                                            : "no longer kept");
}

enum errc
read_timer_why(struct reading *r, const struct msg_timer_why *m)
{
    struct session_timer t = {.timer = m->timer_id};
    struct session       s;
    struct why           w;

    if (reading_session(r, m->company, m->key, &s)) return r->e->code;
    t.session = s.id;
    if (session_timer_load(r->txn, &t) != LOAD_FOUND) {
        return session_has_no_timer(s.name, m->timer_id, r->e);
    }
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "key", s.name);
    mp_put_str(r->reply, &w.map, "timer_id", t.timer);
    mp_put_cstr(r->reply, &w.map, "status", timer_status_name(t.status));
    why_blockers(&w);
    if (t.status == TIMER_PENDING) {
        pending_blockers(&w, &t);
    } else {
        settled_text(&w, &s, &t);
    }
    why_close(&w, t.status == TIMER_PENDING, NULL);
    return E_OK;
}
