#include "supervisor/store/schema.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- which records an index has ---- */

static bool
object_by_name_holds(const struct object *o)
{
    (void)o;
    return true;
}

static bool
job_due_holds(const struct job_state *j)
{
    return j->state == JOB_SCHEDULED;
}

static bool
job_ready_holds(const struct job_state *j)
{
    return j->state == JOB_READY;
}

static bool
job_running_holds(const struct job_state *j)
{
    return j->state == JOB_RUNNING;
}

static bool
job_ended_holds(const struct job_state *j)
{
    return j->state >= JOB_COMPLETED;
}

static bool
job_expiry_holds(const struct job_state *j)
{
    return j->expires_at != 0 && (j->state == JOB_SCHEDULED || j->state == JOB_READY);
}

static bool
lane_by_limits_holds(const struct lane *l)
{
    (void)l;
    return true;
}

static bool
lane_runnable_holds(const struct lane *l)
{
    return l->head != 0 && l->blocked_by == 0;
}

static bool
lane_blocked_holds(const struct lane *l)
{
    return l->blocked_by != 0;
}

static bool
queue_turn_holds(const struct queue *q)
{
    return q->has_head;
}

static bool
schedule_next_holds(const struct schedule *s)
{
    return s->due_at != 0;
}

static bool
session_by_name_holds(const struct session *s)
{
    (void)s;
    return true;
}

static bool
effect_queue_holds(const struct effect *f)
{
    return f->status == STATUS_PENDING || f->status == STATUS_ATTEMPTING;
}

/* A worker is to send it, or to ask its sink. */
static bool
waits_for_worker(const struct effect *f)
{
    return f->kind != EFFECT_PING && !f->to_reader &&
           (f->status == STATUS_PENDING || (f->status == STATUS_UNKNOWN && f->probe));
}

static bool
effect_pending_holds(const struct effect *f)
{
    return waits_for_worker(f) && !f->held;
}

static bool
effect_held_holds(const struct effect *f)
{
    return waits_for_worker(f) && f->held;
}

static bool
effect_ping_holds(const struct effect *f)
{
    return f->kind == EFFECT_PING && f->status == STATUS_PENDING;
}

static bool
effect_reader_holds(const struct effect *f)
{
    return f->to_reader && f->status == STATUS_PENDING;
}

static bool
effect_attempting_holds(const struct effect *f)
{
    return f->status == STATUS_ATTEMPTING;
}

static bool
effect_expiry_holds(const struct effect *f)
{
    return f->status == STATUS_PENDING && f->not_after != 0;
}

static bool
answer_by_age_holds(const struct answer *a)
{
    (void)a;
    return true;
}

static bool
schedule_by_agent_holds(const struct schedule *s)
{
    return s->agent != 0;
}

static bool
schedule_by_id_holds(const struct schedule *s)
{
    (void)s;
    return true;
}

static bool
firing_by_schedule_holds(const struct firing *f)
{
    (void)f;
    return true;
}

static bool
effect_by_status_holds(const struct effect *f)
{
    return f->status != STATUS_ATTEMPTING && f->status != STATUS_DELIVERED;
}

static bool
effect_by_session_holds(const struct effect *f)
{
    return f->session != 0;
}

static bool
effect_settled_holds(const struct effect *f)
{
    return f->status != STATUS_PENDING && f->status != STATUS_ATTEMPTING && !f->probe;
}

static bool
agent_liveness_holds(const struct agent *a)
{
    return a->liveness_at != 0;
}

static bool
unique_until_holds(const struct unique *u)
{
    return u->until_at != 0;
}

static bool
breaker_due_holds(const struct breaker *b)
{
    return b->state == BREAKER_OPEN;
}

static bool
breaker_by_name_holds(const struct breaker *b)
{
    return b->name.size != 0;
}

static bool
reason_by_age_holds(const struct reason *r)
{
    (void)r;
    return true;
}

static bool
goal_by_parent_holds(const struct goal *g)
{
    (void)g;
    return true;
}

static bool
ticket_by_status_holds(const struct ticket *t)
{
    (void)t;
    return true;
}

static bool
ticket_by_goal_holds(const struct ticket *t)
{
    return t->goal != 0;
}

static bool
ticket_by_parent_holds(const struct ticket *t)
{
    return t->parent != 0;
}

static bool
ticket_by_assignee_holds(const struct ticket *t)
{
    return t->assignee != 0;
}

static bool
ledger_by_age_holds(const struct ledger *l)
{
    (void)l;
    return true;
}

static bool
chain_by_age_holds(const struct chain *c)
{
    (void)c;
    return true;
}

static bool
approval_by_status_holds(const struct approval *a)
{
    (void)a;
    return true;
}

static bool
approval_by_age_holds(const struct approval *a)
{
    return a->status != APPROVAL_PENDING;
}

static bool
zone_by_name_holds(const struct zone *z)
{
    (void)z;
    return true;
}

static bool
job_by_goal_holds(const struct job_state *j)
{
    return j->goal != 0 && !job_ended_holds(j);
}

static bool
job_by_ticket_holds(const struct job_state *j)
{
    return j->ticket != 0 && !job_ended_holds(j);
}

static bool
schedule_by_goal_holds(const struct schedule *s)
{
    return s->goal != 0;
}

static bool
schedule_by_ticket_holds(const struct schedule *s)
{
    return s->ticket != 0;
}

static bool
schedule_overdue_holds(const struct schedule *s)
{
    return s->overdue_at != 0 && !s->is_overdue;
}

static bool
schedule_idle_holds(const struct schedule *s)
{
    return s->agent != 0 && s->idle_streak != 0;
}

