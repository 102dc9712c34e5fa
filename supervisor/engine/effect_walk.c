#include "supervisor/engine/effect_walk.h"

#include "supervisor/engine/effects.h"
#include "supervisor/engine/read_sessions.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>

/* ---- filter ------------------------------------------------------------------- */

static enum errc
parse_words(const struct reading *r, const struct msg_effect_list *m, struct effect_filter *f)
{
    if (HAS(m, effect_list, status)) {
        f->status = effect_status_from(m->status);
        if (f->status == STATUS_NONE)
            return err_field(r->e, "status",
                             "is pending, attempting, delivered, failed, unknown, expired, "
                             "rejected or suppressed");
    }
    if (HAS(m, effect_list, kind)) {
        f->kind = effect_kind_from(m->kind);
        if (f->kind == EFFECT_NONE) {
            err_field(r->e, "kind", "there is no kind \"%.*s\"", VIEW_ARG(m->kind));
            return err_hint(r->e, "messages are of kind send_message or notify");
        }
    }
    return E_OK;
}

enum errc
effect_filter_parse(struct reading *r, const struct msg_effect_list *m, struct effect_filter *f)
{
    struct session session;

    *f = (struct effect_filter){0};
    if (cursor_id(r, m->after, r->engine->memory.meta.next_effect, &f->after) ||
        parse_words(r, m, f))
        return r->e->code;
    if (m->session.size == 0) return read_company(r, m->company, &f->company);
    if (reading_session(r, m->company, m->session, &session)) return r->e->code;
    f->company = session.company;
    f->session = session.id;
    return E_OK;
}

/* ---- walk --------------------------------------------------------------------- */

void
effect_walk(struct reading *r, struct page *p, const struct effect_filter *f)
{
    struct effect from = {.session = f->session, .status = (uint8_t)f->status, .id = f->after + 1};

    if (f->session) {
        page_scan(r, p, INDEX_effect_by_session, &from, 1, 2);
    } else if (f->status == STATUS_ATTEMPTING) {
        page_scan(r, p, INDEX_effect_attempting, &from, 0, 1);
    } else if (f->status != STATUS_NONE && f->status != STATUS_DELIVERED) {
        page_scan(r, p, INDEX_effect_by_status, &from, 1, 2);
    } else {
        page_scan(r, p, PRIMARY_EFFECT, &from, 0, 1);
    }
}

static bool
fits(const struct effect_filter *f, const struct effect *row)
{
    return (!f->company || row->company == f->company) &&
           (!f->session || row->session == f->session) &&
           (f->status == STATUS_NONE || row->status == f->status) &&
           (f->kind == EFFECT_NONE || row->kind == f->kind);
}

bool
effect_walk_next(struct page *p, const struct effect_filter *f, struct effect *row)
{
    while (page_next(p, row)) {
        page_at(p, row->id);
        if (fits(f, row)) return true;
    }
    return false;
}

/* ---- reads -------------------------------------------------------------------- */

enum errc
read_effect_show(struct reading *r, const struct msg_effect_show *m)
{
    struct effect ef = {.id = m->id};

    if (effect_load(r->txn, &ef) != LOAD_FOUND || !actor_sees(r->txn, r->actor, ef.company)) {
        return effect_unknown(m->id, r->e);
    }
    view_effect(&r->objects, &ef, r->reply);
    return E_OK;
}

enum errc
read_effect_list(struct reading *r, const struct msg_effect_list *m)
{
    struct effect_filter f;
    struct effect        row = {0};
    struct page          p;

    if (effect_filter_parse(r, m, &f)) return r->e->code;
    page_open(r, &p, HAS(m, effect_list, limit), m->limit);
    effect_walk(r, &p, &f);
    while (effect_walk_next(&p, &f, &row)) {
        view_effect(&r->objects, &row, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}
