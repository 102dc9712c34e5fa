/* model - what the engine should do, told a second time: plainly, by the specification, without the
 * engine's lanes, indexes and caches.
 *
 * After every turn that was kept the model is given the same inputs and the outputs that came of
 * them.  It works out what must have happened: states, numbers, times, which job had to start next,
 * which nominal times had to be decided; and compares with the outputs and with the rows in the
 * store.  What is chance or taste (a retry's jitter, which worker, which of two sinks first) is
 * taken over from the row when it lies within the bounds.  A difference ends the run (verdict.h).
 *
 * Jobs, effects and the inputs' names are found by walking lists: they are short in a simulation.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"
#include "tools/sim/model_jobs.h"
#include "tools/sim/model_schedules.h"
#include "tools/sim/model_sessions.h"

/* ---- what is declared ------------------------------------------------------------------------ */

/* A company, agent, handler, sink or schedule; one made anew under the same name is a new one. */
struct m_object {
    enum object_kind kind;
    bool             is_gone;     /* no name finds it */
    bool             is_removing; /* it is in the store until its removal has ended */
    bool             is_api;      /* made by a request, not by the configuration */
    bool             is_seen;     /* in the configuration under judgement */
    int              company;     /* index of its company; -1 for a company itself */
    uint32_t         id;          /* in the store */
    struct view      name;        /* in spec */
    struct buf       spec;        /* packed, as declared */
    union msg        declared;
    uint64_t         served;    /* company: when it last had its turn; 0: never */
    int              schedule;  /* schedule: index in schedules */
    bool             is_paused; /* company, agent */
    int64_t          paused_at;
    int              made_by; /* schedule: the agent whose effect made it; -1: none */
};

/* What guards a credential, or a handler that declares none (A16). */
struct m_breaker {
    int      handler;               /* object; -1: of a credential */
    int      company;               /* of the credential */
    char     name[8];               /* of the credential */
    uint8_t  state;                 /* enum breaker_state */
    uint32_t opens;                 /* in a row */
    int64_t  until_low, until_high; /* open until then; the row will tell */
    uint64_t started_before;        /* half open: leases up to this token are no probes */
};

/* ---- effects --------------------------------------------------------------------------------- */

#define M_EFFECT_KINDS                                                                  \
    "send_message", "notify", "wake_agent", "ticket", "add_schedule", "schedule_timer", \
        "cancel_timer"
#define M_SINKS_MAX 8
#define M_PUT_OFF   (1ULL << 62) /* added to the place of what gives way to all that may go */

struct m_effect {
    uint64_t    id, job, token, payload;
    const char *kind;
    char        named[16]; /* the sink that a message names; empty: none */
    int         agent;     /* its job's; -1: none */
    uint32_t    resends;   /* by an operator */
    uint64_t    place;     /* in the order of delivery */
    int         company;   /* object */
    int         sink;      /* object; -1: none */
    int         session;   /* the schedule that first had it; -1: none; -1 - N: session N */
    uint8_t     status;    /* enum effect_status */
    bool        is_probe_owed;
    uint32_t    attempts;
    int64_t     not_before;
    int64_t     not_after; /* 0: none */
    bool        is_touched;
    int64_t     settled_at;
    bool        is_purged;
    bool        is_note;       /* an alert: of no job */
    bool        is_asked;      /* waits for a person, and has no row until then */
    bool        is_autonomous; /* a message of a session that no person asked for */
    int64_t     earliest;      /* put off until then; 0: it is not */
    const char *reason;        /* rejected by a policy gate; NULL: it was not */
    int64_t     allowed_at;    /* … or put off by one; 0: neither */
    int64_t     sent_at;       /* last */
};

struct m_approval {
    uint64_t   id, job, effect;
    int        company, agent; /* objects */
    uint8_t    status;         /* enum approval_status */
    struct buf request;
    bool       is_touched;
};

/* ---- budgets --------------------------------------------------------------------------------- */

/* What a company, an agent or a schedule used on one of its days. */
struct m_ledger {
    int      scope; /* object */
    int64_t  day;
    uint64_t charged[M_DIMENSIONS], over[M_DIMENSIONS], attempts;
    unsigned warned;
    bool     is_touched;
};

/* ---- workers, answers ------------------------------------------------------------------------ */

