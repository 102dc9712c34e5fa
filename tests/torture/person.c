/* A person who reads one session at the gateway, and speaks in it.  The connection comes and goes,
 * by itself and with every kill; what is not acknowledged comes again, and what was said without an
 * answer is said again with the same id. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/load.h"
#include "tests/torture/sessions.h"
#include "tests/torture/websocket.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_MS        1000 /* for a connection to be ready */
#define CALL_MS        1000
#define NAP_MS         30   /* before the next try to connect … */
#define AWAY_MS        1500 /* … now and then longer */
#define AWAY_PART      20
#define STAY_MS        2500 /* at most */
#define LISTEN_MS      40
#define ANSWER_MS      400  /* then it is said again … */
#define AGAIN_MS       50   /* … or when it was refused for the moment */
#define SILENCE_MS     2500 /* between what is said, at most */
#define GIVE_UP_PART   20   /* percent that are not said again */
#define REPEAT_PART    10   /* percent of those that were accepted are said once more */
#define WITHHOLD_PART  20   /* percent of what comes is not acknowledged before a reconnect … */
#define LATE_PART      50   /* … then before it has come again */
#define BY_HTTP_PART   20   /* percent are acknowledged by a request */
#define SHOW_LATE_PART 30

struct person {
    struct websocket w;
    struct history   history;
    struct dice      dice;
    struct shared   *shared;
    int              port;
    unsigned         number;
    char             session[NAME_BYTES];
    /* What is being said; saids - 1 is its number. */
    unsigned saids, tries;
    bool     is_saying, gives_up;
    int64_t  say_at_ms;
    int64_t  seq;      /* that the last one was accepted with; 0: it was not */
    uint64_t withheld; /* came, and is not yet acknowledged; 0: nothing */
};

static bool
is_over(const struct person *p)
{
    return atomic_load(&p->shared->stop);
}

/* Nothing was changed, and soon it may be taken. */
static bool
is_passing(struct view code)
{
    return view_is(code, "busy") || view_is(code, "draining") || view_is(code, "outcome_unknown");
}

/* ---- speaking -------------------------------------------------------------------------------- */

static void
say(struct person *p)
{
    unsigned n = sessions_number(SAYER_PERSON + p->number, p->saids - 1);
    char     text[160];

    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"message\",\"content\":\"I say %u\",\"metadata\":{\"n\":%u},"
                   "\"id\":\"p%u-%u\"}",
                   n, n, p->number, p->saids - 1); /* fits */
    websocket_say(&p->w, text);
}

/* Before the load is over it is counted: then all has been said when the count is 0. */
static void
begin(struct person *p)
{
    atomic_fetch_add(&p->shared->unsettled, 1);
    if (is_over(p)) {
        atomic_fetch_sub(&p->shared->unsettled, 1);
        return;
    }
    history_add(&p->history, "H %u %u %d 0", p->saids++, SESSIONS_READ + p->number, SAID_MESSAGE);
    atomic_fetch_add(&p->shared->requests, 1);
    p->is_saying = true;
    p->gives_up = dice_percent(&p->dice, GIVE_UP_PART);
    p->tries = 0;
    p->seq = 0;
}

static void
settle(struct person *p)
{
    p->is_saying = false;
    p->say_at_ms = clock_now().boot_ms + (int64_t)dice_below(&p->dice, SILENCE_MS);
    atomic_fetch_sub(&p->shared->unsettled, 1);
}

static void
speak(struct person *p)
{
    if (clock_now().boot_ms < p->say_at_ms) return;
    if (!p->is_saying) begin(p);
    if (!p->is_saying) return;
    if (p->tries > 0 && p->gives_up && !is_over(p)) {
        history_add(&p->history, "n %u", p->saids - 1);
        atomic_fetch_add(&p->shared->unknown, 1);
        settle(p);
        return;
    }
    say(p);
    p->tries++;
    p->say_at_ms = clock_now().boot_ms + ANSWER_MS;
}

/* Whether the answer is about what was said last. */
static bool
is_of_last(const struct person *p, struct view answer)
{
    char wanted[32];

    (void)snprintf(wanted, sizeof(wanted), "p%u-%u", p->number, p->saids - 1); /* fits */
    return p->saids > 0 && view_is(text_of(answer, "id"), wanted);
}

static void
take_accepted(struct person *p, struct view answer)
{
    int64_t seq = number_of(answer, "seq");

    if (!is_of_last(p, answer)) return; /* of one that was given up */
    if (p->seq == 0) history_add(&p->history, "h %u %" PRId64, p->saids - 1, seq);
    if (p->seq && p->seq != seq) {
        history_add(&p->history, "X what was said as number %u is event %" PRId64 ", then %" PRId64,
                    p->saids - 1, p->seq, seq);
    }
    p->seq = seq;
    if (!p->is_saying) return;
    settle(p);
    if (dice_percent(&p->dice, REPEAT_PART)) say(p);
}

