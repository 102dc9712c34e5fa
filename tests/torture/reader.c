/* A reader of the feed: it comes and goes, and must neither miss an event nor get one twice. */
#include "common/hash.h"
#include "common/mp.h"
#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/link.h"
#include "tests/torture/load.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define CURSOR_BYTES 65
#define AWAY_MAX_MS  1500

struct reader {
    struct link    link;
    struct history history;
    struct dice    dice;
    const char    *topic;
    char           cursor[CURSOR_BYTES];
};

static void
take_event(struct reader *r, struct view event)
{
    int64_t seq = 0;

    (void)mp_find_i64(event, "seq", &seq); /* 0 is no event's number: the judge tells */
    history_add(&r->history, "E %s %" PRId64 " %016" PRIx64, r->topic[0] ? r->topic : "all", seq,
                hash64(event, 0));
}

static void
take_page(struct reader *r)
{
    struct view body = buf_view(&r->link.body), items, event, next, gap;
    uint32_t    count = 0;

    if (mp_find(body, "items", &items)) {
        struct mp_reader m = mp_reader_of(items);

        (void)mp_read_array(&m, &count); /* what is no list has no items */
        while (count-- > 0 && mp_read_any(&m, &event))
            take_event(r, event);
    }
    if (mp_find(body, "gap", &gap) &&
        mp_peek(&(struct mp_reader){gap.data, gap.data + gap.size, false}) != MP_NIL) {
        history_add(&r->history, "X the feed has a gap behind %s", r->cursor);
    }
    if (!mp_find_str(body, "next", &next) || next.size >= sizeof(r->cursor)) {
        history_add(&r->history, "X a page of the feed has no cursor");
        return;
    }
    (void)snprintf(r->cursor, sizeof(r->cursor), "%.*s", VIEW_ARG(next)); /* fits */
}

static void
read_once(struct reader *r)
{
    BUF_AUTO struct buf body = {0};

    buf_printf(&body, "{\"limit\":%u,\"wait_ms\":%u", 1 + (unsigned)dice_below(&r->dice, 300),
               (unsigned)dice_below(&r->dice, LINK_WAIT_MS / 2));
    if (r->cursor[0]) buf_printf(&body, ",\"since\":\"%s\"", r->cursor);
    if (r->topic[0]) buf_printf(&body, ",\"topic\":\"%s\"", r->topic);
    buf_add_str(&body, "}");
    switch (link_ask(&r->link, MSG_FEED_READ, buf_str(&body), NULL, LINK_WAIT_MS)) {
    case ANSWER_YES: take_page(r); break;
    case ANSWER_NO:
        if (r->link.error.code != E_BUSY) history_add(&r->history, "X %s", r->link.error.msg);
        break;
    case ANSWER_NONE: break;
    }
}

_Noreturn void
reader_main(const struct load *l, unsigned number)
{
    struct reader r = {.dice = dice_of(l->seed, 200 + number), .topic = load_reader_topic(number)};
    char          name[NAME_BYTES];

    load_reader_name(number, name);
    history_open(&r.history, l->folder, name);
    link_open(&r.link, l->run_folder);
    while (!atomic_load(&l->shared->stop)) {
        read_once(&r);
        if (number > 0 && dice_percent(&r.dice, 5)) {
            (void)poll(NULL, 0, (int)dice_below(&r.dice, AWAY_MAX_MS));
        }
    }
    link_close(&r.link);
    history_close(&r.history);
    exit(0);
}
