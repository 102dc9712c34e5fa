#include "supervisor/engine/replies.h"

#include "common/civil.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/messages.h"

/* Where the classes end, in ms; what is beyond the last is in it. */
static const int64_t ends_ms[REPLY_CLASSES] = {
    1,     2,     3,     5,      7,      10,     15,      20,
    30,    50,    70,    100,    150,    200,    300,     500,
    700,   1000,  1500,  2000,   3000,   5000,   7000,    10000,
    15000, 30000, 60000, 120000, 300000, 600000, 3600000, CIVIL_MS_PER_DAY};

static unsigned
class_of(int64_t ms)
{
    unsigned i = 0;

    while (i < REPLY_CLASSES - 1 && ms >= ends_ms[i])
        i++;
    return i;
}

/* ---- rows ---------------------------------------------------------------------- */

static void
unpack(const struct first_reply *row, uint64_t counts[REPLY_CLASSES])
{
    struct mp_reader r = mp_reader_of(row->counts);
    uint32_t         n = 0;
    uint64_t         count;

    (void)mp_read_array(&r, &n);
    for (uint32_t i = 0; i < n && i < REPLY_CLASSES && mp_read_u64(&r, &count); i++)
        counts[i] += count;
}

static void
add(struct engine *en, uint32_t company, int64_t ms)
{
    struct first_reply row = {.date = (uint32_t)(en->turn.now.wall_ms / CIVIL_MS_PER_DAY),
                              .company = company};
    struct buf packed  BUF_AUTO = {0};
    uint64_t           counts[REPLY_CLASSES] = {0};

    if (first_reply_load(turn_txn(en), &row) == LOAD_FOUND) unpack(&row, counts);
    counts[class_of(ms)]++;
    mp_array(&packed, REPLY_CLASSES);
    for (unsigned i = 0; i < REPLY_CLASSES; i++)
        mp_u64(&packed, counts[i]);
    row.counts = buf_view(&packed);
    first_reply_save(turn_txn(en), &row);
}

/* ---- measuring ----------------------------------------------------------------- */

void
reply_heard(struct engine *en, struct fleet_lease *l)
{
    if (l->replied_at == 0) l->replied_at = en->turn.now.wall_ms;
}

static bool
has_message(struct view effects)
{
    struct list_iter it = list_iter_of(effects);
    struct view      item, kind;

    while (list_next(&it, &item)) {
        if (mp_find_str(item, "kind", &kind) && message_kind(kind)) return true;
    }
    return false;
}

void
reply_count(struct engine *en, const struct job_state *j, const struct fleet_lease *l,
            struct view effects)
{
    int64_t         at = l->replied_at;
    struct session *s;
    struct event    ev;

    if (!(j->flags & JOB_FLAG_EVENT) || (at == 0 && !has_message(effects))) return;
    if (at == 0) at = en->turn.now.wall_ms;
    s = session_row(en, j->session);
    if (!s || s->job != j->id || s->replied >= s->head) return;
    ev = (struct event){.session = s->id, .seq = s->head};
    if (event_load(turn_txn(en), &ev) != LOAD_FOUND || !view_is(ev.type, EVENT_MESSAGE)) return;
    s->replied = s->head;
    session_changed(en, s);
    add(en, s->company, at - ev.created_at);
}

/* ---- judging ------------------------------------------------------------------- */

static uint32_t
sum_all(struct txn *t, struct first_reply row, uint32_t rows_max, struct reply_tally *sum)
{
    struct scan s;
    uint32_t    rows = 0;

    scan_open(&s, t, PRIMARY_FIRST_REPLY, &row, 0, 1);
    for (; rows < rows_max && scan_next(&s, &row); rows++)
        unpack(&row, sum->counts);
    scan_close(&s);
    return rows;
}

uint32_t
replies_sum(struct txn *t, uint32_t company, int64_t since_ms, int64_t until_ms, uint32_t rows_max,
            struct reply_tally *sum)
{
    struct first_reply row = {.date = (uint32_t)(since_ms / CIVIL_MS_PER_DAY), .company = company};
    uint32_t           rows = 0;

    *sum = (struct reply_tally){0};
    if (company == 0) rows = sum_all(t, row, rows_max, sum);
    for (; company && row.date <= until_ms / CIVIL_MS_PER_DAY && rows < rows_max; row.date++) {
        rows++;
        if (first_reply_load(t, &row) == LOAD_FOUND) unpack(&row, sum->counts);
    }
    for (unsigned i = 0; i < REPLY_CLASSES; i++)
        sum->total += sum->counts[i];
    return rows;
}

int64_t
replies_p99_ms(const struct reply_tally *sum)
{
    uint64_t rank = sum->total - sum->total / 100, seen = 0;

    for (unsigned i = 0; i < REPLY_CLASSES && sum->total; i++) {
        seen += sum->counts[i];
        if (seen >= rank) return ends_ms[i];
    }
    return 0;
}
