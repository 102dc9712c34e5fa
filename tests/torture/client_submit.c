/* The requests of a client that make jobs. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/client.h"
#include "tests/torture/config.h"
#include <inttypes.h>
#include <stdio.h>

#define LATE_MS     3600000
#define BIG_MAX     20000
#define KEYS        3   /* unique keys, and keys to debounce by, of all clients together */
#define UNIQUE_MS   400 /* so long a job with a key waits at most: it can be replaced */
#define NARROW_MS   2000
#define DEBOUNCE_MS 300
#define MARK_BYTES  (KEY_BYTES + 16)

/* ---- a request ------------------------------------------------------------------------------- */

unsigned
intent_begin(struct client *c, enum kind k, unsigned count)
{
    unsigned number = c->intents++;

    history_add(&c->history, "S %u %s %u", number, kind_rule(k)->name, count);
    return number;
}

void
intent_mark(const struct client *c, unsigned number, char mark[KEY_BYTES])
{
    (void)snprintf(mark, KEY_BYTES, "c%u-%u", c->number, number); /* fits */
}

enum answer
intent_ask(struct client *c, unsigned number, enum msg_id op, const char *body)
{
    char key[KEY_BYTES];

    intent_mark(c, number, key);
    enum answer answer = client_change(c, op, body, key);
    if (answer == ANSWER_NO) {
        history_add(&c->history, "R %u %s", number, errc_wire(c->link.error.code));
    }
    if (answer == ANSWER_NONE) history_add(&c->history, "U %u", number);
    return answer;
}

void
intent_made(struct client *c, unsigned number, unsigned count, const uint64_t *ids, size_t n)
{
    BUF_AUTO struct buf line = {0};

    buf_printf(&line, "A %u", number);
    for (size_t i = 0; i < n; i++)
        buf_printf(&line, " %" PRIu64, ids[i]);
    history_add(&c->history, "%s", buf_str(&line));
    atomic_fetch_add(&c->shared->acknowledged, n);
    if (n != count) history_add(&c->history, "X %u jobs were asked for, %zu ids came", count, n);
}

/* ---- a job ----------------------------------------------------------------------------------- */

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
add_place(struct client *c, enum kind k, struct buf *b)
{
    static const char *const companies[] = {"default", "acme", "beta"};

    if (k == KIND_hurries) {
        buf_add_str(b, ",\"agent\":\"acme/busy\"");
    } else if (k == KIND_tells && dice_percent(&c->dice, 50)) {
        buf_add_str(b, ",\"agent\":\"acme/herald\",\"company\":\"acme\"");
    } else if (k == KIND_narrow) {
        buf_add_str(b, ",\"company\":\"narrow\"");
    } else if (k == KIND_spends) {
        buf_printf(b, ",\"company\":\"%s\",\"max_turns\":%d", THRIFT, SPEND_TURNS);
    } else if (kind_is_unique(k) || k == KIND_merged) {
        buf_add_str(b, ",\"company\":\"acme\"");
    } else {
        buf_printf(b, ",\"company\":\"%s\"", companies[dice_below(&c->dice, 3)]);
    }
}

static void
add_times(struct client *c, enum kind k, struct buf *b)
{
    if (k == KIND_delayed) {
        buf_printf(b, ",\"delay_ms\":%u", 100 + (unsigned)dice_below(&c->dice, 3000));
    }
    if (k == KIND_narrow && dice_percent(&c->dice, 60)) {
        buf_printf(b, ",\"delay_ms\":%u", (unsigned)dice_below(&c->dice, NARROW_MS));
    }
    if (k == KIND_late || k == KIND_lot) buf_printf(b, ",\"delay_ms\":%d", LATE_MS);
    if (kind_is_unique(k) && dice_percent(&c->dice, 70)) {
        buf_printf(b, ",\"delay_ms\":%u", (unsigned)dice_below(&c->dice, UNIQUE_MS));
    }
    if (k == KIND_overruns) buf_add_str(b, ",\"max_run_ms\":300");
    if (k == KIND_expires) {
        int64_t at = clock_now().wall_ms + 50 + (int64_t)dice_below(&c->dice, 2000);

        buf_printf(b, ",\"expires_at\":%" PRId64, at);
    }
}

/* A key that other clients use, too. */
static void
add_key(struct client *c, enum kind k, struct buf *b)
{
    static const char *const policies[] = {"return", "reject", "replace"};
    unsigned                 key = (unsigned)dice_below(&c->dice, KEYS);

    if (k == KIND_merged) {
        buf_printf(b, ",\"debounce_key\":\"d%u\",\"debounce_ms\":%u,\"debounce_max_ms\":%d", key,
                   (unsigned)dice_below(&c->dice, DEBOUNCE_MS), 3 * DEBOUNCE_MS);
    }
    if (kind_is_unique(k)) {
        buf_printf(b, ",\"unique_key\":\"u%u\",\"on_conflict\":\"%s\"", key,
                   policies[k - KIND_unique_return]);
    }
}

