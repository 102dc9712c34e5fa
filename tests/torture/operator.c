/* The operator: stops and resumes, pauses and resumes, changes limits and the configuration,
 * decides what waits for a person, removes an agent, and looks whether the store is whole, while
 * agentd is killed.  It asks until it is answered, and leaves nothing held. */
#include "tests/torture/operator.h"
#include "common/mp.h"
#include "tests/torture/config.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PAUSE_MS       500 /* between two acts, at most */
#define HOLD_MS        300 /* how long something is stopped or paused, at most */
#define TIMETABLE_ACTS 3

#define FSCK_MS 5000

#define BRIEF_JOBS    6 /* of the agent that is removed */
#define BRIEF_TRIES   600
#define BRIEF_WAIT_MS 50

void
operator_next_key(struct operator_state *o, char key[OPERATOR_KEY_BYTES])
{
    (void)snprintf(key, OPERATOR_KEY_BYTES, "o-%u", ++o->requests); /* fits */
    atomic_fetch_add(&o->shared->requests, 1);
}

static void
act(struct operator_state *o, enum msg_id op, const char *body)
{
    char key[OPERATOR_KEY_BYTES];

    operator_next_key(o, key);
    if (link_insist(&o->link, op, body, key, 0) == ANSWER_YES) return;
    /* It has never been open. */
    if (op == MSG_BREAKER_RESET && o->link.error.code == E_NOT_FOUND) return;
    history_add(&o->history, "X %s %s: %s", msg_desc(op)->op, body, o->link.error.msg);
}

void
operator_hold(struct operator_state *o)
{
    (void)poll(NULL, 0, (int)dice_below(&o->dice, HOLD_MS));
}

/* ---- acts ------------------------------------------------------------------------------------ */

static void
stop_and_resume(struct operator_state *o)
{
    static const char *const scopes[] = {"new", "effects", "new,effects"};
    char                     body[BODY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"scope\":\"%s\"}",
                   scopes[dice_below(&o->dice, ARRAY_LEN(scopes))]); /* fits */
    act(o, MSG_STOP, body);
    operator_hold(o);
    act(o, MSG_RESUME, "{}");
}

/* What runs is stopped, too; the reason tells the judge which stops these are. */
static void
stop_running_and_resume(struct operator_state *o)
{
    act(o, MSG_STOP, "{\"scope\":\"running\",\"reason\":\"" STOP_RUNNING "\"}");
    operator_hold(o);
    act(o, MSG_RESUME, "{}");
}

static void
reset_breaker(struct operator_state *o)
{
    act(o, MSG_BREAKER_RESET, "{\"name\":\"" LIMITED "\"}");
}

/* A life that begins before it is asked for has it already. */
static void
change_config(struct operator_state *o)
{
    if (!config_change(o->folder, &o->ports, ++o->reloads)) {
        history_add(&o->history, "X the configuration cannot be written");
    }
    act(o, MSG_RELOAD, "{}");
}

static void
drain_and_resume(struct operator_state *o)
{
    act(o, MSG_DRAIN, "{\"reason\":\"torture\"}");
    operator_hold(o);
    act(o, MSG_RESUME, "{}");
}

