/* A client: submits, cancels, retries and reads, one request after the other. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/kinds.h"
#include "tests/torture/link.h"
#include "tests/torture/load.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_MAX      256 /* of its jobs that it still thinks of */
#define BACKLOG_MAX  150 /* unfinished jobs of all clients; above it nothing is submitted */
#define LATE_MS      3600000
#define NAP_MAX_MS   40
#define BIG_MAX      20000
#define GIVE_UP_PART 25 /* percent of the requests that are not asked again */
#define KEY_BYTES    48

struct client {
    struct link    link;
    struct history history;
    struct dice    dice;
    struct shared *shared;
    unsigned       number;
    unsigned       intents;
    unsigned       changes; /* cancels and retries, for their request_id */
    uint64_t       own[OWN_MAX];
    size_t         owns; /* ever; the ring holds the last ones */
    bool           is_full;
};

/* ---- asking ---------------------------------------------------------------------------------- */

static enum answer
change(struct client *c, enum msg_id op, const char *body, const char *key)
{
    unsigned tries = dice_percent(&c->dice, GIVE_UP_PART) ? 1 : 0;

    atomic_fetch_add(&c->shared->requests, 1);
    enum answer answer = link_insist(&c->link, op, body, key, tries);
    if (answer == ANSWER_NONE) atomic_fetch_add(&c->shared->unknown, 1);
    return answer;
}

static enum answer
look(struct client *c, enum msg_id op, const char *body)
{
    atomic_fetch_add(&c->shared->requests, 1);
    return link_ask(&c->link, op, body, NULL, LINK_WAIT_MS);
}

static int64_t
number_in(const struct client *c, const char *key)
{
    int64_t n = -1;

    return mp_find_i64(buf_view(&c->link.body), key, &n) ? n : -1;
}

/* ---- submitting ------------------------------------------------------------------------------ */

static enum kind
pick_kind(struct client *c)
{
    unsigned  sum = 0, at;
    enum kind k;

    for (k = 0; k < KIND_COUNT; k++)
        sum += kind_rule(k)->weight;
    at = (unsigned)dice_below(&c->dice, sum);
    for (k = 0; at >= kind_rule(k)->weight; k++)
        at -= kind_rule(k)->weight;
    return k;
}

static void
add_payload(struct client *c, enum kind k, const char *mark, struct buf *b)
{
    buf_printf(b, ",\"payload\":{\"mark\":\"%s\"", mark);
    if (k == KIND_nap) buf_printf(b, ",\"ms\":%u", (unsigned)dice_below(&c->dice, 400));
    if (k == KIND_echo && dice_percent(&c->dice, 10)) {
        size_t size = dice_below(&c->dice, BIG_MAX);

        buf_add_str(b, ",\"filling\":\"");
        for (size_t i = 0; i < size; i++)
            buf_add(b, &"0123456789abcdef"[dice_below(&c->dice, 16)], 1);
        buf_add_str(b, "\"");
    }
    buf_add_str(b, "}");
}

static void
add_job(struct client *c, enum kind k, const char *mark, struct buf *b)
{
    static const char *const companies[] = {"default", "acme", "beta"};
    const struct kind_rule  *rule = kind_rule(k);

    buf_printf(b, "{\"handler\":\"%s\",\"title\":\"%s\",\"max_attempts\":%u", rule->handler, mark,
               rule->max_attempts);
    if (k == KIND_tells && dice_percent(&c->dice, 50)) {
        buf_add_str(b, ",\"agent\":\"acme/herald\",\"company\":\"acme\"");
    } else {
        buf_printf(b, ",\"company\":\"%s\"", companies[dice_below(&c->dice, 3)]);
    }
    if (dice_percent(&c->dice, 30)) {
        buf_printf(b, ",\"priority\":%u", (unsigned)dice_below(&c->dice, 81));
    }
    if (k == KIND_delayed) {
        buf_printf(b, ",\"delay_ms\":%u", 100 + (unsigned)dice_below(&c->dice, 3000));
    }
    if (k == KIND_late) buf_printf(b, ",\"delay_ms\":%d", LATE_MS);
    if (k == KIND_overruns) buf_add_str(b, ",\"max_run_ms\":300");
    if (k == KIND_expires) {
        int64_t at = clock_now().wall_ms + 50 + (int64_t)dice_below(&c->dice, 2000);

        buf_printf(b, ",\"expires_at\":%" PRId64, at);
    }
    add_payload(c, k, mark, b);
    buf_add_str(b, "}");
}

static void
own(struct client *c, uint64_t job)
{
    c->own[c->owns++ % OWN_MAX] = job;
    atomic_fetch_add(&c->shared->acknowledged, 1);
}

