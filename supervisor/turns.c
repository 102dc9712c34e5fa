#include "supervisor/turns.h"

#include "common/log.h"
#include <assert.h>

#define HOLD_MS 1000

void
turns_init(struct turns *t, struct store *store, struct engine *engine,
           const struct turn_events *events)
{
    *t = (struct turns){.store = store, .engine = engine, .events = *events};
}

void
turns_done(struct turns *t)
{
    pending_destroy_all(&t->held);
}

/* What one transaction takes. */
struct work {
    struct pending *before;    /* applied before what is due … */
    struct pending *after;     /* … and behind it */
    bool            is_single; /* only the first of `before` */
    bool            has_due;   /* due work and dispatch too */
};

enum result { DONE, FAILED, UNKNOWN };

static void
apply(struct turns *t, const struct pending *list, bool is_single)
{
    for (; list; list = is_single ? NULL : list->next)
        engine_apply(t->engine, &list->in);
}

static void
release_kind(struct turns *t, bool is_to_worker)
{
    size_t               count;
    const struct output *outputs = engine_outputs(t->engine, &count);

    for (size_t i = 0; i < count; i++) {
        if ((outputs[i].kind == OUT_TO_WORKER) == is_to_worker)
            t->events.on_output(t->events.arg, &outputs[i]);
    }
}

/* Workers first: what they are given starts while the clients get their answers. */
static void
release(struct turns *t)
{
    release_kind(t, true);
    release_kind(t, false);
}

/* Nothing leaves before the state it rests on is durable. */
static enum result
commit(struct turns *t, struct txn **x, struct err *e)
{
    bool is_outcome_unknown = false;

    if (!txn_is_dirty(*x) && !txn_failed(*x)) {
        txn_abort(x);
    } else if (txn_commit(x, &is_outcome_unknown, e)) {
        engine_turn_done(t->engine, false);
        t->failures++;
        return is_outcome_unknown ? UNKNOWN : FAILED;
    } else {
        t->commits++;
    }
    engine_turn_done(t->engine, true);
    t->count++;
    release(t);
    return DONE;
}

static enum result
run(struct turns *t, struct turn_header *header, const struct work *w, struct err *e)
{
    store_reserve(t->store, &t->space);
    header->space = t->space;
    struct txn *x = txn_begin_write(t->store, e);
    if (!x) {
        t->failures++;
        return FAILED;
    }
    engine_turn_begin(t->engine, x, header);
    apply(t, w->before, w->is_single);
    if (w->has_due) engine_due(t->engine);
    apply(t, w->after, false);
    if (w->has_due) engine_dispatch(t->engine);
    engine_turn_end(t->engine);
    return commit(t, &x, e);
}

/* Takes p, which failed alone. */
static void
on_failed_alone(struct turns *t, struct pending *p, int64_t boot_ms, const struct err *e)
{
    log_error("input refused by the store", "kind=%d error=%s", (int)p->in.kind, log_quote(e->msg));
    if (p->in.client != 0) {
        t->events.on_refused(t->events.arg, p->in.client, e);
        pending_destroy(&p);
        return;
    }
    p->next = t->held;
    t->held = p;
    t->held_until_boot_ms = boot_ms + HOLD_MS;
}

static enum result
run_each(struct turns *t, struct turn_header *header, struct pending **list, struct err *e)
{
    while (*list) {
        struct pending   *p = *list;
        const struct work alone = {.before = p, .is_single = true};
        enum result       result = run(t, header, &alone, e);

        if (result == UNKNOWN) return result;
        *list = p->next;
        p->next = NULL;
        if (result == DONE) pending_destroy(&p);
        if (result == FAILED) on_failed_alone(t, p, header->now.boot_ms, e);
    }
    return DONE;
}

static enum result
run_one_by_one(struct turns *t, struct turn_header *header, struct work *w, struct err *e)
{
    const struct work due = {.has_due = true};

    if (run_each(t, header, &w->before, e) == UNKNOWN) return UNKNOWN;
    if (run_each(t, header, &w->after, e) == UNKNOWN) return UNKNOWN;
    if (!w->has_due) return DONE;
    enum result result = run(t, header, &due, e);
    if (result != FAILED) return result;
    log_error("due work refused by the store", "error=%s", log_quote(e->msg));
    t->is_due_held = true;
    t->held_until_boot_ms = header->now.boot_ms + HOLD_MS;
    return DONE;
}

/* Held inputs come first again, in the order in which they were. */
static void
end_hold(struct turns *t, struct inputs *q, int64_t boot_ms)
{
    if (t->held_until_boot_ms == 0 || boot_ms < t->held_until_boot_ms) return;
    t->held_until_boot_ms = 0;
    t->is_due_held = false;
    while (t->held) {
        struct pending *p = t->held;

        t->held = p->next;
        p->next = NULL;
        inputs_put_back(q, p);
    }
}

enum errc
turns_run(struct turns *t, struct inputs *q, struct turn_header *header, struct err *e)
{
    end_hold(t, q, header->now.boot_ms);
    struct pending *reports = inputs_take(q, RANK_REPORT);
    struct pending *daemon = inputs_take(q, RANK_DAEMON);
    struct work     w = {.before = pending_join(reports, daemon),
                         .after = inputs_take(q, RANK_REQUEST),
                         .has_due = !t->is_due_held};

    enum result result = run(t, header, &w, e);
    if (result == FAILED) {
        log_warn("turn failed, its inputs run one by one", "error=%s", log_quote(e->msg));
        result = run_one_by_one(t, header, &w, e);
    }
    pending_destroy_all(&w.before);
    pending_destroy_all(&w.after);
    return result == UNKNOWN ? E_OUTCOME_UNKNOWN : E_OK;
}

struct deadline
turns_deadline(const struct turns *t)
{
    struct deadline d = engine_deadline(t->engine);

    if (t->is_due_held) d = (struct deadline){INT64_MAX, INT64_MAX};
    if (t->held_until_boot_ms != 0 && t->held_until_boot_ms < d.boot_ms) {
        d.boot_ms = t->held_until_boot_ms;
    }
    return d;
}