static void
pause_and_resume(struct operator_state *o)
{
    static const struct {
        enum msg_id pause, resume;
        const char *name;
    } pauses[] = {
        {MSG_AGENT_PAUSE,   MSG_AGENT_RESUME,   "acme/busy"   },
        {MSG_AGENT_PAUSE,   MSG_AGENT_RESUME,   "acme/herald" },
        {MSG_AGENT_PAUSE,   MSG_AGENT_RESUME,   "acme/sleeper"},
        {MSG_COMPANY_PAUSE, MSG_COMPANY_RESUME, "beta"        },
        {MSG_COMPANY_PAUSE, MSG_COMPANY_RESUME, "acme"        },
    };
    size_t i = dice_below(&o->dice, ARRAY_LEN(pauses));
    char   body[BODY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", pauses[i].name); /* fits */
    act(o, pauses[i].pause, body);
    operator_hold(o);
    act(o, pauses[i].resume, body);
}

static void
change_cap(struct operator_state *o)
{
    char body[BODY_BYTES];

    (void)snprintf(body, sizeof(body),
                   "{\"name\":\"busy\",\"company\":\"acme\",\"max_concurrent\":%d}",
                   busy_cap(++o->caps)); /* fits */
    act(o, MSG_AGENT_SET, body);
}

static void
raise_limit(struct operator_state *o)
{
    char body[BODY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"daily_turns\":%u}", THRIFT,
                   THRIFT_TURNS + ++o->raises * THRIFT_RAISE); /* fits */
    act(o, MSG_COMPANY_SET, body);
}

/* So that everything comes to its end. */
static void
end_limit(struct operator_state *o)
{
    history_add(&o->history, "B %u", o->raises);
    act(o, MSG_COMPANY_SET, "{\"name\":\"" THRIFT "\",\"daily_turns\":null}");
}

static void
note_problem(struct operator_state *o, struct view item)
{
    struct mp_reader r = mp_reader_of(item);
    struct view      text = {0};

    (void)mp_read_str(&r, &text); /* what is no text has none */
    history_add(&o->history, "X fsck: %.*s", VIEW_ARG(text));
}

static void
look_whole(struct operator_state *o)
{
    struct view problems, item;
    uint32_t    count = 0;
    bool        ok = false;

    if (link_ask(&o->link, MSG_FSCK, "{}", NULL, FSCK_MS) != ANSWER_YES) return;
    atomic_fetch_add(&o->shared->fscks, 1);
    if (mp_find_bool(buf_view(&o->link.body), "ok", &ok) && ok) return;
    history_add(&o->history, "X fsck is not ok");
    if (!mp_find(buf_view(&o->link.body), "problems", &problems)) return;
    struct mp_reader r = mp_reader_of(problems);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    while (count-- > 0 && mp_read_any(&r, &item))
        note_problem(o, item);
}

/* ---- a person's word ------------------------------------------------------------------------- */

static void
decide(struct operator_state *o, struct view approval)
{
    int64_t id = 0;
    bool    is_granted = dice_percent(&o->dice, 60);
    char    body[BODY_BYTES];

    (void)mp_find_i64(approval, "id", &id);                         /* without one it is refused */
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRId64 "}", id); /* fits */
    history_add(&o->history, "G %" PRId64 " %s", id, is_granted ? "yes" : "no");
    act(o, is_granted ? MSG_APPROVAL_GRANT : MSG_APPROVAL_DENY, body);
}

/* Some of what waits. */
static void
decide_some(struct operator_state *o)
{
    BUF_AUTO struct buf page = {0};
    struct view         items, item;
    uint32_t            count = 0;

    if (link_ask(&o->link, MSG_APPROVAL_LIST, "{\"status\":\"pending\",\"limit\":5}", NULL,
                 LINK_WAIT_MS) != ANSWER_YES ||
        !mp_find(buf_view(&o->link.body), "items", &items)) {
        return;
    }
    buf_add_view(&page, items);
    struct mp_reader r = mp_reader_of(buf_view(&page));
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    while (count-- > 0 && mp_read_any(&r, &item))
        decide(o, item);
}

/* ---- an agent that goes ---------------------------------------------------------------------- */

static void
note_ids(struct operator_state *o)
{
    struct view list;
    uint32_t    count = 0;
    uint64_t    id;

    if (!mp_find(buf_view(&o->link.body), "ids", &list)) return;
    struct mp_reader r = mp_reader_of(list);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    while (count-- > 0 && mp_read_u64(&r, &id))
        history_add(&o->history, "M %" PRIu64, id);
}