static void
take_ids(struct client *c, unsigned number, unsigned count)
{
    BUF_AUTO struct buf line = {0};
    struct view         ids;
    uint32_t            n = 0;
    uint64_t            id = 0;

    buf_printf(&line, "A %u", number);
    if (mp_find(buf_view(&c->link.body), "ids", &ids)) {
        struct mp_reader r = mp_reader_of(ids);

        (void)mp_read_array(&r, &n); /* what is no list has no items */
        for (uint32_t i = 0; i < n && mp_read_u64(&r, &id); i++) {
            buf_printf(&line, " %" PRIu64, id);
            own(c, id);
        }
    } else if ((id = (uint64_t)number_in(c, "id"))) {
        buf_printf(&line, " %" PRIu64, id);
        own(c, id);
        n = 1;
    }
    history_add(&c->history, "%s", buf_str(&line));
    if (n != count) history_add(&c->history, "X %u jobs were submitted, %u ids came", count, n);
}

static void
submit(struct client *c, enum kind k, unsigned count, bool is_batch)
{
    BUF_AUTO struct buf body = {0};
    unsigned            number = c->intents++;
    char                key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "c%u-%u", c->number, number); /* fits */
    buf_add_str(&body, is_batch ? "{\"jobs\":[" : "");
    for (unsigned i = 0; i < count; i++) {
        char mark[KEY_BYTES + 8];

        (void)snprintf(mark, sizeof(mark), is_batch ? "%s-%u" : "%s", key, i); /* fits */
        if (i > 0) buf_add_str(&body, ",");
        add_job(c, k, mark, &body);
    }
    if (is_batch) buf_add_str(&body, "]}");
    history_add(&c->history, "S %u %s %u", number, kind_rule(k)->name, count);
    switch (change(c, is_batch ? MSG_JOB_SUBMIT_MANY : MSG_JOB_SUBMIT, buf_str(&body), key)) {
    case ANSWER_YES: take_ids(c, number, count); break;
    case ANSWER_NO:
        history_add(&c->history, "R %u %s", number, errc_wire(c->link.error.code));
        break;
    case ANSWER_NONE: history_add(&c->history, "U %u", number); break;
    }
}

static void
submit_one(struct client *c)
{
    submit(c, pick_kind(c), 1, false);
}

static void
submit_batch(struct client *c)
{
    static const enum kind kinds[] = {KIND_noop, KIND_echo, KIND_delayed, KIND_late};
    enum kind              k = kinds[dice_below(&c->dice, sizeof(kinds) / sizeof(kinds[0]))];

    submit(c, k, 1 + (unsigned)dice_below(&c->dice, k == KIND_late ? 3 : BATCH_LARGE), true);
}

/* Refused whole: the last of its jobs has no handler. */
static void
submit_wrong(struct client *c)
{
    BUF_AUTO struct buf body = {0};
    char                key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "w%u-%u", c->number, ++c->changes); /* fits */
    buf_add_str(&body, "{\"jobs\":[{\"handler\":\"noop\",\"title\":\"wrong\"},"
                       "{\"handler\":\"nobody\",\"title\":\"wrong\"}]}");
    if (change(c, MSG_JOB_SUBMIT_MANY, buf_str(&body), key) == ANSWER_YES) {
        history_add(&c->history, "X a batch with an unknown handler was taken");
    }
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
                number_in(c, "attempt"));
    if (number_in(c, "id") != (int64_t)job) {
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
    switch (look(c, MSG_JOB_SHOW, body)) {
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
    if (look(c, MSG_JOB_WAIT, body) == ANSWER_YES) note_seen(c, job);
}

/* One cancel or retry; how it ended, for the history. */
static const char *
change_own(struct client *c, enum msg_id op, uint64_t job)
{
    char body[64], key[KEY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job);     /* fits */
    (void)snprintf(key, sizeof(key), "x%u-%u", c->number, ++c->changes); /* fits */
    enum answer answer = change(c, op, body, key);
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
    if (look(c, MSG_JOB_STATS, "{}") != ANSWER_YES) return;
    c->is_full = number_in(c, "ready") + number_in(c, "running") > BACKLOG_MAX;
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

    if (look(c, looks[i].op, looks[i].body) == ANSWER_NO && c->link.error.code != E_BUSY) {
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
    if (look(c, MSG_JOB_WHY, body) == ANSWER_NO) note_missing(c, job);
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
        {46, true,  submit_one   },
        {6,  true,  submit_batch },
        {1,  true,  submit_wrong },
        {12, false, show         },
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
