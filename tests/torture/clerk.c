/* The clerk: closes and opens sessions, has what holds them tried again or skipped, sends dead
 * events again, settles messages of unknown outcome and sends again what failed or expired, while
 * agentd is killed.  What it opens is open to all again; now and then it asks once only. */
#include "common/mp.h"
#include "tests/torture/config.h"
#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/sessions.h"
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAUSE_MS   150 /* between two acts, at most */
#define HOLD_MS    200 /* how long a session is closed, at most */
#define ONCE_PART  15  /* percent of the requests that are not asked again */
#define MEND_PART  70
#define RETRY_PART 50 /* percent of those that hold a session … */
#define CLOSE_PART 10
#define SENT_PART  60 /* percent of those that failed or expired */
#define BODY_BYTES 160
#define KEY_BYTES  32
#define IN_TALK    "\"company\":\"" TALK "\""

struct clerk {
    struct link    link;
    struct history history;
    struct dice    dice;
    struct shared *shared;
    const char    *folder;
    unsigned       requests, deeds;
};

/* ---- asking ---------------------------------------------------------------------------------- */

static enum answer
ask(struct clerk *c, enum msg_id op, const char *body, unsigned tries)
{
    char key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "k-%u", ++c->requests); /* fits */
    atomic_fetch_add(&c->shared->requests, 1);
    enum answer answer = link_insist(&c->link, op, body, key, tries);
    if (answer == ANSWER_NONE) atomic_fetch_add(&c->shared->unknown, 1);
    return answer;
}

static uint64_t
answered(const struct clerk *c, const char *key)
{
    return (uint64_t)number_of(buf_view(&c->link.body), key);
}

static void
must_refuse(struct clerk *c, enum msg_id op, const char *body)
{
    if (ask(c, op, body, 0) == ANSWER_NO && c->link.error.code == E_WRONG_STATE) return;
    history_add(&c->history, "X %s %s: %s", msg_desc(op)->op, body,
                c->link.error.code ? c->link.error.msg : "it was not refused");
}

/* A page of a list, which is good until done with, and its items; empty when there was no answer.
 */
static struct mp_reader
list(struct clerk *c, enum msg_id op, const char *body, struct buf *page, uint32_t *count)
{
    struct view items;

    *count = 0;
    if (link_ask(&c->link, op, body, NULL, LINK_WAIT_MS) == ANSWER_YES &&
        mp_find(buf_view(&c->link.body), "items", &items)) {
        buf_add_view(page, items);
    }
    struct mp_reader r = mp_reader_of(buf_view(page));
    (void)mp_read_array(&r, count); /* what is no list has no items */
    return r;
}

/* ---- deeds ----------------------------------------------------------------------------------- */

static enum msg_id
request(enum deed_kind k, unsigned session, uint64_t id, char body[BODY_BYTES])
{
    static const enum msg_id ops[DEEDS] = {
        MSG_SESSION_CLOSE,  MSG_SESSION_RESUME, MSG_SESSION_RESUME, MSG_SESSION_RESEND,
        MSG_EFFECT_RESOLVE, MSG_EFFECT_RESOLVE, MSG_EFFECT_RESEND};

    if (k == DEED_SEND) {
        (void)snprintf(body, BODY_BYTES, "{\"id\":%" PRIu64 "}", id); /* fits, as all of these */
    } else if (k >= DEED_DELIVERED) {
        (void)snprintf(body, BODY_BYTES, "{\"id\":%" PRIu64 ",\"outcome\":\"%s\"}", id,
                       deed_name(k));
    } else if (k == DEED_COPY) {
        (void)snprintf(body, BODY_BYTES, "{\"key\":\"s%u\"," IN_TALK ",\"seq\":%" PRIu64 "}",
                       session, id);
    } else {
        (void)snprintf(body, BODY_BYTES, "{\"key\":\"s%u\"," IN_TALK "%s}", session,
                       k == DEED_SKIP ? ",\"skip\":true" : "");
    }
    return ops[k];
}

/* One that was asked once only may be done later: then the session is closed, held no more, or its
 * queue is full. */
static void
refused(struct clerk *c, unsigned number, const char *body)
{
    enum errc code = c->link.error.code;

    history_add(&c->history, "i %u no", number);
    if (code == E_WRONG_STATE || code == E_QUEUE_FULL || code == E_DRAINING || code == E_BUSY)
        return;
    history_add(&c->history, "X %s: %s", body, c->link.error.msg);
}

