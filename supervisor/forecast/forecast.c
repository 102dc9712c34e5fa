#include "supervisor/forecast/forecast.h"

#include "supervisor/forecast/answer.h"
#include "supervisor/forecast/change.h"

#include <stdlib.h>

/* One run of time: without the change, or with it. */
struct part {
    struct world          world;
    struct answer_before *before;
    size_t                before_count;
};

struct forecast {
    const struct forecast_order *order;
    struct change                change;
    struct part                  without, with;
};

/* ---- from the store ------------------------------------------------------------------------ */

static enum errc
find_company(struct txn *t, const struct forecast_order *o, uint32_t *id, struct err *e)
{
    *id = 0;
    if (o->company.size == 0) return E_OK;
    *id = object_find(t, KIND_COMPANY, 0, o->company);
    if (*id) return E_OK;
    return err_set(e, E_NOT_FOUND, "there is no company \"%.*s\"", VIEW_ARG(o->company));
}

static enum errc
copy(struct part *p, const struct forecast_order *o, const struct world_fleet *fleet, struct txn *t,
     struct err *e)
{
    int64_t  until_ms = o->now_ms + (int64_t)o->hours * TALLY_HOUR_MS;
    uint32_t company;

    if (find_company(t, o, &company, e)) return e->code;
    p->world.company = company;
    p->world.firings_max = o->firings_max;
    return world_begin(&p->world, t, o->now_ms, until_ms, fleet, e);
}

static enum errc
begin(struct forecast *f, struct txn *t, struct err *e)
{
    const struct forecast_order *o = f->order;
    struct change               *c = &f->change;

    c->company = o->company;
    c->is_bound = o->is_bound;
    arena_init(&c->arena);
    if (copy(&f->without, o, &o->fleet, t, e)) return e->code;
    if (o->with.size == 0) return E_OK;
    if (change_read(c, o->with, &o->fleet, e)) return e->code;
    return copy(&f->with, o, &c->fleet, t, e);
}

enum errc
forecast_begin(struct forecast **out, const struct forecast_order *o, struct txn *t, struct err *e)
{
    struct forecast *f = xcalloc(1, sizeof(*f));

    f->order = o;
    if (begin(f, t, e)) {
        forecast_end(&f);
        return e->code;
    }
    *out = f;
    return E_OK;
}

static void
end_part(struct part *p)
{
    world_end(&p->world);
    free(p->before);
}

void
forecast_end(struct forecast **f)
{
    if (!*f) return;
    end_part(&(*f)->without);
    end_part(&(*f)->with);
    change_done(&(*f)->change);
    free(*f);
    *f = NULL;
}

/* ---- time ---------------------------------------------------------------------------------- */

static enum errc
run(struct part *p, struct change *change, struct err *e)
{
    answer_remember(&p->world, &p->before, &p->before_count);
    if (change && change_apply(change, &p->world, e)) return e->code;
    return world_pass(&p->world, e);
}

enum errc
forecast_pass(struct forecast *f, struct buf *out, struct err *e)
{
    bool               has_change = f->order->with.size > 0;
    struct mp_open_map map;

    if (has_change && run(&f->with, &f->change, e)) return e->code; /* first: it may be refused */
    if (run(&f->without, NULL, e)) return e->code;
    map = mp_open(out);
    mp_key(out, &map, "forecast");
    answer_pack(&f->without.world, f->without.before, f->without.before_count, out);
    mp_key(out, &map, "with");
    if (has_change) {
        answer_pack(&f->with.world, f->with.before, f->with.before_count, out);
    } else {
        mp_nil(out);
    }
    mp_key(out, &map, "changes");
    mp_array(out, f->change.done_count);
    buf_add_view(out, buf_view(&f->change.done));
    mp_close(out, &map);
    return E_OK;
}

static enum errc
begin_from_store(struct forecast **f, const struct forecast_order *o, struct err *e)
{
    struct store *s = NULL;
    struct txn   *t;

    if (store_open_reader(&s, o->dir, e)) return e->code;
    enum errc rc = (t = txn_begin_read(s, e)) ? forecast_begin(f, o, t, e) : e->code;
    bool      is_damaged = store_has_damage(s);
    txn_abort(&t);
    store_close(&s);
    if (rc || !is_damaged) return rc;
    err_set(e, E_DAMAGED, "some of what the forecast needs is damaged in the store");
    return err_hint(e, "agentctl fsck says what it is");
}

enum errc
forecast_run(const struct forecast_order *o, struct buf *out, struct err *e)
{
    struct forecast *f = NULL;
    enum errc        rc = begin_from_store(&f, o, e);

    if (rc == E_OK) rc = forecast_pass(f, out, e);
    forecast_end(&f);
    return rc;
}

/* ---- the order ----------------------------------------------------------------------------- */

void
forecast_pack_order(const struct forecast_order *o, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    mp_put_cstr(out, &m, "dir", o->dir);
    mp_put_i64(out, &m, "now", o->now_ms);
    mp_put_u64(out, &m, "hours", o->hours);
    mp_put_u64(out, &m, "firings_max", o->firings_max);
    mp_put_u64(out, &m, "workers", o->fleet.workers);
    mp_put_u64(out, &m, "slots", o->fleet.slots);
    mp_put_str(out, &m, "with", o->with);
    mp_put_str(out, &m, "company", o->company);
    mp_put_bool(out, &m, "bound", o->is_bound);
    mp_close(out, &m);
}

bool
forecast_read_order(struct view packed, struct arena *a, struct forecast_order *out)
{
    struct view dir;
    int64_t     hours, firings_max, workers, slots;

    *out = (struct forecast_order){0};
    if (!mp_find_str(packed, "dir", &dir) || !mp_find_i64(packed, "now", &out->now_ms) ||
        !mp_find_i64(packed, "hours", &hours) ||
        !mp_find_i64(packed, "firings_max", &firings_max) ||
        !mp_find_i64(packed, "workers", &workers) || !mp_find_i64(packed, "slots", &slots) ||
        !mp_find_str(packed, "with", &out->with) ||
        !mp_find_str(packed, "company", &out->company) ||
        !mp_find_bool(packed, "bound", &out->is_bound)) {
        return false;
    }
    out->dir = arena_printf(a, "%.*s", VIEW_ARG(dir));
    out->hours = (uint64_t)hours;
    out->firings_max = (uint64_t)firings_max;
    out->fleet = (struct world_fleet){.workers = (uint32_t)workers, .slots = (uint32_t)slots};
    return true;
}
