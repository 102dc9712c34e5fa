/* What a client says in sessions; now and then much at once, so that events wait. */
#include "tests/torture/client.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>

#define BURST_PART  10 /* percent of the times it speaks */
#define TIMER_PART  25
#define CANCEL_PART 30 /* … of the timers that it has set last */
#define LATE_PART   10 /* percent of the timers: not due before the end */
#define TIMER_MS    1500
#define LATE_MS     3600000
#define BURST_MAX   10

static void
say(struct client *c, unsigned session, enum said_type type)
{
    BUF_AUTO struct buf body = {0};
    unsigned            number = c->saids++;
    char                key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "e%u-%u", c->number, number); /* fits */
    history_add(&c->history, "H %u %u %u 0", number, session, type);
    enum msg_id op = sessions_request(session, type, sessions_number(c->number, number), &body);
    switch (client_change(c, op, buf_str(&body), key)) {
    case ANSWER_YES:
        history_add(&c->history, "h %u %" PRId64, number, client_number(c, "seq"));
        break;
    case ANSWER_NO:
        history_add(&c->history, "f %u %s", number, errc_wire(c->link.error.code));
        break;
    case ANSWER_NONE: history_add(&c->history, "n %u", number); break;
    }
}

static enum said_type
pick_type(struct client *c)
{
    unsigned what = (unsigned)dice_below(&c->dice, 100);

    if (what < 40) return SAID_MESSAGE;
    if (what < 80) return SAID_STEP;
    return what < 95 ? SAID_JOB : SAID_BAD;
}

static void
set_timer(struct client *c, unsigned session)
{
    BUF_AUTO struct buf body = {0};
    unsigned            number = c->saids++;
    bool                is_late = dice_percent(&c->dice, LATE_PART);
    char                key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "e%u-%u", c->number, number); /* fits */
    history_add(&c->history, "H %u %u %u %d", number, session, SAID_TIMER, is_late);
    sessions_timer(session, sessions_number(c->number, number),
                   is_late ? LATE_MS : (int64_t)dice_below(&c->dice, TIMER_MS), &body);
    enum answer answer = client_change(c, MSG_TIMER_SET, buf_str(&body), key);
    if (answer == ANSWER_YES) {
        history_add(&c->history, "h %u 0", number);
        c->timer = number;
        c->timer_session = session;
        c->has_timer = true;
    } else if (answer == ANSWER_NO) {
        history_add(&c->history, "f %u %s", number, errc_wire(c->link.error.code));
    } else {
        history_add(&c->history, "n %u", number);
    }
}

/* Too late when its event runs, or is done with. */
static void
cancel_timer(struct client *c)
{
    char body[128], key[KEY_BYTES];

    (void)snprintf(body, sizeof(body),
                   "{\"key\":\"s%u\",\"company\":\"" TALK "\",\"timer_id\":\"t%u\"}",
                   c->timer_session, sessions_number(c->number, c->timer)); /* fits */
    client_next_key(c, key);
    enum answer answer = client_change(c, MSG_TIMER_CANCEL, body, key);
    history_add(&c->history, "Z %u %s", c->timer,
                answer == ANSWER_NONE                                        ? "unknown"
                : answer == ANSWER_YES && client_number(c, "cancelled") == 1 ? "yes"
                                                                             : "no");
    if (answer == ANSWER_NO && c->link.error.code != E_DRAINING) {
        history_add(&c->history, "X cancel of timer %u: %s", c->timer, c->link.error.msg);
    }
    c->has_timer = false;
}

void
say_something(struct client *c)
{
    unsigned session = (unsigned)dice_below(&c->dice, SESSIONS), count = 1;

    if (c->has_timer && dice_percent(&c->dice, CANCEL_PART)) {
        cancel_timer(c);
        return;
    }
    if (dice_percent(&c->dice, TIMER_PART)) {
        set_timer(c, session);
        return;
    }
    if (dice_percent(&c->dice, BURST_PART)) count += (unsigned)dice_below(&c->dice, BURST_MAX);
    while (count-- > 0)
        say(c, session, pick_type(c));
}