enum m_worker_state { M_NONE, M_STARTING, M_UP, M_RETIRING, M_LOST };
struct m_worker {
    enum m_worker_state state;
    uint64_t            generation;
    uint32_t            slots;
    int64_t             seen_boot_ms;
    bool                was_idle_told;
};

struct m_answer { /* the reply that a repeated request must get */
    uint64_t key, reply;
    int64_t  at_ms;
    bool     is_doubtful; /* a day has passed by some clock: it may be forgotten */
};

/* ---- a turn ---------------------------------------------------------------------------------- */

struct turn_facts {
    struct turn_header   header;
    const struct input  *before; /* applied before what is due … */
    size_t               before_count;
    const struct input  *after; /* … and behind it */
    size_t               after_count;
    bool                 has_due; /* due work and dispatch, too */
    bool                 was_dirty;
    const struct output *outputs;
    size_t               output_count;
    struct deadline      deadline;
    struct txn          *txn; /* a read transaction on the state after the turn */
};

struct m_message { /* to a worker */
    uint32_t    worker;
    uint64_t    generation;
    enum msg_id op;
    union msg   m;
    bool        is_explained;
};

struct m_stop { /* that the turn must have sent */
    uint64_t token;
    int64_t  grace_ms;
};

struct model {
    const struct turn_facts *turn;
    struct now               now;
    int64_t                  latest_ms; /* of the wall clock in any turn: it goes back, too */
    struct txn              *txn;

    LIST_OF(struct m_object) objects;
    LIST_OF(struct m_schedule) schedules;
    LIST_OF(struct m_job) jobs; /* job N is item N - 1 */
    LIST_OF(uint64_t) active;   /* jobs that have not ended */
    LIST_OF(uint64_t) finished; /* jobs that have ended and are still there */
    LIST_OF(struct m_lease) leases;
    LIST_OF(struct m_effect) effects; /* effect N is item N - 1 */
    size_t   settled;                 /* so many of the first effects are at rest */
    int      slow[16];                /* sinks whose last delivery was slow, plus 1; 0: none */
    size_t   slow_next;               /* the one whose place is taken when all are */
    uint64_t places;                  /* given to effects */
    LIST_OF(struct m_answer) answers;
    LIST_OF(struct m_key) keys;
    LIST_OF(struct m_breaker) breakers; /* that were ever open and still guard something */
    LIST_OF(struct m_ledger) ledgers;
    LIST_OF(struct m_window) windows;
    LIST_OF(struct m_ticket) tickets;     /* ticket N is item N - 1 */
    LIST_OF(struct m_goal) goals;         /* goal N is item N - 1 */
    LIST_OF(struct m_approval) approvals; /* approval N is item N - 1 */
    LIST_OF(struct m_session) sessions;   /* session N is item N - 1 */
    LIST_OF(struct m_reader) readers;
    uint64_t          event_ids;                   /* given to events */
    int64_t           last_crash_ms;               /* the last sign of life before it */
    uint32_t          crash_row;                   /* soon after one another */
    int64_t           started_at, hold_until_boot; /* a crash loop: what is older waits */
    struct m_range    catch_up; /* the next firing that is caught up on starts no sooner */
    struct m_worker   workers[WORKERS_MAX];
    struct buf        limits_spec;
    struct msg_limits limits;
    bool       has_limits;  /* as a start's configuration may set them: nothing is due before */
    bool       has_gateway; /* that has said hello */
    bool       is_booted, is_draining, clock_is_accepted;
    int64_t    last_wall_ms; /* of the last turn that changed something */
    int64_t    behind_from;  /* the clock is behind this, and is held; 0: it is not */
    struct now seen;         /* the clocks of the last turn */
    uint64_t   last_token, served, turns;
    uint64_t   events;     /* firings and their ends */
    uint8_t    held;       /* STOP_*: what an operator has stopped */
    uint64_t   last_audit; /* row of the turns before */

    /* of the turn */
    LIST_OF(struct m_message) messages;
    LIST_OF(struct m_stop) stops;
    LIST_OF(struct m_attempt) attempts;
    LIST_OF(uint64_t) ended;  /* jobs */
    LIST_OF(uint32_t) kills;  /* workers */
    LIST_OF(uint64_t) purged; /* jobs, in order; those without a cause yet */
    LIST_OF(uint64_t) resent; /* effects */
    uint32_t bypasses;        /* what was forced */
    uint64_t purged_rows, purged_rows_at_most;
};