static void
add_job(struct client *c, enum kind k, const char *mark, unsigned number, struct buf *b)
{
    const struct kind_rule *rule = kind_rule(k);

    buf_printf(b, "{\"handler\":\"%s\",\"title\":\"%s\",\"max_attempts\":%u", rule->handler, mark,
               rule->max_attempts);
    add_place(c, k, b);
    if (dice_percent(&c->dice, 30)) {
        buf_printf(b, ",\"priority\":%u", (unsigned)dice_below(&c->dice, 81));
    }
    add_times(c, k, b);
    add_key(c, k, b);
    if (k == KIND_lot) buf_printf(b, ",\"tags\":{\"lot\":\"c%u-%u\"}", c->number, number);
    add_payload(c, k, mark, b);
    buf_add_str(b, "}");
}

/* ---- one ------------------------------------------------------------------------------------- */

static bool
is_said(const struct client *c, const char *key)
{
    bool is = false;

    return mp_find_bool(buf_view(&c->link.body), key, &is) && is;
}

/* It may be another's job that was there already. */
static void
take_one(struct client *c, unsigned number)
{
    uint64_t id = (uint64_t)client_number(c, "id");

    if (is_said(c, "merged") || is_said(c, "conflict")) {
        history_add(&c->history, "J %u %" PRIu64, number, id);
        return;
    }
    intent_made(c, number, 1, &id, 1);
    client_own(c, id);
}

void
submit_one(struct client *c)
{
    BUF_AUTO struct buf body = {0};
    enum kind           k = pick_kind(c);
    unsigned            number = intent_begin(c, k, 1);
    char                mark[KEY_BYTES];

    intent_mark(c, number, mark);
    add_job(c, k, mark, number, &body);
    if (intent_ask(c, number, MSG_JOB_SUBMIT, buf_str(&body)) == ANSWER_YES) take_one(c, number);
}

void
wake_one(struct client *c)
{
    static const struct {
        enum kind   kind;
        const char *agent;
    } wakes[] = {
        {KIND_woken, "sleeper"},
        {KIND_calls, "caller" },
        {KIND_asks,  ASKER    },
        {KIND_cycle, "ping"   },
    };
    BUF_AUTO struct buf body = {0};
    size_t              i = dice_below(&c->dice, ARRAY_LEN(wakes));
    unsigned            number = intent_begin(c, wakes[i].kind, 1);
    char                mark[KEY_BYTES];

    intent_mark(c, number, mark);
    buf_printf(&body, "{\"name\":\"acme/%s\",\"title\":\"%s\"", wakes[i].agent, mark);
    if (dice_percent(&c->dice, 50)) {
        buf_printf(&body, ",\"delay_ms\":%u", (unsigned)dice_below(&c->dice, 500));
    }
    add_payload(c, wakes[i].kind, mark, &body);
    buf_add_str(&body, "}");
    if (intent_ask(c, number, MSG_AGENT_WAKE, buf_str(&body)) == ANSWER_YES) take_one(c, number);
}

/* ---- many ------------------------------------------------------------------------------------ */

static size_t
read_ids(const struct client *c, uint64_t ids[BATCH_LARGE])
{
    struct view list;
    uint32_t    n = 0, i = 0;

    if (!mp_find(buf_view(&c->link.body), "ids", &list)) return 0;
    struct mp_reader r = mp_reader_of(list);
    (void)mp_read_array(&r, &n); /* what is no list has no items */
    while (i < n && i < BATCH_LARGE && mp_read_u64(&r, &ids[i]))
        i++;
    return i;
}

/* The ids; 0: it was refused, or nobody knows. */
static size_t
submit_many(struct client *c, enum kind k, unsigned count, unsigned *number,
            uint64_t ids[BATCH_LARGE])
{
    BUF_AUTO struct buf body = {0};
    char                key[KEY_BYTES], mark[MARK_BYTES];

    *number = intent_begin(c, k, count);
    intent_mark(c, *number, key);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(mark, sizeof(mark), "%s-%u", key, i); /* fits */
        buf_add_str(&body, i == 0 ? "{\"jobs\":[" : ",");
        add_job(c, k, mark, *number, &body);
    }
    buf_add_str(&body, "]}");
    if (intent_ask(c, *number, MSG_JOB_SUBMIT_MANY, buf_str(&body)) != ANSWER_YES) return 0;
    size_t n = read_ids(c, ids);
    intent_made(c, *number, count, ids, n);
    return n;
}

