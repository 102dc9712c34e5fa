/* What the operator does to schedules and their firings. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/operator.h"
#include "tests/torture/schedules.h"
#include <inttypes.h>
#include <stdio.h>

#define ONCE_PART   15 /* percent of the firings by hand that are not asked for again … */
#define REPEAT_PART 25 /* … and of the others that are asked for once more than they need be */
#define FORCE_PART  40
#define PICKS       20 /* tries to find a schedule of a kind */
#define PAST_MS     8000
#define AGO_MS      30000
#define UNTIL_MS    3000
#define FILLED_MAX  (PAST_MS / 1000 + 1)
#define RUNNING_MAX 20

static bool
is_fixed(const struct scheduled *s)
{
    return !s->is_variable;
}

static bool
is_changeable(const struct scheduled *s)
{
    return !s->is_shadow; /* a change begins it anew */
}

static bool
is_shadow(const struct scheduled *s)
{
    return s->is_shadow;
}

/* One that was made by request; NULL when none of the kind was found. */
static const struct scheduled *
pick(struct operator_state *o, bool (*is_wanted)(const struct scheduled *))
{
    for (int n = 0; n < PICKS; n++) {
        const struct scheduled *s = &schedules[dice_below(&o->dice, schedules_count)];

        if (!s->when && (!is_wanted || is_wanted(s))) return s;
    }
    return NULL;
}

/* Asks until it is answered; a refusal for another reason than the two is noted. */
static enum answer
ask(struct operator_state *o, enum msg_id op, const char *body, enum errc may, enum errc or)
{
    char key[OPERATOR_KEY_BYTES];

    operator_next_key(o, key);
    enum answer answer = link_insist(&o->link, op, body, key, 0);
    if (answer == ANSWER_NO && o->link.error.code != may && o->link.error.code != or) {
        history_add(&o->history, "X %s %s: %s", msg_desc(op)->op, body, o->link.error.msg);
    }
    return answer;
}

/* ---- firings by hand ------------------------------------------------------------------------- */

/* It is not fired again, and answered as before. */
static void
repeat(struct operator_state *o, enum msg_id op, const char *body, const char *key)
{
    BUF_AUTO struct buf before = {0};

    buf_add_view(&before, buf_view(&o->link.body));
    if (link_insist(&o->link, op, body, key, 0) == ANSWER_YES &&
        view_eq(buf_view(&before), buf_view(&o->link.body))) {
        return;
    }
    history_add(&o->history, "X %s was answered otherwise when it was repeated", msg_desc(op)->op);
    buf_clear(&o->link.body);
    buf_add_view(&o->link.body, buf_view(&before));
}

/* Once, or until it is answered. */
static enum answer
fire(struct operator_state *o, enum msg_id op, const char *body)
{
    char key[OPERATOR_KEY_BYTES];

    operator_next_key(o, key);
    enum answer answer =
        link_insist(&o->link, op, body, key, dice_percent(&o->dice, ONCE_PART) ? 1 : 0);
    if (answer == ANSWER_NONE) atomic_fetch_add(&o->shared->unknown, 1);
    if (answer == ANSWER_YES && dice_percent(&o->dice, REPEAT_PART)) repeat(o, op, body, key);
    if (answer == ANSWER_NO && o->link.error.code != E_CAPACITY_FULL &&
        o->link.error.code != E_DRAINING) {
        history_add(&o->history, "X %s %s: %s", msg_desc(op)->op, body, o->link.error.msg);
    }
    return answer;
}

static const char *
force(struct operator_state *o)
{
    return dice_percent(&o->dice, FORCE_PART) ? "true" : "false";
}

static void
run(struct operator_state *o)
{
    const struct scheduled *s = pick(o, NULL);
    char                    body[BODY_BYTES];
    int64_t                 job = 0;

    if (!s) return;
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"force\":%s}", s->name,
                   force(o)); /* fits */
    switch (fire(o, MSG_SCHEDULE_RUN, body)) {
    case ANSWER_YES:
        (void)mp_find_i64(buf_view(&o->link.body), "job", &job); /* 0 is nobody's */
        history_add(&o->history, "H run %s yes %" PRId64, s->name, job);
        break;
    case ANSWER_NONE: history_add(&o->history, "H run %s unknown 1", s->name); break;
    case ANSWER_NO: break;
    }
}

static void
note_filled(struct operator_state *o, const struct scheduled *s)
{
    BUF_AUTO struct buf line = {0};
    struct view         list = {0};
    uint32_t            count = 0;
    uint64_t            id;

    buf_printf(&line, "H backfill %s yes", s->name);
    (void)mp_find(buf_view(&o->link.body), "jobs", &list); /* without one it has no jobs */
    struct mp_reader r = mp_reader_of(list);
    (void)mp_read_array(&r, &count);
    while (count-- > 0 && mp_read_u64(&r, &id))
        buf_printf(&line, " %" PRIu64, id);
    history_add(&o->history, "%s", buf_str(&line));
}

