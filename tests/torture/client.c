/* A client: submits, cancels, retries and reads, one request after the other. */
#include "tests/torture/client.h"

#include "common/mp.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAP_MAX_MS   40
#define GIVE_UP_PART 25  /* percent of the requests that are not asked again */
#define REPEAT_PART  5   /* percent of those that were done are asked once more */
#define BACKLOG_MAX  150 /* unfinished jobs of all clients; above it nothing is submitted */

/* ---- asking ---------------------------------------------------------------------------------- */

/* What was done is not done again, and answered as before. */
static void
repeat(struct client *c, enum msg_id op, const char *body, const char *key)
{
    BUF_AUTO struct buf before = {0};

    buf_add_view(&before, buf_view(&c->link.body));
    if (link_insist(&c->link, op, body, key, 0) == ANSWER_YES &&
        view_eq(buf_view(&before), buf_view(&c->link.body))) {
        return;
    }
    history_add(&c->history, "X %s was answered otherwise when it was repeated", msg_desc(op)->op);
    buf_clear(&c->link.body);
    buf_add_view(&c->link.body, buf_view(&before));
}

enum answer
client_change(struct client *c, enum msg_id op, const char *body, const char *key)
{
    unsigned tries = dice_percent(&c->dice, GIVE_UP_PART) ? 1 : 0;

    atomic_fetch_add(&c->shared->requests, 1);
    enum answer answer = link_insist(&c->link, op, body, key, tries);
    if (answer == ANSWER_NONE) atomic_fetch_add(&c->shared->unknown, 1);
    if (answer == ANSWER_YES && dice_percent(&c->dice, REPEAT_PART)) repeat(c, op, body, key);
    return answer;
}

enum answer
client_look(struct client *c, enum msg_id op, const char *body)
{
    atomic_fetch_add(&c->shared->requests, 1);
    return link_ask(&c->link, op, body, NULL, LINK_WAIT_MS);
}

int64_t
client_number(const struct client *c, const char *key)
{
    int64_t n = -1;

    return mp_find_i64(buf_view(&c->link.body), key, &n) ? n : -1;
}

void
client_own(struct client *c, uint64_t job)
{
    c->own[c->owns++ % OWN_MAX] = job;
}

void
client_next_key(struct client *c, char key[KEY_BYTES])
{
    (void)snprintf(key, KEY_BYTES, "x%u-%u", c->number, ++c->changes); /* fits */
}

/* ---- its own jobs ---------------------------------------------------------------------------- */

/* 0: it has none yet. */
static uint64_t
pick_own(struct client *c)
{
    size_t kept = c->owns < OWN_MAX ? c->owns : OWN_MAX;

    /* One of the latest, most of the time: they are the ones that live. */
    if (kept == 0) return 0;
    if (dice_percent(&c->dice, 70) && kept > 8) kept = 8;
    return c->own[(c->owns - 1 - dice_below(&c->dice, kept)) % OWN_MAX];
}

static void
note_seen(struct client *c, uint64_t job)
{
    struct view state = {0};

    (void)mp_find_str(buf_view(&c->link.body), "state",
                      &state); /* a state that is no state fails */
    history_add(&c->history, "V %" PRIu64 " %.*s %" PRId64, job, VIEW_ARG(state),
                client_number(c, "attempt"));
    if (client_number(c, "id") != (int64_t)job) {
        history_add(&c->history, "X asked for job %" PRIu64 ", got another", job);
    }
}

static void
note_missing(struct client *c, uint64_t job)
{
    history_add(&c->history, "X job %" PRIu64 " was acknowledged and then: %s", job,
                c->link.error.msg);
}

static void
show(struct client *c)
{
    uint64_t job = pick_own(c);
    char     body[64];

    if (!job) return;
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    switch (client_look(c, MSG_JOB_SHOW, body)) {
    case ANSWER_YES: note_seen(c, job); break;
    case ANSWER_NO: note_missing(c, job); break;
    case ANSWER_NONE: break;
    }
}

static void
wait_a_little(struct client *c)
{
    uint64_t job = pick_own(c);
    char     body[64];

    if (!job) return;
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 ",\"wait_ms\":%u}", job,
                   (unsigned)dice_below(&c->dice, LINK_WAIT_MS / 2)); /* fits */
    if (client_look(c, MSG_JOB_WAIT, body) == ANSWER_YES) note_seen(c, job);
}