void model_init(struct model *m);
void model_done(struct model *m);
/* Judges a turn that was kept. */
void model_turn(struct model *m, const struct turn_facts *t);
/* The engine is gone, with everything that it held in memory. */
void model_crashed(struct model *m);
/* Compares every job, schedule and effect with its row; `all`: those that have ended, too. */
void model_sweep(struct model *m, struct txn *t, bool all);
/* Whether everything that can end has ended: no job waits or runs, no effect is under way. */
bool model_is_drained(struct model *m, char *what, size_t size);
/* The same but for what an operator holds: jobs that may not start, effects that may not be sent.
 */
bool model_rest_is_held(struct model *m, char *what, size_t size);

/* ---- what the model's files share ------------------------------------------------------------ */

struct m_job    *m_job(struct model *m, uint64_t id); /* NULL: there is none, or no longer */
struct m_object *m_object(struct model *m, int index);
struct m_lease  *m_lease(struct model *m, uint64_t token); /* NULL: it has ended */
void             m_drop_lease(struct model *m, const struct m_lease *l);
bool             m_is_end(uint8_t state);
/* The first unexplained message of this kind, or NULL. */
struct m_message *m_next_message(struct model *m, enum msg_id op);

/* objects */
int m_find(const struct model *m, enum object_kind kind, int company, struct view name);
/* As references are resolved (N34): -1 and *e when there is no such object for this actor. */
int  m_company(struct model *m, const struct actor *a, struct view name, enum errc *e);
int  m_ref(struct model *m, const struct actor *a, enum object_kind kind, struct view ref,
           int *company, enum errc *e);
bool m_sees(struct model *m, const struct actor *a, int company);
int  m_add_object(struct model *m, enum object_kind kind, int company, struct view spec, bool api);
void m_builtins(struct model *m);
void m_config(struct model *m, const struct input *in, const struct output *reply);
const struct msg_desc *m_object_desc(enum object_kind kind); /* of its declaration */
void                   m_set_spec(struct m_object *o, struct view spec);
/* It is declared anew, perhaps as it was. */
void m_change_object(struct model *m, int object, struct view spec);
/* Unfinished jobs, open goals and tickets that need it. */
bool m_has_work(struct model *m, int object);
/* Whether it belongs to this company, or names this object. */
bool     m_refers_to(struct model *m, const struct m_object *o, int object);
uint32_t m_id_in_store(struct model *m, enum object_kind kind, int company, struct view name);

/* jobs */
struct m_job *m_add_job(struct model *m);
void          m_touch(struct m_job *j);
/* The cursor of a list by id, of which `given` were given out; 0 for none. */
enum errc m_cursor(struct view after, size_t given, uint64_t *id);
/* Takes the id out of a list that may have it. */
void      m_forget(uint64_t id, uint64_t *list, size_t *count);
void      m_make_ready(struct m_job *j);
void      m_end_job(struct model *m, struct m_job *j, enum job_state_id state);
void      m_jobs_due(struct model *m);
void      m_defaults(struct model *m, struct m_job *j, bool has_max_turns);
void      m_ladder(const struct m_retry *given, struct m_ladder *out);
enum errc m_check_ladder(const struct m_retry *given);
enum errc m_admission(const struct model *m);

/* requests */
void m_request(struct model *m, const struct input *in, const struct output *reply);
/* The answer is of this kind; a job in it is the job as it is now. */
void      m_check_answer(const struct input *in, const struct output *reply, enum errc expected);
void      m_check_job_reply(const struct output *reply, const struct m_job *j);
void      m_cancel(struct model *m, struct m_job *j); /* one that has not ended */
enum errc m_may_retry(struct model *m, const struct m_job *j, bool is_forced);
void      m_retry(struct model *m, struct m_job *j, bool is_forced);
enum errc m_cancel_many(struct model *m, const struct input *in,
                        const struct msg_job_cancel_many *q, const struct output *reply);
enum errc m_retry_many(struct model *m, const struct input *in, const struct msg_job_retry_many *q,
                       const struct output *reply);
