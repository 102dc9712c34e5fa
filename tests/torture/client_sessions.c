/* What a client says in sessions; now and then much at once, so that events wait. */
#include "tests/torture/client.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>

#define BURST_PART 10 /* percent of the times it speaks */
#define BURST_MAX  10

static void
say(struct client *c, unsigned session, enum said_type type)
{
    BUF_AUTO struct buf body = {0};
    unsigned            number = c->saids++;
    char                key[KEY_BYTES];

    (void)snprintf(key, sizeof(key), "e%u-%u", c->number, number); /* fits */
    history_add(&c->history, "H %u %u %u", number, session, type);
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
    return what < 92 ? SAID_JOB : SAID_BAD;
}

void
say_something(struct client *c)
{
    unsigned session = (unsigned)dice_below(&c->dice, SESSIONS), count = 1;

    if (dice_percent(&c->dice, BURST_PART)) count += (unsigned)dice_below(&c->dice, BURST_MAX);
    while (count-- > 0)
        say(c, session, pick_type(c));
}
