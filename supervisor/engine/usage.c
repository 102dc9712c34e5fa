#include "supervisor/engine/usage.h"

#include "common/civil.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DATE_TEXT 10               /* characters: 2026-11-21 */
#define DATE_MAX  (UINT32_MAX - 1) /* behind all days of a scope */

/* Which days are asked for. */
struct range {
    uint32_t since;     /* local days since 1970-01-01; 0: only the current day */
    uint32_t company;   /* 0: all */
    uint32_t scopes[2]; /* the agent and the schedule; 0: not asked for */
    bool     has_scopes;
    uint32_t at_id, at_date; /* where the page begins */
};

/* ---- the request ------------------------------------------------------------------- */

static enum errc
parse_date(struct view text, uint32_t *days, struct err *e)
{
    char         copy[DATE_TEXT + 1];
    struct civil d = {0};
    int          year, used = 0;

    if (text.size == DATE_TEXT) {
        memcpy(copy, text.data, DATE_TEXT);
        copy[DATE_TEXT] = '\0';
        if (sscanf(copy, "%4d-%2d-%2d%n", &year, &d.month, &d.day, &used) == 3 &&
            used == DATE_TEXT && year >= 1970 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
            d.day <= civil_month_days(year, d.month)) {
            d.year = year;
            *days = (uint32_t)civil_to_days(d);
            return E_OK;
        }
    }
    (void)err_field(e, "since", "\"%.*s\" is not a date", VIEW_ARG(text));
    return err_hint(e, "write a date like 2026-11-21");
}

/* The place behind the last item of the page before. */
enum { SCOPE, DATE, NUMBERS };

static enum errc
parse_place(struct reading *r, struct view after, struct range *g)
{
    struct cursor_number n[NUMBERS] = {
        [SCOPE] = {.least = 1, .most = (int64_t)r->engine->memory.meta.next_object - 1},
        [DATE] = {.least = 1, .most = DATE_MAX                                       },
    };

    if (after.size == 0) return E_OK;
    if (cursor_key(r, after, n, NUMBERS)) return r->e->code;
    g->at_id = (uint32_t)n[SCOPE].value;
    g->at_date = (uint32_t)n[DATE].value + 1;
    return E_OK;
}

static void
page_at_day(struct page *p, uint32_t scope, uint32_t date)
{
    const struct cursor_number n[NUMBERS] = {[SCOPE] = {.value = scope}, [DATE] = {.value = date}};

    page_at_key(p, n, NUMBERS);
}

static enum errc
parse_range(struct reading *r, const struct msg_usage *m, struct range *g)
{
    uint32_t *company = &g->company;

    if (m->since.size && parse_date(m->since, &g->since, r->e)) return r->e->code;
    if (parse_place(r, m->after, g)) return r->e->code;
    if (read_company(r, m->company, company)) return r->e->code;
    if (m->agent.size &&
        object_ref(r->txn, r->actor, KIND_AGENT, m->agent, "agent", company, &g->scopes[0], r->e)) {
        return r->e->code;
    }
    if (m->schedule.size && object_ref(r->txn, r->actor, KIND_SCHEDULE, m->schedule, "schedule",
                                       company, &g->scopes[1], r->e)) {
        return r->e->code;
    }
    g->has_scopes = g->scopes[0] || g->scopes[1];
    return E_OK;
}

static bool
is_asked_for(const struct range *g, const struct object *o)
{
    if (g->has_scopes) return o->id == g->scopes[0] || o->id == g->scopes[1];
    if (o->kind != KIND_COMPANY && o->kind != KIND_AGENT && o->kind != KIND_SCHEDULE) return false;
    return g->company == 0 || o->company == g->company || o->id == g->company;
}

/* ---- the answer -------------------------------------------------------------------- */

static void
put_date(struct buf *b, struct mp_open_map *m, uint32_t date)
{
    struct civil d = civil_from_days(date);
    char         text[32];

    snprintf(text, sizeof(text), "%04" PRId64 "-%02d-%02d", d.year, d.month, d.day);
    mp_put_cstr(b, m, "date", text);
}

static void
put_dimension(struct reading *r, struct mp_open_map *m, struct ledger *l, enum dimension d)
{
    struct buf        *b = r->reply;
    struct mp_open_map amounts;

    mp_key(b, m, dimension_name(d));
    amounts = mp_open(b);
    mp_put_u64(b, &amounts, "charged", *ledger_amount(l, LEDGER_CHARGED, d));
    mp_put_u64(b, &amounts, "reserved", *ledger_amount(l, LEDGER_RESERVED, d));
    mp_put_u64(b, &amounts, "overshoot", *ledger_amount(l, LEDGER_OVERSHOOT, d));
    view_put_limit(b, &amounts, "limit", ledger_limit(&r->objects, l->scope, d));
    mp_close(b, &amounts);
}