/* One cancel or retry; how it ended, for the history. */
static const char *
change_own(struct client *c, enum msg_id op, uint64_t job)
{
    char body[64], key[KEY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    client_next_key(c, key);
    enum answer answer = client_change(c, op, body, key);
    if (answer == ANSWER_NONE) return "unknown";
    if (answer == ANSWER_NO && c->link.error.code == E_NOT_FOUND) note_missing(c, job);
    return answer == ANSWER_YES ? "yes" : "no";
}

static void
cancel(struct client *c)
{
    uint64_t    job = pick_own(c);
    const char *word;
    struct view state = {0};

    if (!job) return;
    word = change_own(c, MSG_JOB_CANCEL, job);
    if (strcmp(word, "yes") == 0 && mp_find_str(buf_view(&c->link.body), "state", &state) &&
        view_is(state, "running")) {
        word = "stopping";
    }
    history_add(&c->history, "C %" PRIu64 " %s", job, word);
}

static void
retry(struct client *c)
{
    uint64_t job = pick_own(c);

    if (!job) return;
    const char *word = change_own(c, MSG_JOB_RETRY, job);
    history_add(&c->history, "T %" PRIu64 " %s", job, word);
}

/* ---- looking around -------------------------------------------------------------------------- */

static void
stats(struct client *c)
{
    if (client_look(c, MSG_JOB_STATS, "{}") != ANSWER_YES) return;
    c->is_full = client_number(c, "ready") + client_number(c, "running") > BACKLOG_MAX;
}

static void
look_around(struct client *c)
{
    static const struct {
        enum msg_id op;
        const char *body;
    } looks[] = {
        {MSG_JOB_LIST,         "{\"limit\":50}"                       },
        {MSG_JOB_LIST,         "{\"state\":\"running\",\"limit\":20}" },
        {MSG_STATUS,           "{}"                                   },
        {MSG_PING,             "{}"                                   },
        {MSG_WORKER_LIST,      "{}"                                   },
        {MSG_SCHEDULE_LIST,    "{}"                                   },
        {MSG_SCHEDULE_FIRINGS, "{\"name\":\"tick\",\"limit\":10}"     },
        {MSG_EFFECT_LIST,      "{\"status\":\"unknown\",\"limit\":10}"},
        {MSG_COMPANY_LIST,     "{}"                                   },
        {MSG_SESSION_LIST,     "{}"                                   },
        {MSG_AGENT_LIST,       "{}"                                   },
    };
    size_t i = dice_below(&c->dice, sizeof(looks) / sizeof(looks[0]));

    if (client_look(c, looks[i].op, looks[i].body) == ANSWER_NO && c->link.error.code != E_BUSY) {
        history_add(&c->history, "X %s: %s", msg_desc(looks[i].op)->op, c->link.error.msg);
    }
}

static void
why(struct client *c)
{
    uint64_t job = pick_own(c);
    char     body[64];

    if (!job) return;
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    if (client_look(c, MSG_JOB_WHY, body) == ANSWER_NO) note_missing(c, job);
}

/* ---- the process ----------------------------------------------------------------------------- */

static void
step(struct client *c)
{
    static const struct {
        unsigned weight;
        bool     adds; /* to the backlog */
        void (*act)(struct client *c);
    } steps[] = {
        {24, true,  submit_one   },
        {6,  true,  submit_batch },
        {1,  true,  submit_wrong },
        {4,  true,  wake_one     },
        {2,  true,  lot_step     },
        {8,  true,  work_step    },
        {10, false, say_something},
        {10, false, show         },
        {6,  false, wait_a_little},
        {6,  false, cancel       },
        {6,  true,  retry        },
        {6,  false, look_around  },
        {3,  false, why          },
        {8,  false, stats        },
    };
    unsigned at = (unsigned)dice_below(&c->dice, 100), i;

    for (i = 0; at >= steps[i].weight; i++)
        at -= steps[i].weight;
    if (c->is_full && steps[i].adds) {
        stats(c);
    } else {
        steps[i].act(c);
    }
    if (!atomic_load(&c->shared->burst)) (void)poll(NULL, 0, (int)dice_below(&c->dice, NAP_MAX_MS));
}

_Noreturn void
client_main(const struct load *l, unsigned number)
{
    struct client c = {
        .dice = dice_of(l->seed, 100 + number), .shared = l->shared, .number = number};
    char name[NAME_BYTES];

    load_client_name(number, name);
    history_open(&c.history, l->folder, name);
    link_open(&c.link, l->run_folder);
    while (!atomic_load(&l->shared->stop))
        step(&c);
    link_close(&c.link);
    history_close(&c.history);
    exit(0);
}