/* The queue is full, or the session closed: that is final, but for one that may be taken yet. */
static void
take_error(struct person *p, struct view answer)
{
    struct view code = text_of(answer, "code");
    bool        is_mine = p->is_saying && is_of_last(p, answer);
    bool        is_final = view_is(code, "queue_full") || view_is(code, "wrong_state");

    if (is_passing(code)) {
        if (is_mine) p->say_at_ms = clock_now().boot_ms + AGAIN_MS;
        return;
    }
    if (!is_mine || !is_final) {
        history_add(&p->history, "X %.*s: %.*s", VIEW_ARG(code),
                    VIEW_ARG(text_of(answer, "message")));
    }
    if (!is_mine) return;
    if (p->tries == 1) {
        history_add(&p->history, "f %u %.*s", p->saids - 1, VIEW_ARG(code));
    } else {
        history_add(&p->history, "n %u", p->saids - 1);
    }
    settle(p);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
acknowledge_by_http(struct person *p)
{
    char path[64], body[64];

    (void)snprintf(path, sizeof(path), "/v1/effects/%" PRIu64 "/ack", p->withheld); /* fits */
    (void)snprintf(body, sizeof(body), "{\"session\":\"%s\"}", p->session);         /* fits */
    int status = websocket_post(p->port, path, body, CALL_MS);
    if (status == 200) history_add(&p->history, "c %" PRIu64, p->withheld);
    if (status > 200 && status < 500) {
        history_add(&p->history, "X effect %" PRIu64 " was acknowledged, and answered with %d",
                    p->withheld, status);
    }
}

static void
acknowledge(struct person *p)
{
    char text[64];

    history_add(&p->history, "K %" PRIu64, p->withheld);
    if (dice_percent(&p->dice, BY_HTTP_PART)) {
        acknowledge_by_http(p);
    } else {
        (void)snprintf(text, sizeof(text), "{\"type\":\"ack\",\"effect_id\":%" PRIu64 "}",
                       p->withheld); /* fits */
        websocket_say(&p->w, text);
    }
    p->withheld = 0;
}

static void
take_message(struct person *p, struct view message)
{
    p->withheld = (uint64_t)number_of(message, "effect_id");
    history_add(&p->history, "D %" PRIu64 " %" PRId64 " %s %.*s", p->withheld,
                number_of(message, "seq"),
                view_is(text_of(message, "type"), "agent_reply") ? "reply" : "follow_up",
                VIEW_ARG(text_of(message, "content")));
    if (is_over(p) || !dice_percent(&p->dice, WITHHOLD_PART)) acknowledge(p);
}

static void
take(struct person *p)
{
    struct view message = buf_view(&p->w.text), type = text_of(message, "type");

    if (view_is(type, "agent_reply") || view_is(type, "agent_follow_up")) {
        take_message(p, message);
    } else if (view_is(type, "accepted")) {
        take_accepted(p, message);
    } else if (view_is(type, "error")) {
        take_error(p, message);
    } else if (!view_is(type, "delta")) {
        history_add(&p->history, "X the gateway says %.*s", VIEW_ARG(type));
    }
}

/* ---- the process ----------------------------------------------------------------------------- */

static bool
is_leaving(const struct person *p)
{
    return atomic_load(&p->shared->leave);
}

static bool
is_ready(struct person *p)
{
    if (websocket_hear(&p->w, OPEN_MS) != HEARD_TEXT) return false;
    if (view_is(text_of(buf_view(&p->w.text), "type"), "ready")) return true;
    take(p); /* a refusal */
    return false;
}

/* Until the gateway hangs up, or for a while. */
static void
stay(struct person *p)
{
    int64_t    end_ms = clock_now().boot_ms + (int64_t)dice_below(&p->dice, STAY_MS);
    enum heard heard = HEARD_NOTHING;

    history_add(&p->history, "O");
    if (p->is_saying) p->say_at_ms = 0;
    if (p->withheld && dice_percent(&p->dice, LATE_PART)) acknowledge(p);
    while (heard != HEARD_END && clock_now().boot_ms < end_ms && !is_leaving(p)) {
        speak(p);
        heard = websocket_hear(&p->w, LISTEN_MS);
        if (heard == HEARD_TEXT) take(p);
    }
}

/* It goes away with agentd, or agentd did not answer it; all else would be a person's fault. */
static void
judge_code(struct person *p)
{
    static const int passing[] = {NO_CODE, 1000, 1001, 1013};

    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        if (p->w.code == passing[i]) return;
    }
    history_add(&p->history, "X the WebSocket was closed with %d", p->w.code);
}

static void
visit(struct person *p)
{
    bool     is_shown_later = dice_percent(&p->dice, SHOW_LATE_PART);
    unsigned nap_ms = NAP_MS;

    if (websocket_open(&p->w, p->port, p->session, is_shown_later, OPEN_MS) && is_ready(p)) stay(p);
    judge_code(p);
    websocket_close(&p->w);
    if (!is_over(p) && dice_percent(&p->dice, AWAY_PART)) {
        nap_ms = (unsigned)dice_below(&p->dice, AWAY_MS);
    }
    (void)poll(NULL, 0, (int)nap_ms);
}

_Noreturn void
person_main(const struct load *l, unsigned number)
{
    struct person p = {.dice = dice_of(l->seed, 600 + number),
                       .shared = l->shared,
                       .port = l->ports.gateway,
                       .number = number};
    char          name[NAME_BYTES];

    load_person_name(number, name);
    (void)snprintf(p.session, sizeof(p.session), "s%u", SESSIONS_READ + number); /* fits */
    history_open(&p.history, l->folder, name);
    while (!is_leaving(&p))
        visit(&p);
    history_close(&p.history);
    exit(0);
}
