/* waiters - those that wait for what nobody announces: looked at every few seconds, by one timer,
 * in bounded numbers and in turn. */
#ifndef TOOLS_GATEWAY_WAITERS_H
#define TOOLS_GATEWAY_WAITERS_H

#include <libwebsockets.h>
#include <stddef.h>

/* Embedded in whoever waits. */
struct waiter {
    struct waiter *next, *previous; /* in a ring; NULL: it does not wait */
};

struct waiters {
    struct lws_context *loop;
    void (*look)(struct waiter *w); /* may add and remove this one */
    struct waiter          ring;
    size_t                 count;
    lws_sorted_usec_list_t timer; /* runs while somebody waits */
};

void waiters_init(struct waiters *ws, struct lws_context *loop, void (*look)(struct waiter *w));
/* Before the loop goes; also of zeros. */
void waiters_close(struct waiters *ws);

/* Also of one that waits already. */
void waiters_add(struct waiters *ws, struct waiter *w);
/* Also of one that does not wait. */
void waiters_remove(struct waiters *ws, struct waiter *w);

#endif