static void
fill(struct operator_state *o)
{
    const struct scheduled *s = pick(o, is_fixed);
    int64_t                 to = clock_now().wall_ms - (int64_t)dice_below(&o->dice, AGO_MS);
    char                    body[BODY_BYTES];

    if (!s) return;
    (void)snprintf(body, sizeof(body),
                   "{\"name\":\"%s\",\"from\":%" PRId64 ",\"to\":%" PRId64 ",\"force\":%s}",
                   s->name, to - 1 - (int64_t)dice_below(&o->dice, PAST_MS), to,
                   force(o)); /* fits */
    switch (fire(o, MSG_SCHEDULE_BACKFILL, body)) {
    case ANSWER_YES: note_filled(o, s); break;
    case ANSWER_NONE:
        history_add(&o->history, "H backfill %s unknown %d", s->name, FILLED_MAX);
        break;
    case ANSWER_NO: break;
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Its times, when they are variable, else what its jobs are like. */
static void
set(struct operator_state *o)
{
    const struct scheduled *s = pick(o, is_changeable);
    int64_t                 step_ms;
    char                    body[BODY_BYTES];

    if (!s) return;
    step_ms = s->is_variable ? schedule_step((unsigned)dice_below(&o->dice, 100)) : s->step_ms;
    if (s->is_variable) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"every_ms\":%" PRId64 "}", s->name,
                       step_ms); /* fits */
    } else {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"priority\":%u}", s->name,
                       (unsigned)dice_below(&o->dice, 81)); /* fits */
    }
    if (ask(o, MSG_SCHEDULE_SET, body, E_OK, E_OK) != ANSWER_YES) return;
    history_add(&o->history, "W %s %" PRId64, s->name, step_ms);
}

/* It may still be paused until a time; that time may have passed when it is asked again. */
static void
pause_for_a_while(struct operator_state *o)
{
    const struct scheduled *s = pick(o, NULL);
    char                    body[BODY_BYTES];

    if (!s) return;
    if (dice_percent(&o->dice, 50)) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"until\":%" PRId64 "}", s->name,
                       clock_now().wall_ms + 1 +
                           (int64_t)dice_below(&o->dice, UNTIL_MS)); /* fits */
        (void)ask(o, MSG_SCHEDULE_PAUSE, body, E_WRONG_STATE, E_BAD_REQUEST);
        return;
    }
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", s->name); /* fits */
    (void)ask(o, MSG_SCHEDULE_PAUSE, body, E_WRONG_STATE, E_OK);
    operator_hold(o);
    (void)ask(o, MSG_SCHEDULE_RESUME, body, E_WRONG_STATE, E_OK);
}

static void
promote(struct operator_state *o)
{
    const struct scheduled *s = pick(o, is_shadow);
    char                    body[BODY_BYTES];

    if (!s) return;
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", s->name); /* fits */
    if (ask(o, MSG_SCHEDULE_PROMOTE, body, E_WRONG_STATE, E_OK) != ANSWER_YES) return;
    history_add(&o->history, "D %s", s->name);
}

/* ---- people ---------------------------------------------------------------------------------- */

/* 0: none runs. */
static int64_t
pick_running(struct operator_state *o)
{
    struct view items = {0}, item;
    uint32_t    count = 0;
    int64_t     id = 0;

    if (link_ask(&o->link, MSG_JOB_LIST, "{\"state\":\"running\",\"limit\":20}", NULL,
                 LINK_WAIT_MS) != ANSWER_YES ||
        !mp_find(buf_view(&o->link.body), "items", &items)) {
        return 0;
    }
    struct mp_reader r = mp_reader_of(items);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    for (uint64_t n = dice_below(&o->dice, RUNNING_MAX); count > 0; count--, n--) {
        if (!mp_read_any(&r, &item) || !mp_find_i64(item, "id", &id) || n == 0) break;
    }
    return id;
}

/* The mark ends with the job, or with agentd. */
static void
stream(struct operator_state *o)
{
    int64_t job = pick_running(o), from = clock_now().wall_ms;
    char    body[BODY_BYTES];

    if (job == 0) return;
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRId64 ",\"active\":true}", job); /* fits */
    if (ask(o, MSG_JOB_STREAM, body, E_WRONG_STATE, E_NOT_FOUND) != ANSWER_YES) return;
    operator_hold(o);
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRId64 ",\"active\":false}", job); /* fits */
    (void)ask(o, MSG_JOB_STREAM, body, E_WRONG_STATE, E_NOT_FOUND);
    history_add(&o->history, "L %" PRId64 " %" PRId64, from, clock_now().wall_ms);
}

void
timetable_act(struct operator_state *o)
{
    static void (*const acts[])(struct operator_state *) = {
        run,     run,    run, run, fill, fill, set, set, pause_for_a_while, pause_for_a_while,
        promote, stream,
    };

    acts[dice_below(&o->dice, ARRAY_LEN(acts))](o);
}

void
timetable_prepare(struct link *l)
{
    for (unsigned i = 0; i < schedules_count; i++) {
        BUF_AUTO struct buf body = {0};

        if (schedules[i].when) continue;
        schedule_declare(&schedules[i], &body);
        operator_must(l, MSG_SCHEDULE_ADD, buf_str(&body), schedules[i].name);
    }
}
