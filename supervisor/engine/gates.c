#include "supervisor/engine/gates.h"

#include "common/name.h"
#include "proto/codec.h"
#include "supervisor/engine/alerts.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/pings.h"
#include "supervisor/engine/tickets.h"

#include <stdio.h>

/* What was checked when it was saved; of a schedule without a gate nothing is given. */
static void
read_gate(const struct msg_schedule *s, struct msg_gate *g)
{
    struct err e = {0};

    if (s->gate.size == 0 || msg_unpack(msg_desc(MSG_GATE), s->gate, g, &e))
        *g = (struct msg_gate){0};
}

struct view
gate_awaits(const struct msg_schedule *s)
{
    struct msg_gate g;

    read_gate(s, &g);
    return g.completed;
}

/* ---- declarations -------------------------------------------------------------- */

static enum errc
check_command(struct engine *en, const struct msg_schedule *s, struct view command,
              const struct schedule_refs *refs, struct err *e)
{
    const struct object_entry *h = objects_get(&en->turn.objects, refs->handler);
    struct list_iter           it = list_iter_of(command);
    struct view                item, text;

    for (bool is_first = true; list_next(&it, &item); is_first = false) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_str(&r, &text) || (is_first && text.size == 0))
            return err_field(e, "gate", "command must be a list of strings that names a program");
    }
    if (list_iter_of(command).left == 0) return err_field(e, "gate", "command must name a program");
    if (h && !view_is(h->spec.handler.kind, "exec"))
        return err_field(e, "gate", "command needs a handler of kind exec, in whose place it runs");
    if (s->ticket.size == 0) return E_OK;
    return err_field(e, "gate", "a routine's ticket is made before a command could be asked");
}

/* The schedule of that name; 0 when it is not there. */
static uint32_t
awaited(struct txn *t, const struct actor *a, struct view ref, uint32_t company, struct err *e)
{
    uint32_t id;

    return object_ref(t, a, KIND_SCHEDULE, ref, "gate", &company, &id, e) ? 0 : id;
}

/* Follows the gates from one that *s waits for; *s itself may not be there yet. */
static enum errc
check_chain(struct engine *en, const struct actor *a, const struct msg_schedule *s,
            struct view first, uint32_t company, struct err *e)
{
    struct buf way BUF_AUTO = {0};
    struct view    ref = first;

    buf_add_view(&way, s->name);
    for (int i = 0; i < GATE_LINKS_MAX; i++) {
        const struct object_entry *o;
        struct msg_gate            g;
        struct view                other, name;
        uint32_t                   id;

        if (name_split(ref, "gate", &other, &name, e)) return e->code;
        buf_printf(&way, " → %.*s", VIEW_ARG(name));
        if (view_eq(name, s->name) &&
            (other.size == 0 || view_eq(other, objects_name(&en->turn.objects, company)))) {
            return err_field(e, "gate", "a cycle: %.*s", (int)way.size, way.data);
        }
        id = awaited(turn_txn(en), a, ref, company, e);
        if (id == 0) return e->code;
        o = objects_get(&en->turn.objects, id);
        if (!o) return E_OK; /* damaged: the next firing says so */
        read_gate(&o->spec.schedule, &g);
        if (g.completed.size == 0) return E_OK;
        ref = g.completed;
    }
    return err_field(e, "gate", "more than %d schedules that wait for one another", GATE_LINKS_MAX);
}

enum errc
gate_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
           const struct schedule_refs *refs, struct err *e)
{
    struct msg_gate g;
    int             tests;

    if (s->gate.size == 0) return E_OK;
    if (msg_unpack(msg_desc(MSG_GATE), s->gate, &g, e)) return err_wrap(e, "gate");
    tests = (HAS(&g, gate, command) ? 1 : 0) + (HAS(&g, gate, completed) ? 1 : 0) + g.open_tickets;
    if (tests != 1)
        return err_field(e, "gate", "needs exactly one of command, completed and open_tickets");
    if (HAS(&g, gate, command)) return check_command(en, s, g.command, refs, e);
    if (HAS(&g, gate, completed)) return check_chain(en, a, s, g.completed, refs->company, e);
    if (refs->agent == 0) return err_field(e, "gate", "open_tickets needs an agent");
    return E_OK;
}

/* The schedule that a gate waits for; 0: none, or it is not there. */
static uint32_t
awaited_by(struct engine *en, const struct object_entry *o)
{
    struct view ref = gate_awaits(&o->spec.schedule);
    struct err  e = {0};

    return ref.size ? awaited(turn_txn(en), &actor_daemon, ref, o->row.company, &e) : 0;
}

const struct object_entry *
gate_waits_for(struct engine *en, uint32_t company, uint32_t id)
{
    struct object              key = {.kind = KIND_SCHEDULE, .company = company};
    const struct object_entry *found = NULL;
    struct scan                s;

    scan_open(&s, turn_txn(en), INDEX_object_by_name, &key, 2, 2);
    while (!found && scan_next(&s, &key)) {
        const struct object_entry *o = objects_get(&en->turn.objects, key.id);

        if (o && awaited_by(en, o) == id) found = o;
    }
    scan_close(&s);
    return found;
}

