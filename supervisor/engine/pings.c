#include "supervisor/engine/pings.h"

#include "common/url.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/outbox.h"

enum errc
ping_check(const struct msg_schedule *s, struct err *e)
{
    const struct {
        const char *field;
        struct view url;
    } urls[] = {
        {"ping_start",   s->ping_start  },
        {"ping_success", s->ping_success},
        {"ping_fail",    s->ping_fail   },
    };

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const char *problem = urls[i].url.size ? url_problem(urls[i].url) : NULL;

        if (problem) return err_field(e, urls[i].field, "%s", problem);
    }
    return E_OK;
}

static void
ping(struct engine *en, const struct object_entry *o, const struct schedule *run, uint64_t job,
     const char *event, struct view url)
{
    struct buf payload BUF_AUTO = {0};
    struct mp_open_map m;
    struct effect      ef = {.company = run->company,
                             .session = run->session,
                             .job = job,
                             .kind = EFFECT_PING,
                             .status = STATUS_PENDING,
                             .not_after = en->turn.now.wall_ms + PING_AGE_MAX_MS};

    if (url.size == 0) return;
    m = mp_open(&payload);
    mp_put_cstr(&payload, &m, "kind", "ping");
    mp_put_str(&payload, &m, "schedule", o->row.name);
    mp_put_cstr(&payload, &m, "event", event);
    mp_put_str(&payload, &m, "url", url);
    mp_close(&payload, &m);
    outbox_gives_way(en, &ef);
    effect_post(en, &ef, buf_view(&payload));
}

/* The declaration of a job's schedule; NULL when it is gone. */
static const struct msg_schedule *
declared(struct engine *en, const struct job_state *j)
{
    const struct object_entry *o = objects_get(&en->turn.objects, j->schedule);

    return o ? &o->spec.schedule : NULL;
}

static void
ping_of_job(struct engine *en, const struct job_state *j, const char *event, struct view url)
{
    struct schedule run = {.id = j->schedule};

    if (url.size == 0 || schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return;
    ping(en, objects_get(&en->turn.objects, run.id), &run, j->id, event, url);
}

void
ping_job_started(struct engine *en, const struct job_state *j)
{
    const struct msg_schedule *s = j->attempt == 1 ? declared(en, j) : NULL;

    if (s) ping_of_job(en, j, "start", s->ping_start);
}

void
ping_job_ended(struct engine *en, const struct job_state *j)
{
    const struct msg_schedule *s = declared(en, j);

    if (s && j->state == JOB_COMPLETED) ping_of_job(en, j, "success", s->ping_success);
    if (s && (j->state == JOB_FAILED || j->state == JOB_EXPIRED))
        ping_of_job(en, j, "fail", s->ping_fail);
}

void
ping_gated(struct engine *en, const struct object_entry *o, const struct schedule *run,
           uint64_t job)
{
    ping(en, o, run, job, "success", o->spec.schedule.ping_success);
}