static void
usage_item(struct reading *r, struct page *p, const struct object_entry *o, struct ledger *l)
{
    struct buf        *b = r->reply;
    struct mp_open_map m = mp_open(b);
    bool               is_company = o->row.kind == KIND_COMPANY;

    mp_put_cstr(b, &m, "scope", object_kind_name(o->row.kind));
    mp_put_str(b, &m, "name", o->row.name);
    view_put_name(&r->objects, b, &m, "company", is_company ? o->row.id : o->row.company);
    put_date(b, &m, l->date);
    mp_put_str(b, &m, "zone", ledger_zone(&r->objects, l->scope));
    mp_put_u64(b, &m, "attempts", l->attempts);
    for (enum dimension d = 0; d < DIM_COUNT; d++)
        put_dimension(r, &m, l, d);
    mp_put_u64(b, &m, "earned", l->earned);
    mp_put_u64(b, &m, "tickets_done", l->tickets_done);
    mp_close(b, &m);
    p->count++;
    page_at_day(p, l->scope, l->date);
}

static void
days_of(struct reading *r, struct page *p, const struct range *g, const struct object_entry *o)
{
    uint32_t      today = ledger_date(&r->objects, o->row.id, r->now->wall_ms);
    uint32_t      from = g->since ? g->since : today;
    struct ledger row;
    struct scan   s;
    bool          has_today = false;

    if (o->row.id == g->at_id && g->at_date > from) from = g->at_date;
    row = (struct ledger){.scope = o->row.id, .date = from};
    scan_open(&s, r->txn, PRIMARY_LEDGER, &row, 1, 2);
    while (!page_is_over(p) && scan_next(&s, &row)) {
        p->examined++;
        has_today |= row.date >= today;
        usage_item(r, p, o, &row);
    }
    scan_close(&s);
    if (page_is_over(p) || has_today || from > today || !ledger_is_limited(&r->objects, o->row.id))
        return;
    row = (struct ledger){.scope = o->row.id, .date = today};
    usage_item(r, p, o, &row);
}

enum errc
read_usage(struct reading *r, const struct msg_usage *m)
{
    struct range  g = {0};
    struct object row = {0};
    struct page   p;

    if (parse_range(r, m, &g)) return r->e->code;
    page_open(r, &p, HAS(m, usage, limit), m->limit);
    row.id = g.at_id;
    page_scan(r, &p, PRIMARY_OBJECT, &row, 0, 1);
    while (page_next(&p, &row)) {
        const struct object_entry *o;

        if (!is_asked_for(&g, &row)) continue;
        o = objects_get(&r->objects, row.id);
        if (o) days_of(r, &p, &g, o);
        if (page_is_over(&p)) break;
        page_at_day(&p, row.id, DATE_MAX);
    }
    page_close(r, &p);
    return E_OK;
}

/* ---- what fsck shows apart --------------------------------------------------------- */

struct overshoot {
    uint64_t       days;
    struct amounts amounts;
};

static void
put_overshoot(struct buf *b, enum object_kind kind, const struct overshoot *sum)
{
    struct mp_open_map m = mp_open(b);

    mp_put_cstr(b, &m, "scope", object_kind_name(kind));
    mp_put_u64(b, &m, "days", sum->days);
    for (enum dimension d = 0; d < DIM_COUNT; d++)
        mp_put_u64(b, &m, dimension_name(d), sum->amounts.of[d]);
    mp_close(b, &m);
}

void
engine_overshoot(struct txn *t, struct buf *out, const bool *cancel)
{
    static const enum object_kind kinds[] = {KIND_COMPANY, KIND_AGENT, KIND_SCHEDULE};
    struct overshoot              sums[KIND_PROFILE + 1] = {0};
    struct ledger                 row = {0};
    struct scan                   s;
    size_t                        header;
    uint32_t                      count = 0;

    scan_open(&s, t, PRIMARY_LEDGER, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        struct object     o = {.id = row.scope};
        bool              is_any = false;
        struct overshoot *sum;

        if (object_load(t, &o) != LOAD_FOUND || o.kind > KIND_PROFILE) continue;
        sum = &sums[o.kind];
        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            uint64_t n = *ledger_amount(&row, LEDGER_OVERSHOOT, d);

            is_any |= n > 0;
            sum->amounts.of[d] += n;
        }
        sum->days += is_any;
    }
    scan_close(&s);
    header = mp_array_open(out);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (sums[kinds[i]].days == 0) continue;
        put_overshoot(out, kinds[i], &sums[kinds[i]]);
        count++;
    }
    mp_array_close(out, header, count);
}
