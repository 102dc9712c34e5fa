/* What an operator holds: the emergency stop (A17), paused companies, agents and schedules (N37),
 * and a breaker that is closed by hand (A16). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- the emergency stop ---------------------------------------------------------------------- */

/* Words with commas between; false for one that is no scope. */
static bool
read_scope(struct view text, uint8_t *stops, bool *stops_running)
{
    for (size_t at = 0, end; at <= text.size; at = end + 1) {
        struct view word;

        for (end = at; end < text.size && text.data[end] != ',';)
            end++;
        word = view_of(text.data + at, end - at);
        if (view_is(word, "effects")) {
            *stops |= STOP_EFFECTS;
        } else if (view_is(word, "new") || view_is(word, "running")) {
            *stops |= STOP_NEW;
            *stops_running |= view_is(word, "running");
        } else {
            return false;
        }
    }
    return true;
}

static int64_t
stop_what_runs(struct model *m)
{
    int64_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++) {
        if (m->leases.items[i].is_effect) continue;
        m_stop_attempt(m, m_job(m, m->leases.items[i].id), "aborted", m->limits.kill_grace_ms);
        n++;
    }
    return n;
}

static void
check_number(const struct output *reply, const char *key, int64_t expected)
{
    int64_t told;

    claim(mp_find_i64(reply->body, key, &told) && told == expected,
          "an answer says %s: %" PRId64 ", expected %" PRId64, key, told, expected);
}

/* All companies are stopped together: whoever is of one may not. */
enum errc
m_stop(struct model *m, const struct input *in, const struct msg_stop *s,
       const struct output *reply)
{
    uint8_t   stops = 0;
    bool      stops_running = false;
    enum errc e = E_OK;

    if (in->actor.company.size) {
        e = E_DENIED;
    } else if (!read_scope(s->scope, &stops, &stops_running)) {
        e = E_BAD_REQUEST;
    }
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m->held |= stops;
    check_number(reply, "stopping", stops_running ? stop_what_runs(m) : 0);
    return e;
}

enum errc
m_resume(struct model *m, const struct input *in, const struct output *reply)
{
    enum errc e = in->actor.company.size ? E_DENIED : E_OK;
    bool      told;

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    claim(mp_find_bool(reply->body, "resumed", &told) && told == (m->held != 0),
          "resume is wrong about what was stopped");
    m->held = 0;
    return e;
}

enum errc
m_drain(struct model *m, const struct input *in, const struct output *reply)
{
    enum errc e = in->actor.company.size ? E_DENIED : E_OK;
    int64_t   running = 0;

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m->held |= STOP_DRAIN;
    for (size_t i = 0; i < m->leases.count; i++)
        running += !m->leases.items[i].is_effect;
    check_number(reply, "running", running);
    return e;
}

bool
m_may_start(const struct model *m)
{
    return !m->is_draining && !(m->held & (STOP_NEW | STOP_DRAIN));
}

bool
m_may_send(const struct model *m)
{
    return !m->is_draining && !(m->held & STOP_EFFECTS);
}

/* ---- pauses ---------------------------------------------------------------------------------- */

static void
end_pause(struct model *m, int object)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule     *s = &m->schedules.items[i];
        const struct m_object *o = m_object(m, s->object);

        if (!o->is_gone && m_is_schedule_of(m, o, object))
            m_pause_is_past(m, s, m_object(m, object)->paused_at, m->now.wall_ms);
    }
}

enum errc
m_pause(struct model *m, const struct input *in, enum object_kind kind, struct view name,
        bool is_paused, const struct output *reply)
{
    int       company = -1, index;
    enum errc e = E_OK;

    index = kind == KIND_COMPANY ? m_company(m, &in->actor, name, &e)
                                 : m_ref(m, &in->actor, kind, name, &company, &e);
    if (index >= 0 && m_object(m, index)->is_paused == is_paused) e = E_WRONG_STATE;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_object(m, index)->is_paused = is_paused;
    if (is_paused) {
        m_object(m, index)->paused_at = m->now.wall_ms;
    } else {
        end_pause(m, index);
    }
    return e;
}

bool
m_is_paused(struct model *m, int company, int agent)
{
    return m_object(m, company)->is_paused || (agent >= 0 && m_object(m, agent)->is_paused);
}

/* A schedule's pause does not hold what was asked for by hand. */
bool
m_is_job_paused(struct model *m, const struct m_job *j)
{
    bool is_schedule_paused =
        j->schedule >= 0 && m->schedules.items[m_object(m, j->schedule)->schedule].is_paused;

    return m_is_paused(m, j->company, j->agent) || (is_schedule_paused && !j->is_by_hand);
}

void
m_compare_pauses(struct model *m)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];
        struct pause           row = {.object = o->id};

        if (o->is_gone || (o->kind != KIND_COMPANY && o->kind != KIND_AGENT)) continue;
        claim((pause_load(m->txn, &row) == LOAD_FOUND) == o->is_paused,
              "%.*s should be %s, and is not", VIEW_ARG(o->name),
              o->is_paused ? "paused" : "active");
    }
}

/* ---- what is left when nothing else happens any more ----------------------- */

bool
model_rest_is_held(struct model *m, char *what, size_t size)
{
    what[0] = '\0';
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);
        bool                is_held = !m_may_start(m) || m_is_job_paused(m, j);

        if (j->state != JOB_RUNNING && is_held) continue;
        snprintf(what, size, "job %" PRIu64 " is in state %u, and nobody holds it", j->id,
                 j->state);
    }
    if (m->leases.count)
        snprintf(what, size, "a lease of %" PRIu64 " has not ended", m->leases.items[0].id);
    return what[0] == '\0' && (!m_may_send(m) || m_effects_rest(m, what, size)) &&
           m_removes_nothing(m, what, size);
}