enum errc m_purge_many(struct model *m, const struct input *in, const struct msg_job_purge *q,
                       const struct output *reply);
bool      m_is_trigger(struct view name);
const char *m_color_of(struct view tags); /* its tag "kind"; NULL: none */
enum errc   m_submit(struct model *m, const struct input *in, const struct msg_job_submit *s,
                     const struct output *reply);
enum errc   m_submit_many(struct model *m, const struct input *in,
                          const struct msg_job_submit_many *s, const struct output *reply);

/* fleet */
void m_input(struct model *m, const struct input *in);
void m_fleet_due(struct model *m);
void m_stop_attempt(struct model *m, struct m_job *j, const char *reason, int64_t grace_ms);

/* submits like another */
enum errc     m_claims(struct model *m, const struct msg_job_submit *s, struct m_submission *out);
enum errc     m_judge_claims(struct model *m, struct m_submission *all, int n);
bool          m_queue_is_full(struct model *m, int company, int64_t others);
struct m_job *m_merge(struct model *m, const struct m_submission *s);
uint32_t      m_causes_kept(const struct m_job *j);
void          m_take_key(struct model *m, const struct m_job *j, int64_t for_ms);
enum errc     m_may_have_key_again(struct model *m, const struct m_job *j);
void          m_take_key_again(struct model *m, const struct m_job *j);
void          m_leave_key(struct model *m, const struct m_job *j);
void          m_keys_due(struct model *m);
void          m_compare_keys(struct model *m);

/* purge */
void m_purge_begin(struct model *m);
/* An ended job that should go; false: the engine has left it for another turn. */
bool m_purge(struct model *m, struct m_job *j);
void m_purge_due(struct model *m);
void m_purge_end(struct model *m);
void m_check_purge_deadline(struct model *m);
void m_compare_purged(struct model *m, const struct m_job *j);

/* holds */
enum errc m_stop(struct model *m, const struct input *in, const struct msg_stop *s,
                 const struct output *reply);
enum errc m_resume(struct model *m, const struct input *in, const struct output *reply);
enum errc m_drain(struct model *m, const struct input *in, const struct output *reply);
enum errc m_pause(struct model *m, const struct input *in, enum object_kind kind, struct view name,
                  bool is_paused, const struct output *reply);
bool      m_may_start(const struct model *m); /* no stop and no drain holds all jobs … */
bool      m_may_send(const struct model *m);  /* … all effects */
bool      m_is_paused(struct model *m, int company, int agent); /* agent: -1 for none */
bool      m_is_job_paused(struct model *m, const struct m_job *j);
void      m_compare_pauses(struct model *m);

/* attempts */
void m_attempt_progress(struct model *m, struct m_lease *l, const struct msg_progress *p);
void m_attempt_ended(struct model *m, const struct m_lease *l, const struct msg_ended *e);
void m_attempt_lost(struct model *m, const struct m_lease *l, const char *class);
bool m_is_class(struct view name); /* that an attempt may fail with */

/* breakers */
void m_breaker_failed(struct model *m, const struct m_job *j, int64_t after_ms);
void m_breaker_succeeded(struct model *m, const struct m_job *j);
/* What its breaker was opened for, when that was not after `at` and it holds the job; else NULL. */
const char *m_breaker_open_since(struct model *m, const struct m_job *j, int64_t at);
bool        m_breaker_has_room(struct model *m, const struct m_job *j);
void        m_breakers_declared(struct model *m); /* handlers may have changed */
enum errc   m_breaker_reset(struct model *m, const struct input *in, struct view name,
                            const struct output *reply);
void        m_breakers_due(struct model *m);
void        m_believe_clock(struct model *m);
void        m_breakers_replan(struct model *m, int64_t back_ms);
void        m_compare_breakers(struct model *m);
void        m_check_breaker_deadline(struct model *m);

/* dispatch */
void m_dispatch(struct model *m);
/* Whether a waiting job is held by this predicate of `why`: stopped, draining, paused, breaker or a
 * cap. */
bool m_is_held_by(struct model *m, const struct m_job *j, const char *predicate);
bool m_is_startable_but_for_budget(struct model *m, const struct m_job *j);
/* Within a company: priority, then earlier run_at, then lower id. */
bool m_goes_before(const struct m_job *a, const struct m_job *b);

