#include "supervisor/engine/debounce.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/submit.h"

#include <inttypes.h>

/* The job that waits under the key; false when there is none. */
static bool
find_waiting(struct engine *en, uint32_t company, struct view key, struct debounce *row,
             struct job_state *j)
{
    *row = (struct debounce){.company = company, .key = key};
    if (key.size == 0 || debounce_load(turn_txn(en), row) != LOAD_FOUND) return false;
    *j = (struct job_state){.id = row->job};
    return job_state_load(turn_txn(en), j) == LOAD_FOUND && (j->flags & JOB_FLAG_DEBOUNCED);
}

static int64_t
latest(const struct engine *en, const struct debounce_claim *c)
{
    return c->wait_max_ms ? en->turn.now.wall_ms + c->wait_max_ms : INT64_MAX;
}

int64_t
debounce_start(const struct engine *en, const struct debounce_claim *c)
{
    int64_t at = en->turn.now.wall_ms + c->wait_ms, last = latest(en, c);

    return at < last ? at : last;
}

enum errc
debounce_judge(struct engine *en, const struct submission *s, uint64_t *waiting, struct err *e)
{
    struct debounce  row;
    struct job_state j;

    *waiting = 0;
    if (!find_waiting(en, s->spec.company, s->debounce.key, &row, &j)) return E_OK;
    if (j.handler != s->spec.handler || j.agent != s->spec.agent) {
        err_set(e, E_CONFLICT,
                "debounce_key \"%.*s\": job %" PRIu64 " waits under it for another %s",
                VIEW_ARG(s->debounce.key), j.id, j.agent != s->spec.agent ? "agent" : "handler");
        return err_hint(e, "use a key of its own for each handler and agent");
    }
    *waiting = j.id;
    return E_OK;
}

static void
save_cause(struct engine *en, const struct submission *s, struct view actor, uint64_t job,
           uint64_t n)
{
    struct cause c = {.job = job,
                      .n = (uint32_t)n,
                      .at = en->turn.now.wall_ms,
                      .trigger = s->spec.trigger,
                      .source = s->spec.source,
                      .actor = actor,
                      .parent = s->spec.parent,
                      .payload = s->payload};

    if (n > CAUSES_MAX) return;
    if (c.payload.size > BLOB_FROM) c.payload = (struct view){0};
    cause_save(turn_txn(en), &c);
}

void
debounce_take(struct engine *en, const struct submission *s)
{
    struct debounce row = {.company = s->spec.company,
                           .key = s->debounce.key,
                           .job = s->spec.id,
                           .latest_at = latest(en, &s->debounce)};

    debounce_save(turn_txn(en), &row);
    save_cause(en, s, s->spec.actor, s->spec.id, 1);
}

static void
save_payload(struct engine *en, struct job_spec *spec, struct view payload)
{
    struct txn *t = turn_txn(en);

    if (spec->payload_bytes) bytes_delete(t, BLOB_PAYLOAD, spec->id);
    spec->payload = payload;
    spec->payload_bytes = 0;
    if (payload.size <= BLOB_FROM) return;
    bytes_save(t, BLOB_PAYLOAD, spec->id, payload);
    spec->payload_bytes = (uint32_t)payload.size;
    spec->payload = (struct view){0};
}

/* The job is each cause's: it expires with the last of them.  False when that changes nothing. */
static bool
take_later_expiry(struct job_state *j, struct job_spec *spec, int64_t at)
{
    if (j->expires_at == 0 || (at != 0 && at <= j->expires_at)) return false;
    j->expires_at = spec->expires_at = at;
    return true;
}

void
debounce_merge(struct engine *en, const struct submission *s, struct view actor,
               struct job_state *j)
{
    struct debounce row;
    struct job_spec spec = {0};
    int64_t         at = en->turn.now.wall_ms + s->debounce.wait_ms;

    if (!find_waiting(en, s->spec.company, s->debounce.key, &row, j)) return;
    spec.id = j->id;
    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND) return; /* judged before */
    save_payload(en, &spec, s->payload);
    spec.cause_count++;
    if (s->spec.depth > spec.depth) spec.depth = s->spec.depth; /* N24 */
    bool is_longer = take_later_expiry(j, &spec, s->spec.expires_at);
    job_spec_save(turn_txn(en), &spec);
    save_cause(en, s, actor, j->id, spec.cause_count);
    if (j->state == JOB_SCHEDULED) j->run_at = at < row.latest_at ? at : row.latest_at;
    if (j->state == JOB_SCHEDULED || is_longer) {
        job_must_move(en, j, JOB_ON_CHANGE);
        if (j->run_at <= en->turn.now.wall_ms) job_must_move(en, j, JOB_ON_DUE);
    }
    feed_job(en, FEED_JOB_MERGED, j, NULL);
}

void
debounce_left(struct engine *en, struct job_state *j)
{
    struct job_spec spec = {.id = j->id};
    struct debounce row = {.company = j->company};

    if (!(j->flags & JOB_FLAG_DEBOUNCED)) return;
    j->flags &= ~JOB_FLAG_DEBOUNCED;
    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND) return; /* damaged: fsck says so */
    row.key = spec.debounce_key;
    if (debounce_load(turn_txn(en), &row) == LOAD_FOUND && row.job == j->id)
        (void)debounce_delete(turn_txn(en), &row);
}

void
debounce_put_causes(struct txn *t, const struct job_spec *spec, struct buf *b,
                    struct mp_open_map *map)
{
    struct cause       c = {.job = spec->id};
    struct mp_open_map causes;
    struct scan        s;
    size_t             header;
    uint32_t           n = 0;

    mp_key(b, map, "causes");
    if (spec->cause_count == 0) {
        mp_nil(b);
        return;
    }
    causes = mp_open(b);
    mp_put_u64(b, &causes, "count", spec->cause_count);
    mp_key(b, &causes, "items");
    header = mp_array_open(b);
    scan_open(&s, t, PRIMARY_CAUSE, &c, 1, 1);
    while (n < CAUSES_MAX && scan_next(&s, &c)) {
        struct mp_open_map m = mp_open(b);

        mp_put_i64(b, &m, "at", c.at);
        mp_put_cstr(b, &m, "trigger", c.trigger < TRIGGER_COUNT ? trigger_name(c.trigger) : "");
        mp_put_str_or_nil(b, &m, "source", c.source);
        mp_put_str_or_nil(b, &m, "actor", c.actor);
        if (c.parent) {
            mp_put_u64(b, &m, "parent", c.parent);
        } else {
            mp_put_nil(b, &m, "parent");
        }
        mp_put_raw(b, &m, "payload", c.payload);
        mp_close(b, &m);
        n++;
    }
    scan_close(&s);
    mp_array_close(b, header, n);
    mp_close(b, &causes);
}