/* One of that name may still be on its way out. */
static bool
add_brief(struct operator_state *o)
{
    char key[32];

    for (int n = 0; n < BRIEF_TRIES; n++) {
        (void)snprintf(key, sizeof(key), "o-%u", ++o->requests); /* fits */
        if (link_insist(&o->link, MSG_AGENT_ADD,
                        "{\"name\":\"" BRIEF "\",\"company\":\"acme\",\"handler\":\"slow\"}", key,
                        0) == ANSWER_YES) {
            return true;
        }
        (void)poll(NULL, 0, BRIEF_WAIT_MS);
    }
    history_add(&o->history, "X no agent " BRIEF " could be added: %s", o->link.error.msg);
    return false;
}

/* What waits and what runs for an agent goes with it. */
static void
add_and_remove(struct operator_state *o)
{
    BUF_AUTO struct buf body = {0};
    unsigned            count = 1 + (unsigned)dice_below(&o->dice, BRIEF_JOBS);

    if (!add_brief(o)) return;
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&body,
                   "%s{\"agent\":\"acme/" BRIEF "\",\"title\":\"" BRIEF
                   "\",\"max_attempts\":1000,\"delay_ms\":%u,\"payload\":{\"mark\":\"" BRIEF "\"}}",
                   i == 0 ? "{\"jobs\":[" : ",", dice_percent(&o->dice, 30) ? 3600000 : 0);
    }
    buf_add_str(&body, "]}");
    act(o, MSG_JOB_SUBMIT_MANY, buf_str(&body));
    note_ids(o);
    operator_hold(o);
    act(o, MSG_AGENT_REMOVE, "{\"name\":\"acme/" BRIEF "\",\"cascade\":true}");
}

/* ---- the process ----------------------------------------------------------------------------- */

static void
step(struct operator_state *o)
{
    static void (*const acts[])(struct operator_state *) = {
        stop_and_resume, drain_and_resume, pause_and_resume, pause_and_resume,        change_cap,
        change_cap,      look_whole,       raise_limit,      stop_running_and_resume, reset_breaker,
        change_config,   decide_some,      decide_some,      add_and_remove,
    };

    acts[dice_below(&o->dice, ARRAY_LEN(acts))](o);
    for (int n = 0; n < TIMETABLE_ACTS; n++)
        timetable_act(o);
    (void)poll(NULL, 0, (int)dice_below(&o->dice, PAUSE_MS));
}

void
operator_must(struct link *l, enum msg_id op, const char *body, const char *key)
{
    if (link_insist(l, op, body, key, 0) == ANSWER_YES) return;
    (void)fprintf(stderr, "torture: %s: %s\n", msg_desc(op)->op, l->error.msg);
    abort();
}

/* What the operator changes cannot be of the configuration. */
void
operator_prepare(struct link *l)
{
    char body[BODY_BYTES];

    (void)snprintf(body, sizeof(body),
                   "{\"name\":\"busy\",\"company\":\"acme\",\"handler\":\"work\","
                   "\"max_concurrent\":%d}",
                   busy_cap(0)); /* fits */
    operator_must(l, MSG_AGENT_ADD, body, "busy");
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"daily_turns\":%d,\"queue_max\":%d}",
                   THRIFT, THRIFT_TURNS, THRIFT_QUEUE); /* fits */
    operator_must(l, MSG_COMPANY_ADD, body, THRIFT);
    timetable_prepare(l);
}

_Noreturn void
operator_main(const struct load *l)
{
    struct operator_state o = {
        .dice = dice_of(l->seed, 300), .shared = l->shared, .folder = l->folder, .ports = l->ports};

    history_open(&o.history, l->folder, OPERATOR);
    link_open(&o.link, l->run_folder);
    while (!atomic_load(&l->shared->stop))
        step(&o);
    while (busy_cap(o.caps) == 0)
        change_cap(&o);
    end_limit(&o);
    link_close(&o.link);
    history_close(&o.history);
    exit(0);
}