/* budgets */
struct m_ledger *m_ledger(struct model *m, int scope, int64_t day);
int64_t          m_next_day(struct model *m, int scope); /* when it begins */
bool             m_budget_fits(struct model *m, const struct m_job *j);
/* Whether it has used up its own budget: then it has no other attempt. */
bool m_budget_is_out(const struct m_job *j);
/* The beginning of the latest of the days that it waits for; 0 when it fits. */
int64_t m_budget_freed_at(struct model *m, const struct m_job *j);
/* Whether the scope has nothing left today in some dimension. */
bool    m_budget_is_spent(struct model *m, int scope);
int64_t m_budget_run_max(struct model *m, const struct m_job *j);
void    m_budget_started(struct model *m, struct m_job *j);
/* The running attempt used more; whether that is more than it may. */
bool m_budget_used(struct model *m, struct m_job *j, uint64_t turns, uint64_t tokens,
                   uint64_t cost);
void m_budget_ended(struct model *m, struct m_job *j, bool is_old);
void m_compare_ledgers(struct model *m, bool all);

/* effects */
/* Of the job that completes; the list of jobs may move. */
void      m_effects_commit(struct model *m, uint64_t job, struct view effects);
bool      m_effects_valid(struct model *m, const struct m_job *j, struct view effects);
void      m_effect_done(struct model *m, const struct m_lease *l, const struct msg_effect_done *d);
void      m_effect_lost(struct model *m, const struct m_lease *l);
enum errc m_effect_resolve(struct model *m, const struct input *in,
                           const struct msg_effect_resolve *q, const struct output *reply);
/* One, or those of a filter, by an operator (model_resend.c). */
enum errc m_effect_resend(struct model *m, const struct input *in,
                          const struct msg_effect_resend *q, const struct output *reply);
int64_t   m_not_after(struct model *m, int sink); /* 0: never */
uint32_t  m_message_sinks(struct model *m, int company, int agent, bool is_session,
                          int sinks[M_SINKS_MAX]);
void      m_effects_dispatch(struct model *m);
bool      m_share_is_left(const struct model *m, int sink);
void      m_share_judge(struct model *m, const struct m_effect *e);   /* its delivery is over */
bool      m_is_head(const struct model *m, const struct m_effect *e); /* of its queue (N22) */
/* Refused when it would be sent, as sessions are disabled. */
bool m_is_disabled(const struct model *m, const struct m_effect *e);

/* readers (model_readers.c) */
bool      m_waits_for_reader(struct model *m, const struct m_effect *e);
void      m_gateway_gone(struct model *m);
enum errc m_gateway_hello(struct model *m, const struct input *in, const struct output *reply);
enum errc m_session_attach(struct model *m, const struct input *in,
                           const struct msg_session_attach *q, const struct output *reply);
enum errc m_session_detach(struct model *m, const struct input *in,
                           const struct msg_session_detach *q, const struct output *reply);
enum errc m_effect_ack(struct model *m, const struct input *in, const struct msg_effect_ack *q,
                       const struct output *reply);
void      m_readers_due(struct model *m);
void      m_readers_dispatch(struct model *m);
void      m_check_readers(struct model *m);

void m_check_effect_deadline(const struct model *m);
/* Whether nothing is to be sent any more, but what waits for readers; else something is named. */
bool m_effects_rest(struct model *m, char *what, size_t size);

/* The sink that a send_message names; -1: none, or none that is there. */
int  m_named_sink(struct model *m, const struct m_job *j, struct view effect, enum errc *e);
bool m_is_gateway(struct model *m, int sink);

/* policy (D6) */
struct m_ruling {
    bool        is_autonomous;
    const char *reason; /* refused; NULL: it is not */
    int64_t allowed_at; /* refused: when it would be allowed; else when it may be sent; 0: none */
};
/* A message that the job sends, if it is of a session; counted when it is admitted. */
struct m_ruling m_judge_message(struct model *m, const struct m_job *j);

/* compare */
void m_compare_turn(struct model *m);
void m_compare_audit(struct model *m);
void m_compare_effect(struct model *m, struct m_effect *e);