void
submit_batch(struct client *c)
{
    static const enum kind kinds[] = {KIND_noop, KIND_echo, KIND_delayed, KIND_late, KIND_narrow};
    enum kind              k = kinds[dice_below(&c->dice, ARRAY_LEN(kinds))];
    unsigned               most = k == KIND_late ? 3 : k == KIND_narrow ? NARROW_MAX : BATCH_LARGE;
    unsigned               number, count = 1 + (unsigned)dice_below(&c->dice, most);
    uint64_t               ids[BATCH_LARGE];
    size_t                 n = submit_many(c, k, count, &number, ids);

    for (size_t i = 0; i < n; i++)
        client_own(c, ids[i]);
}

/* Refused whole: the last of its jobs has no handler. */
void
submit_wrong(struct client *c)
{
    BUF_AUTO struct buf body = {0};
    char                key[KEY_BYTES];

    client_next_key(c, key);
    buf_add_str(&body, "{\"jobs\":[{\"handler\":\"noop\",\"title\":\"wrong\"},"
                       "{\"handler\":\"nobody\",\"title\":\"wrong\"}]}");
    if (client_change(c, MSG_JOB_SUBMIT_MANY, buf_str(&body), key) == ANSWER_YES) {
        history_add(&c->history, "X a batch with an unknown handler was taken");
    }
}

/* ---- lots ------------------------------------------------------------------------------------ */

static const struct {
    enum msg_id op;
    const char *state;  /* of the filter */
    char        letter; /* of the history */
} lot_acts[] = {
    {MSG_JOB_CANCEL_MANY, "scheduled", 'C'},
    {MSG_JOB_RETRY_MANY,  "cancelled", 'T'},
    {MSG_JOB_PURGE,       "cancelled", 'P'},
};
enum { LOT_CANCEL, LOT_RETRY, LOT_PURGE };

struct lot_act {
    int  act; /* LOT_… */
    bool dry_run, names_state;
};

/* One part; adds up what it did, and takes where the next one begins, "" for nowhere. */
static bool
act_part(struct client *c, const struct lot_act *a, char *after, size_t size, uint64_t *done)
{
    enum msg_id         op = lot_acts[a->act].op;
    BUF_AUTO struct buf body = {0};
    char                key[KEY_BYTES];
    struct view         next = {0};

    buf_printf(&body, "{\"tag\":\"lot=c%u-%u\",\"limit\":%u,\"dry_run\":%s", c->number,
               c->lot.number, 3 + (unsigned)dice_below(&c->dice, 20),
               a->dry_run ? "true" : "false");
    if (a->names_state) buf_printf(&body, ",\"state\":\"%s\"", lot_acts[a->act].state);
    if (after[0]) buf_printf(&body, ",\"after\":\"%s\"", after);
    buf_add_str(&body, "}");
    client_next_key(c, key);
    enum answer answer = client_change(c, op, buf_str(&body), key);
    if (answer == ANSWER_NO && c->link.error.code != E_DRAINING) {
        history_add(&c->history, "X %s: %s", msg_desc(op)->op, c->link.error.msg);
    }
    if (answer != ANSWER_YES) return false;
    *done += (uint64_t)client_number(c, a->dry_run ? "matched" : "done");
    (void)mp_find_str(buf_view(&c->link.body), "next", &next); /* without one it was the last */
    (void)snprintf(after, size, "%.*s", VIEW_ARG(next));       /* fits */
    return true;
}

/* All parts.  Nobody but this client touches these jobs, and all wait: each is meant, once. */
static bool
act_on_lot(struct client *c, int act, bool dry_run)
{
    const struct lot_act a = {act, dry_run, act == LOT_RETRY || dice_percent(&c->dice, 50)};
    char                 after[160] = "";
    uint64_t             done = 0;

    do {
        if (!act_part(c, &a, after, sizeof(after), &done)) return false;
    } while (after[0]);
    if (done != c->lot.count) {
        history_add(&c->history, "X %s%s of lot %u: %" PRIu64 " jobs instead of %zu",
                    msg_desc(lot_acts[act].op)->op, dry_run ? " (dry run)" : "", c->lot.number,
                    done, c->lot.count);
    }
    return true;
}

void
lot_step(struct client *c)
{
    if (c->lot.count == 0) {
        c->lot.is_cancelled = false;
        c->lot.count = submit_many(c, KIND_lot, 1 + (unsigned)dice_below(&c->dice, BATCH_LARGE),
                                   &c->lot.number, c->lot.ids);
        return;
    }
    int act =
        !c->lot.is_cancelled ? LOT_CANCEL : (dice_percent(&c->dice, 50) ? LOT_RETRY : LOT_PURGE);
    if (dice_percent(&c->dice, 30)) (void)act_on_lot(c, act, true); /* it changes nothing */
    bool is_known = act_on_lot(c, act, false);
    for (size_t i = 0; i < c->lot.count; i++) {
        history_add(&c->history, "%c %" PRIu64 " %s", lot_acts[act].letter, c->lot.ids[i],
                    is_known ? "yes" : "unknown");
    }
    c->lot.is_cancelled = true;
    if (!is_known || act != LOT_CANCEL) c->lot.count = 0;
}
