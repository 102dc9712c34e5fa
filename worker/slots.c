#include "worker/slots.h"

#include "worker/persistent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool
is_job(const struct lease *l)
{
    return l->kind == LEASE_SLEEP || l->kind == LEASE_EXEC;
}

struct lease *
slots_add(struct slots *s, enum lease_kind kind, uint64_t slot, uint64_t token, struct view name)
{
    struct lease *lease = xcalloc(1, sizeof(*lease));

    assert(slot < SLOTS_MAX && !s->by_slot[slot] && name.size <= LEASE_NAME_MAX);
    lease->kind = kind;
    lease->slot = slot;
    lease->token = token;
    lease->order = ++s->order;
    memcpy(lease->name, name.data, name.size);
    lease->wake_at_ms = NEVER;
    lease->progress_at_ms = NEVER;
    lease->delta_at_ms = NEVER;
    lease->tree.kill_at_ms = NEVER;
    stream_init(&lease->out, lease, false, kind == LEASE_EXEC);
    stream_init(&lease->err, lease, true, false);
    lease->log.fd = -1;
    lease->delivery.after_ms = -1;

    s->by_slot[slot] = lease;
    lease->index = s->count;
    s->active[s->count++] = lease;
    if (is_job(lease)) s->job_count++;
    return lease;
}

void
slots_release(struct slots *s, struct lease *lease)
{
    assert(lease->kind == LEASE_EXEC);
    s->by_slot[lease->slot] = NULL;
    s->job_count--;
    lease->kind = LEASE_IDLE;
    lease->progress_at_ms = NEVER;
    lease->delta_at_ms = NEVER;
    outcome_done(&lease->outcome);
    joblog_done(&lease->log);
    lease->log.fd = -1;
}

void
slots_rebind(struct slots *s, struct lease *lease, uint64_t slot, uint64_t token)
{
    assert(lease->kind == LEASE_IDLE && slot < SLOTS_MAX && !s->by_slot[slot]);
    lease->kind = LEASE_EXEC;
    lease->slot = slot;
    lease->token = token;
    lease->wake_at_ms = NEVER;
    lease->progress_allowed_ms = 0;
    s->by_slot[slot] = lease;
    s->job_count++;
}

void
slots_remove(struct slots *s, struct lease **lease)
{
    struct lease *l = *lease;

    *lease = NULL;
    slots_drop_pid(s, l);
    if (l->kind != LEASE_IDLE) s->by_slot[l->slot] = NULL;
    s->active[l->index] = s->active[--s->count];
    s->active[l->index]->index = l->index;
    if (is_job(l)) s->job_count--;

    stream_done(&l->out);
    stream_done(&l->err);
    outcome_done(&l->outcome);
    gate_done(&l->gate);
    joblog_done(&l->log);
    persistent_done(&l->persistent);
    buf_done(&l->delivery.receipt);
    buf_done(&l->delivery.message);
    buf_done(&l->delivery.last_error);
    free(l);
}

struct lease *
slots_find(const struct slots *s, uint64_t slot, uint64_t token)
{
    struct lease *lease = slot < SLOTS_MAX ? s->by_slot[slot] : NULL;

    return lease && lease->token == token ? lease : NULL;
}

struct lease *
slots_find_pid(const struct slots *s, pid_t pid)
{
    struct lease *lease = s->by_pid[(size_t)pid % PID_BUCKETS];

    while (lease && lease->tree.pid != pid)
        lease = lease->next_of_pid;
    return lease;
}

void
slots_put_pid(struct slots *s, struct lease *lease)
{
    struct lease **bucket = &s->by_pid[(size_t)lease->tree.pid % PID_BUCKETS];

    lease->next_of_pid = *bucket;
    *bucket = lease;
}

void
slots_drop_pid(struct slots *s, struct lease *lease)
{
    struct lease **link = &s->by_pid[(size_t)lease->tree.pid % PID_BUCKETS];

    while (*link && *link != lease)
        link = &(*link)->next_of_pid;
    if (*link) *link = lease->next_of_pid;
}

int64_t
lease_deadline(const struct lease *lease)
{
    int64_t at = lease->wake_at_ms;

    if (lease->progress_at_ms < at) at = lease->progress_at_ms;
    if (lease->delta_at_ms < at) at = lease->delta_at_ms;
    if (!lease->tree.is_killed && lease->tree.kill_at_ms < at) at = lease->tree.kill_at_ms;
    return at;
}