static uint32_t
agent_of(struct engine *en, uint32_t schedule)
{
    struct schedule run = {.id = schedule};

    return schedule && schedule_by_id(turn_txn(en), &run) == LOAD_FOUND ? run.agent : 0;
}

void
gates_name_waiting(struct engine *en, const struct object_entry *agent, struct users *u)
{
    struct object key = {.kind = KIND_SCHEDULE, .company = agent->row.company};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_object_by_name, &key, 2, 2);
    while (scan_next(&s, &key)) {
        const struct object_entry *o = objects_get(&en->turn.objects, key.id);

        if (!o || agent_of(en, awaited_by(en, o)) != agent->row.id) continue;
        if (agent_of(en, o->row.id) == agent->row.id) continue;
        users_add(u, "the gate of schedule", objects_ref(&en->turn.objects, o->row.id));
        u->is_awaited = true;
    }
    scan_close(&s);
}

/* ---- built-in tests ------------------------------------------------------------ */

static bool
has_open_ticket(struct txn *t, uint32_t agent)
{
    bool found = false;

    for (enum ticket_status st = TICKET_NONE + 1; st < TICKET_STATUS_COUNT && !found; st++) {
        struct ticket key = {.assignee = agent, .status = (uint8_t)st};
        struct scan   s;

        if (st == TICKET_DONE) continue;
        scan_open(&s, t, INDEX_ticket_by_assignee, &key, 2, 2);
        found = scan_next_key(&s, &key);
        scan_close(&s);
    }
    return found;
}

/* Since the job was made: ids of jobs only grow, while a clock may go back.  It may have been
 * removed since, or its row be damaged: then it has not completed. */
static bool
has_completed(struct objects *objects, struct view ref, uint32_t company, uint64_t since_job)
{
    struct err      e = {0};
    struct schedule other = {.id = awaited(objects->txn, &actor_daemon, ref, company, &e)};

    return other.id && schedule_by_id(objects->txn, &other) == LOAD_FOUND &&
           other.succeeded_before > since_job;
}

bool
gate_says_no(struct objects *objects, const struct object_entry *o, const struct schedule *run,
             struct view *why)
{
    struct msg_gate g;

    read_gate(&o->spec.schedule, &g);
    if (g.completed.size && !has_completed(objects, g.completed, o->row.company, run->last_job)) {
        *why = view_str(arena_printf(txn_arena(objects->txn),
                                     "schedule %.*s has not completed since the last firing",
                                     VIEW_ARG(g.completed)));
        return true;
    }
    if (g.open_tickets && !has_open_ticket(objects->txn, run->agent)) {
        *why = view_str("its agent has no open tickets");
        return true;
    }
    return false;
}

/* ---- commands ------------------------------------------------------------------ */

struct view
gate_command(struct engine *en, const struct job_spec *spec)
{
    const struct object_entry *o = objects_get(&en->turn.objects, spec->schedule);
    struct firing              f = {.schedule = spec->schedule, .nominal_at = spec->nominal_at};
    struct msg_gate            g;

    if (!o || o->spec.schedule.gate.size == 0) return (struct view){0};
    read_gate(&o->spec.schedule, &g);
    if (firing_load(turn_txn(en), &f) == LOAD_FOUND && f.kind != FIRING_REGULAR)
        return (struct view){0};
    return g.command;
}

/* ---- a no ---------------------------------------------------------------------- */

void
gate_closes(struct engine *en, const struct object_entry *o, struct schedule *run, struct firing *f,
            struct view why)
{
    f->outcome = FIRING_SUPPRESSED;
    f->gated = 1;
    f->reason = view_str(arena_printf(txn_arena(turn_txn(en)), "gate: %.*s", VIEW_ARG(why)));
    run->suppressed_count++;
    run->gated_count++;
    alert_excuse(run);
    fire_feed(en, FEED_SCHEDULE_SUPPRESSED, o, f);
    ping_gated(en, o, run, f->job);
    idle_firing_over(en, o, run, f->nominal_at, true);
}

void
gate_closed_job(struct engine *en, const struct job_state *j, struct view why)
{
    const struct object_entry *o = objects_get(&en->turn.objects, j->schedule);
    struct job_spec            spec = {.id = j->id};
    struct schedule            run = {.id = j->schedule};
    struct firing              f = {.schedule = j->schedule};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return; /* damaged: fsck says so */
    schedule_job_over(&run);
    if (o && job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) f.nominal_at = spec.nominal_at;
    if (f.nominal_at && firing_load(turn_txn(en), &f) == LOAD_FOUND) {
        gate_closes(en, o, &run, &f, why);
        firing_save(turn_txn(en), &f);
    }
    schedule_save(turn_txn(en), &run);
}