/* sessions */
struct m_session *m_session(struct model *m, uint64_t number);
struct m_session *m_session_named(struct model *m, int company, struct view key); /* or NULL */
/* Whether the company and the agent (-1: none) of a session are there; and who processes its
 * events. */
enum errc m_take_target(struct model *m, const struct actor *a, struct m_target *t, bool is_open,
                        bool has_handler);
struct m_session *m_target_session(struct model          *m,
                                   const struct m_target *t); /* made, if need be */
enum errc         m_find_session(struct model *m, const struct actor *a, struct view key,
                                 struct view company, struct m_target *t); /* one that is there */
enum errc         m_check_owner(struct model *m, int company, int agent);
enum errc         m_session_handler(struct model *m, int company, int agent, int *handler);
bool              m_is_message(const struct m_event *ev); /* of a person */
struct m_event   *m_event(struct m_session *s, uint64_t seq);
/* Behind all others; its job is made when nothing is under way.  The list of jobs may move. */
void m_event_append(struct model *m, struct m_session *s, const struct m_event *ev);
/* False when it does not wait any more. */
bool m_event_void(struct model *m, struct m_session *s, uint64_t seq);
void m_session_resume(struct model *m, struct m_session *s, bool skip);
void m_session_close(struct model *m, struct m_session *s);
/* Its job completes: before its effects are judged. */
void m_event_consumed(struct model *m, const struct m_job *j, struct view checkpoint);
void m_session_job_over(struct model *m, const struct m_job *j);
/* Those whose job has ended take their next event. */
void m_sessions_advance(struct model *m);
/* Sessions that were closed and had more than a turn has room for. */
void m_sessions_due(struct model *m);
/* Those of what is being removed are closed. */
void m_sessions_removed(struct model *m);
/* As the store has them. */
uint32_t m_session_id(struct model *m, const struct m_session *s);
uint8_t  m_session_status(struct model *m, const struct m_session *s);
uint8_t  m_event_mark(struct model *m, const struct m_session *s, uint64_t seq);
bool     m_has_session(struct model *m, int object); /* that is not closed */
/* It processes a person's message: it streams from its start (C14). */
bool m_is_for_person(struct model *m, const struct m_job *j);
void m_check_event(struct model *m, const struct m_job *j, struct view document);
void m_compare_sessions(struct model *m, bool all);
void m_sessions_purge_due(struct model *m);
/* Whether nothing is kept far beyond its time; else something is named. */
bool m_sessions_kept_rightly(struct model *m, char *what, size_t size);
/* Whether each that is open has processed all its events; else one that has not is named. */
bool      m_sessions_rest(const struct model *m, char *what, size_t size);
enum errc m_session_send(struct model *m, const struct input *in, const struct msg_session_send *q,
                         const struct output *reply);
enum errc m_session_event(struct model *m, const struct input *in,
                          const struct msg_session_event *q, const struct output *reply);
enum errc m_session_submit(struct model *m, const struct input *in, const struct msg_job_submit *q,
                           const struct output *reply);
enum errc m_session_op(struct model *m, const struct input *in, const union msg *q,
                       const struct output *reply);

/* timers */
uint64_t        m_timers_pending(const struct m_session *s);
enum errc       m_timer_admit(const struct model *m, struct m_session *s, struct view id);
struct m_timer *m_timer_set(struct model *m, struct m_session *s, const struct m_timer_order *o);
bool            m_timer_cancel(struct model *m, struct m_session *s, struct view id);
bool            m_timers_close(struct model *m, struct m_session *s);
void            m_timers_due(struct model *m);
void            m_check_timer_deadline(struct model *m);
bool            m_timers_rest(const struct model *m, char *what, size_t size);
bool            m_is_timer_effect(struct view effect);
bool            m_timer_effect_is_valid(struct view effect);
enum errc       m_timer_by_effect(struct model *m, const struct m_job *from, struct view effect);
bool      m_timer_is_stored(struct model *m, const struct m_session *s, const struct m_timer *t);
void      m_compare_timers(struct model *m, struct m_session *s, bool all);
enum errc m_timer_op_set(struct model *m, const struct input *in, const struct msg_timer_set *q,
                         const struct output *reply);
enum errc m_timer_op_cancel(struct model *m, const struct input *in,
                            const struct msg_timer_cancel *q, const struct output *reply);

#include "tools/sim/model_org.h"

#endif
