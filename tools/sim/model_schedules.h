/* model_schedules - what the model keeps of schedules (SPEC section C); a part of model.h.
 *
 * Each nominal time is decided once: by a row of its own, or by one that stands for several in a
 * row that were missed.  The model walks along the rows that a turn has written and says of every
 * time that they stand for what had to become of it. */
#ifndef SIM_MODEL_SCHEDULES_H
#define SIM_MODEL_SCHEDULES_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"

#define M_LATE_MS 1000 /* within it a time is decided when it comes, whatever the window is */

/* Nominal times from `first` to `last`: so many. */
struct m_span {
    int64_t  first, last;
    uint64_t count; /* 0: of none any more */
    uint8_t  outcome;
    bool     is_gated; /* suppressed by its gate */
};

struct m_range {
    int64_t low, high;
};

/* A pause, from its first instant to that of its end. */
struct m_pause {
    int64_t from, until;
};

struct m_schedule {
    int     object;
    bool    is_paused;
    int64_t paused_at;
    int64_t pause_until; /* it resumes by itself then; 0: it does not */
    LIST_OF(struct m_pause)
    past_pauses; /* its own and those of whom it belongs to, while times
                  * that may have come in them are not decided */
    int64_t created_at;
    int64_t cursor;  /* the last nominal time that was decided, or from when on they count */
    int64_t next_at; /* 0: none any more */
    int64_t due_at;  /* when next_at is decided, as its row says; 0: the row is still to be read */
    int64_t offset;  /* of its spread; -1: not known yet */
    LIST_OF(struct m_span) decided;
    int      span; /* of the time of the cursor; -1: none */
    uint64_t firings, suppressed, missed, gated;
    bool     waits;         /* in this turn: for others, or its time is not due yet */
    int64_t  put_off_from;  /* for people (C14); 0: it is not */
    int64_t  put_off_until; /* with what comes due up to then */
    uint64_t last_job;
    uint32_t idle_streak; /* firings in a row that found nothing to do … */
    int64_t  idle_until;  /* … for which its times before this one are left out */
    int64_t  overdue_at;  /* a success is awaited until then; 0: none is */
    bool     is_overdue;  /* it has been told so */
    uint32_t failure_streak, breach_streak, failed_in_row, long_runs;
    int64_t  max_turns_set_at;
    int64_t  last_success_at, alerted_at;
    bool     is_alerted;
    uint64_t measured, last_turns, avg_run_milli, avg_turns_milli, avg_tokens_milli, avg_cost_milli;
    bool     is_touched;             /* in this turn */
    uint32_t ends;                   /* likewise, of its firings */
    uint64_t by_hand;                /* of the firings */
    LIST_OF(int64_t) by_hand_at;     /* instants that their rows stand at */
    uint32_t skips;                  /* that overlap suppressed since the last firing */
    bool     is_promoted;            /* out of the shadow */
    uint32_t shadow_runs;            /* good ones in a row in it */
    uint64_t fired_as, completed_as; /* its last job was made, it last completed: in one order */
    uint64_t checkpoint;             /* hash of what its handler last left; 0: nothing */
};

struct model;
struct m_job;
struct m_object;
struct msg_schedule;
struct msg_schedule_backfill;
struct msg_job_stream;

/* 0: none any more. */
int64_t m_next_nominal(const struct m_schedule *s, const struct msg_schedule *d, int64_t after);
/* `at`, or the end of the quiet hours that it falls into; no hours: `at`. */
int64_t m_quiet_end(struct view hours, struct view zone, int64_t at);

void m_plan(struct model *m, struct m_schedule *s, int64_t cursor);
/* When a nominal time is decided, as far as that can be known. */
struct m_range m_due(struct model *m, const struct m_schedule *s, int64_t nominal);
void           m_add_schedule(struct model *m, int object);
bool           m_has_same_times(const struct msg_schedule *a, const struct msg_schedule *b);
/* Its declaration is another. */
void m_schedule_changed(struct model *m, int object, const struct msg_schedule *before);
/* The clock went back. */
void m_replan(struct model *m);
/* The newest row that begins no later than the time, when it stands for it; else NULL. */
struct m_span *m_standing(const struct m_schedule *s, int64_t nominal);
/* Whether a row stands for the time, from before the clock went back; and has made a job. */
bool m_is_decided(const struct m_schedule *s, int64_t nominal);
bool m_has_fired(const struct m_schedule *s, int64_t nominal);
/* Its next time fired before the clock went back. */
void m_pass_over(struct model *m, struct m_schedule *s);
/* Its next time is decided anew: no older row stands for it or for those behind it. */
void m_take_back(struct model *m, struct m_schedule *s);
/* Whether what was due before agentd started waits, after a crash loop. */
bool m_waits_for_crash_loop(const struct model *m, int64_t due_at);
/* Whether the effects of its jobs are suppressed (C5). */
bool m_is_in_shadow(struct model *m, int object);
/* A job of a schedule has ended. */
void m_firing_ended(struct model *m, struct m_job *j);
/* A nominal time has come; before_at: the one before it.  Its last job may wait at a breaker. */
void m_firing_waits(struct model *m, struct m_schedule *s, int64_t before_at);
/* So many in a row have come to this limit, which may be none. */
bool m_reaches(uint32_t n, int64_t limit);
/* overdue (C5): what a nominal time that was decided begins or ends, of which the row may say more
 * than one: from `first` to the cursor. */