static bool
schedule_streak_holds(const struct schedule *s)
{
    return s->failed_in_row || s->is_overdue || s->breach_streak || s->skips || s->long_runs ||
           s->paused_itself;
}

static bool
session_by_agent_holds(const struct session *s)
{
    const char *own = "schedule/";

    return s->agent != 0 && s->status != SESSION_CLOSED &&
           (s->name.size < strlen(own) || memcmp(s->name.data, own, strlen(own)) != 0);
}

static bool
session_purge_holds(const struct session *s)
{
    return s->purge_at != 0;
}

static bool
timer_due_holds(const struct session_timer *t)
{
    return t->status == TIMER_PENDING;
}

static bool
timer_settled_holds(const struct session_timer *t)
{
    return t->status != TIMER_PENDING;
}

static bool
token_by_name_holds(const struct token *t)
{
    (void)t;
    return true;
}

static bool
token_by_hash_holds(const struct token *t)
{
    (void)t;
    return true;
}

static bool
timer_by_status_holds(const struct session_timer *t)
{
    (void)t;
    return true;
}

static bool
activity_by_agent_holds(const struct activity *a)
{
    (void)a;
    return true;
}

static bool
schedule_paused_until_holds(const struct schedule *s)
{
    return s->pause_until != 0;
}

static bool
job_by_schedule_holds(const struct job_state *j)
{
    return j->schedule != 0 && !job_ended_holds(j);
}

static bool
goal_removing_holds(const struct goal *g)
{
    return g->removing;
}

static bool
ticket_removing_holds(const struct ticket *t)
{
    return t->removing;
}

/* The same behind one type, for the table. */
#define I(NAME, name, index, order, ...)    \
    static bool index##_test(const void *r) \
    {                                       \
        return index##_holds(r);            \
    }
INDEXES(I)
#undef I

static bool
always(const void *r)
{
    (void)r;
    return true;
}

/* ---- the tables, each in a block of its own, where `row` is the record's struct and the names of
 * its fields are their places: so the lists can be used as they are written ---- */

enum { RANDOM, ASCENDING, HOT };
#define T(NAME, name, version, order)        \
    static const char name_##NAME[] = #name; \
    enum { ORDER_##NAME = order };
RECORDS(T)
#undef T

#define DESC(field) (field | KEY_DESCENDING)

#define FIELD(type, name) {#name, FIELD_##type, offsetof(row, name)},
#define PLACE(type, name) name,
#define VIEW(type, name)  | (uint64_t)(FIELD_##type >= FIELD_STR) << name
#define BIT(NAME, record, index, order, ...) \
    | (uint64_t)((int)TABLE_##NAME == (int)own_table) << (INDEX_##index - FIRST_INDEX)
_Static_assert(INDEX_COUNT - TABLE_COUNT <= 64, "table_desc.indexes has a bit for each");

// clang-format off
/* Each table has a function of its own, as each key has. */
#define T(NAME, record, number, order)                                             \
    static const struct table_desc *table_of_##NAME(void)                          \
    {                                                                              \
        typedef struct record row;                                                 \
        enum { own_table = TABLE_##NAME };                                         \
        enum { NAME##_RECORD(PLACE) };                                             \
        static const struct record_field fields[] = {NAME##_RECORD(FIELD)};        \
        static const struct table_desc desc = {                                    \
            .name = name_##NAME,                                                   \
            .fields = fields,                                                      \
            .field_count = ARRAY_LEN(fields),                                      \
            .version = number,                                                     \
            .record_bytes = sizeof(row),                                           \
            .indexes = 0 INDEXES(BIT),                                             \
            .views = 0 NAME##_RECORD(VIEW),                                        \
        };                                                                         \
        _Static_assert(ARRAY_LEN(fields) <= 64, "table_desc.views has a bit for each"); \
        return &desc;                                                              \
    }
RECORDS(T)
#undef T

const struct table_desc *
table_desc(enum table_id table)
{
    switch (table) {
#define T(NAME, record, number, order) case TABLE_##NAME: return table_of_##NAME();
    RECORDS(T)
#undef T
    case TABLE_COUNT: break;
    }
    abort(); /* no such table */
}

/* Each key has a function of its own, for the places of two records have the same names. */
#define KEY(id, NAME, shown, order, test, ...)                                     \
    static const struct key_desc *key_of_##id(void)                                \
    {                                                                              \
        enum { NAME##_RECORD(PLACE) };                                             \
        static const uint8_t parts[] = {__VA_ARGS__};                              \
        static const struct key_desc desc = {                                      \
            .name = shown,                                                         \
            .table = TABLE_##NAME,                                                 \
            .parts = parts,                                                        \
            .part_count = ARRAY_LEN(parts),                                        \
            .is_ascending = (int)(order) == ASCENDING,                             \
            .is_hot = (int)(order) == HOT,                                         \
            .holds = test,                                                         \
        };                                                                         \
        return &desc;                                                              \
    }
#define K(NAME, ...) KEY(PRIMARY_##NAME, NAME, name_##NAME, ORDER_##NAME, always, __VA_ARGS__)
#define I(NAME, record, index, order, ...) KEY(INDEX_##index, NAME, #index, order, index##_test, __VA_ARGS__)
KEYS(K)
INDEXES(I)
#undef I
#undef K

const struct key_desc *
key_desc(enum index_id index)
{
    switch (index) {
#define K(NAME, ...) case PRIMARY_##NAME: return key_of_PRIMARY_##NAME();
#define I(NAME, record, index, ...) case INDEX_##index: return key_of_INDEX_##index();
    KEYS(K)
    INDEXES(I)
#undef I
#undef K
    case INDEX_COUNT: break;
    }
    abort(); /* no such index */
}
// clang-format on