static enum answer
act(struct clerk *c, enum deed_kind k, unsigned session, uint64_t id, bool is_mended)
{
    unsigned    number = c->deeds++;
    char        body[BODY_BYTES];
    enum msg_id op = request(k, session, id, body);

    history_add(&c->history, "I %u %s %u %" PRIu64 " %d", number, deed_name(k), session, id,
                is_mended);
    enum answer answer = ask(c, op, body, dice_percent(&c->dice, ONCE_PART) ? 1 : 0);
    switch (answer) {
    case ANSWER_YES:
        history_add(&c->history, "i %u yes %" PRIu64 " %" PRIu64 " %" PRIu64, number,
                    answered(c, k == DEED_COPY ? "seq" : "event_seq"), answered(c, "appended"),
                    answered(c, "job"));
        break;
    case ANSWER_NO: refused(c, number, body); break;
    case ANSWER_NONE: history_add(&c->history, "i %u unknown", number); break;
    }
    return answer;
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* It takes neither events nor timers. */
static void
knock(struct clerk *c, unsigned session)
{
    BUF_AUTO struct buf event = {0}, timer = {0};
    enum msg_id         op = sessions_request(session, SAID_STEP, 0, &event);

    must_refuse(c, op, buf_str(&event));
    sessions_timer(session, 0, 0, &timer);
    must_refuse(c, MSG_TIMER_SET, buf_str(&timer));
}

static void
close_and_open(struct clerk *c, unsigned session)
{
    bool     is_closed = act(c, DEED_CLOSE, session, 0, false) == ANSWER_YES;
    uint64_t appended = answered(c, "appended");

    if (is_closed) knock(c, session);
    (void)poll(NULL, 0, (int)dice_below(&c->dice, HOLD_MS));
    BUF_AUTO struct buf open = {0};
    sessions_target(session, &open);
    enum answer answer = ask(c, MSG_SESSION_OPEN, buf_str(&open), 0);
    if (!is_closed) return;
    if (answer == ANSWER_YES && answered(c, "appended") == appended && answered(c, "timers") == 0)
        return;
    history_add(&c->history, "X s%u was closed with %" PRIu64 " events, and opened with %s",
                session, appended, answer != ANSWER_YES ? c->link.error.msg : "others, or timers");
}

/* What the event chokes on; its handler looks for the file. */
static bool
mend(struct clerk *c, struct view event)
{
    FREE_AUTO char *path = NULL;
    struct view     payload = {0};

    if (!dice_percent(&c->dice, MEND_PART)) return false;
    (void)mp_find(event, "payload", &payload); /* without one it has the number 0 */
    path = xasprintf("%s/mended/%" PRIu64, c->folder, sessions_n(payload));
    history_add(&c->history, "Q %" PRIu64, sessions_n(payload));
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    (void)close(fd);
    return true;
}

/* The event that holds it, once more. */
static void
retry(struct clerk *c, unsigned session, uint64_t seq)
{
    BUF_AUTO struct buf page = {0};
    struct view         event = {0};
    uint32_t            count;
    char                body[BODY_BYTES];

    (void)snprintf(body, sizeof(body),
                   "{\"key\":\"s%u\"," IN_TALK ",\"from\":%" PRIu64 ",\"limit\":1}", session,
                   seq); /* fits */
    struct mp_reader r = list(c, MSG_SESSION_EVENTS, body, &page, &count);
    if (count == 0 || !mp_read_any(&r, &event)) return;
    (void)act(c, DEED_RETRY, session, seq, mend(c, event));
}

static void
tend_held(struct clerk *c)
{
    BUF_AUTO struct buf page = {0};
    struct view         item;
    uint32_t            count;
    struct mp_reader    r =
        list(c, MSG_SESSION_LIST, "{" IN_TALK ",\"status\":\"held\",\"limit\":10}", &page, &count);

    while (count-- > 0 && mp_read_any(&r, &item)) {
        unsigned session = sessions_find(text_of(item, "key")) - 1;
        unsigned what = (unsigned)dice_below(&c->dice, 100);

        if (what < RETRY_PART) {
            retry(c, session, (uint64_t)number_of(item, "event_seq") + 1);
        } else if (what < RETRY_PART + CLOSE_PART) {
            close_and_open(c, session);
        } else {
            (void)act(c, DEED_SKIP, session, 0, false);
        }
    }
}

/* Most of the time one in which something waits. */
static void
close_one(struct clerk *c)
{
    BUF_AUTO struct buf page = {0};
    struct view         item;
    uint32_t            count;
    unsigned            session = (unsigned)dice_below(&c->dice, SESSIONS);
    int64_t             most = dice_percent(&c->dice, 80) ? 0 : INT64_MAX;
    struct mp_reader    r = list(c, MSG_SESSION_LIST, "{" IN_TALK ",\"limit\":100}", &page, &count);

    while (count-- > 0 && mp_read_any(&r, &item)) {
        if (number_of(item, "waiting") <= most) continue;
        most = number_of(item, "waiting");
        session = sessions_find(text_of(item, "key")) - 1;
    }
    close_and_open(c, session);
}

static void
copy_dead(struct clerk *c)
{
    BUF_AUTO struct buf page = {0};
    unsigned            session = (unsigned)dice_below(&c->dice, SESSIONS);
    struct view         event = {0};
    uint32_t            count;
    char                body[BODY_BYTES];

    (void)snprintf(body, sizeof(body), "{\"key\":\"s%u\"," IN_TALK ",\"dead\":true,\"limit\":50}",
                   session); /* fits */
    struct mp_reader r = list(c, MSG_SESSION_EVENTS, body, &page, &count);
    if (count == 0) return;
    for (uint64_t n = dice_below(&c->dice, count) + 1; n > 0 && mp_read_any(&r, &event); n--)
        ;
    bool is_mended = mend(c, event);
    (void)act(c, DEED_COPY, session, (uint64_t)number_of(event, "seq"), is_mended);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Those of the command; a file that may have got one is asked. */
static void
settle_unknown(struct clerk *c)
{
    BUF_AUTO struct buf page = {0};
    struct view         item;
    uint32_t            count;
    struct mp_reader    r =
        list(c, MSG_EFFECT_LIST, "{\"status\":\"unknown\",\"limit\":20}", &page, &count);

    while (count-- > 0 && mp_read_any(&r, &item)) {
        if (!view_is(text_of(item, "sink"), SHOUT) || dice_percent(&c->dice, 30)) continue;
        (void)act(c, dice_percent(&c->dice, 50) ? DEED_DELIVERED : DEED_FAILED, 0,
                  (uint64_t)number_of(item, "id"), false);
    }
}

static void
send_again(struct clerk *c, const char *filter)
{
    BUF_AUTO struct buf page = {0};
    struct view         item;
    uint32_t            count;
    struct mp_reader    r = list(c, MSG_EFFECT_LIST, filter, &page, &count);

    while (count-- > 0 && mp_read_any(&r, &item)) {
        if (view_is(text_of(item, "sink"), SHOUT) && dice_percent(&c->dice, SENT_PART))
            (void)act(c, DEED_SEND, 0, (uint64_t)number_of(item, "id"), false);
    }
}

static void
send_failed(struct clerk *c)
{
    send_again(c, "{\"status\":\"failed\",\"limit\":10}");
}

static void
send_expired(struct clerk *c)
{
    send_again(c, "{\"status\":\"expired\",\"limit\":10}");
}

/* It is not sent again, whoever asks for it. */
static void
try_delivered(struct clerk *c)
{
    BUF_AUTO struct buf page = {0};
    struct view         item;
    uint32_t            count;
    char                body[BODY_BYTES];
    struct mp_reader    r =
        list(c, MSG_EFFECT_LIST, "{\"status\":\"delivered\",\"kind\":\"send_message\",\"limit\":1}",
             &page, &count);

    if (count == 0 || !mp_read_any(&r, &item)) return;
    (void)request(DEED_SEND, 0, (uint64_t)number_of(item, "id"), body);
    must_refuse(c, MSG_EFFECT_RESEND, body);
}

/* ---- the process ----------------------------------------------------------------------------- */

_Noreturn void
clerk_main(const struct load *l)
{
    static void (*const acts[])(struct clerk *) = {
        close_one, close_one,      tend_held,   tend_held,    tend_held,     copy_dead,
        copy_dead, settle_unknown, send_failed, send_expired, try_delivered,
    };
    struct clerk c = {.dice = dice_of(l->seed, 400), .shared = l->shared, .folder = l->folder};

    history_open(&c.history, l->folder, CLERK);
    link_open(&c.link, l->run_folder);
    while (!atomic_load(&l->shared->stop)) {
        acts[dice_below(&c.dice, ARRAY_LEN(acts))](&c);
        (void)poll(NULL, 0, (int)dice_below(&c.dice, PAUSE_MS));
    }
    link_close(&c.link);
    history_close(&c.history);
    exit(0);
}