void m_expect_success(struct model *m, struct m_schedule *s, const struct firing *row,
                      int64_t first);
/* Nobody is to be told that there was no success, unless that was told already. */
void m_excuse(struct m_schedule *s);
void m_overdue_changed(struct model *m, struct m_schedule *s, int64_t from_ms, int64_t to_ms);
void m_overdue_due(struct model *m);
/* Tells people; is_pause: whatever the cool-down says. */
void m_alert(struct model *m, struct m_schedule *s, bool is_pause);
/* An alert of a schedule, to the sinks of alerts. */
void m_note(struct model *m, int schedule);
/* Of firings that ended in one turn the order may be open. */
void m_take_over_idle(struct m_schedule *s, const struct schedule *row);
void m_compare_outcomes(struct model *m, struct m_schedule *s, const struct schedule *row);
void m_schedules_due(struct model *m);
/* It is to be fired by hand, now (C10): whether it may; is_unclear: or is full. */
enum errc m_judge_by_hand(struct model *m, const struct m_schedule *s, bool is_forced,
                          bool *is_unclear, int64_t *eta_ms);
void      m_fire_by_hand(struct model *m, struct m_schedule *s, bool is_forced, bool is_unclear);
/* Its job is made by a person, at this time; checks the row. */
void m_make_by_hand(struct model *m, struct m_schedule *s, enum firing_kind kind, int64_t nominal,
                    bool is_forced);
/* backfill (C5): the times of the range that have not fired, when they may be fired. */
struct m_times {
    size_t  count;
    int64_t at[1000];
};
enum errc m_backfill(struct model *m, struct m_schedule *s, const struct msg_schedule_backfill *q,
                     struct m_times *times);
void      m_fire_past(struct model *m, struct m_schedule *s, const struct msg_schedule_backfill *q,
                      const struct m_times *times, const struct output *reply);
/* eta_ms: when there is thought to be room, if there is none; 0: nobody knows; -1: the model does
 * not. */
enum errc m_judge_room(struct model *m, const struct m_job *j, bool overlaps, bool *is_unclear,
                       int64_t *eta_ms);
int64_t   m_late_before(const struct model *m); /* what was due before it is late */
/* Now, or the end of its quiet hours that are now. */
int64_t m_quiet_end_now(struct model *m, const struct m_schedule *s);
/* A pause of it, or of whom it belongs to, is over. */
void m_pause_is_past(struct model *m, struct m_schedule *s, int64_t from, int64_t until);
/* Whether it is of the company, or for the agent. */
bool m_is_schedule_of(struct model *m, const struct m_object *o, int object);
/* Its company or its agent is paused (N37). */
bool m_is_firing_held(struct model *m, const struct m_object *o);
/* Its next time, which was due within these bounds, is neither missed nor held: what it comes to.
 * The row says what the model cannot know. */
uint8_t m_fire(struct model *m, struct m_schedule *s, struct m_range due, const struct firing *row);
bool    m_firing_in_flight(struct model *m, int object);
/* What the turn planned anew; `all`: every schedule, with its counters. */
void m_compare_schedules(struct model *m, bool all);
/* gates (C5) */
/* Whether such a gate may be declared. */
enum errc m_judge_gate(struct model *m, const struct actor *a, const struct msg_schedule *s,
                       int company, int handler, int agent);
/* Whether its gate is one that waits for the schedule; whether that of any does. */
bool m_gate_waits_for(struct model *m, const struct m_object *o, int schedule);
bool m_is_awaited(struct model *m, int schedule);
/* Whether the gate of a schedule that is not the agent's waits for one that is. */
bool m_holds_by_gate(struct model *m, int agent);
/* One of the tests that the daemon makes; agent: its own, or -1; row: the firing that is judged. */
bool m_gate_says_no(struct model *m, const struct m_schedule *s, int agent,
                    const struct firing *row);
/* Whether its command is asked in the attempts of the job; it has said no. */
bool m_asks_gate(struct model *m, const struct m_job *j);
void m_gate_closed_job(struct model *m, const struct m_job *j);
void m_compare_gated(struct model *m, const struct m_job *j);
/* idle back-off (C5) */
/* It ends, as when its times are planned anew; what was left out until now stays so. */
void m_idle_end(struct model *m, struct m_schedule *s);
void m_idle_found_nothing(struct model *m, struct m_schedule *s, int64_t nominal_at);
void m_idle_job_over(struct model *m, const struct m_job *j, bool found_nothing);
/* A job was made. */
void m_idle_agent_woken(struct model *m, const struct m_job *j);
/* Whom it wakes; -1: nobody. */
int m_firing_agent(struct model *m, const struct m_object *o);
/* pressure (C14) */
uint32_t  m_streams(const struct model *m); /* sessions that stream to a person */
enum errc m_job_stream(struct model *m, const struct input *in, const struct msg_job_stream *q,
                       const struct output *reply);
/* Whether the schedule, which is due, waits for people. */
bool m_is_put_off(struct model *m, struct m_schedule *s);
void m_check_schedule_deadline(struct model *m);

#endif
