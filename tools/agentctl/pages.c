#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"

#define LIMIT_DEFAULT 100

/* The pages of a list as they come, put together. */
struct pages {
    struct buf items; /* the packed items, one after the other */
    uint32_t   count;
    struct buf next; /* the cursor; empty: the list is at its end */
};

static void
add_page(struct pages *p, struct view body)
{
    struct view      list = ctl_list(body, "items");
    struct list_iter it = list_iter_of(list);
    struct view      item, next;

    while (list_next(&it, &item)) {
        buf_add_view(&p->items, item);
        p->count++;
    }
    buf_clear(&p->next);
    if (mp_find_str(body, "next", &next)) buf_add_view(&p->next, next);
}

/* A page may be empty, or short, and have a next one (N8): asked until there are enough. */
static enum ctl_exit
ask_pages(struct ctl *c, struct ctl_request *request, struct pages *p, struct err *e)
{
    int64_t             until_ms = clock_now().boot_ms + ctl_timeout_ms(c);
    int64_t             wanted = LIMIT_DEFAULT;
    BUF_AUTO struct buf asked = {0};

    ctl_request_pack(request, &asked);
    (void)mp_find_i64(buf_view(&asked), "limit", &wanted); /* not given: the default */
    do {
        BUF_AUTO struct buf body = {0};
        BUF_AUTO struct buf reply = {0};
        enum ctl_exit       failed;
        int64_t             left_ms = until_ms - clock_now().boot_ms;

        ctl_request_set_i64(request, "limit", wanted - p->count);
        if (p->next.size > 0) ctl_request_set_str(request, "after", buf_view(&p->next));
        ctl_request_pack(request, &body);
        failed =
            ctl_ask(c, c->args.command->op, buf_view(&body), left_ms > 0 ? left_ms : 0, &reply, e);
        if (failed) return failed;
        add_page(p, buf_view(&reply));
    } while (p->next.size > 0 && p->count < wanted);
    return CTL_DONE;
}

static enum ctl_exit
show_pages(struct ctl *c, const struct pages *p, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_key(&body, &m, "items");
    mp_array(&body, p->count);
    buf_add_view(&body, buf_view(&p->items));
    mp_put_str_or_nil(&body, &m, "next", buf_view(&p->next));
    mp_close(&body, &m);
    enum ctl_exit failed = ctl_show(c, buf_view(&body), e);
    if (failed) return failed;
    if (p->count == 0) ctl_note(c, "nothing found");
    if (p->next.size > 0) {
        FREE_AUTO char *more =
            xasprintf("there is more: --after %.*s", VIEW_ARG(buf_view(&p->next)));

        ctl_note(c, more);
    }
    return CTL_DONE;
}

/* A list of at most --limit items; its reply has the form of one page. */
enum ctl_exit
ctl_run_list(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    struct pages                        pages = {0};
    enum ctl_exit                       failed = CTL_USAGE;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e) == E_OK) {
        failed = ask_pages(c, &request, &pages, e);
        if (!failed) failed = show_pages(c, &pages, e);
    }
    buf_done(&pages.items);
    buf_done(&pages.next);
    return failed;
}
