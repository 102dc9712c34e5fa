/* balances - what the ledgers of a store that nobody has open say, read from the store itself: no
 * request tells it. */
#ifndef TESTS_BALANCES_H
#define TESTS_BALANCES_H

#include <stddef.h>
#include <stdint.h>

#define BALANCES_MAX 64

struct used {
    uint64_t turns, tokens, cost_micros, run_ms, attempts;
};

/* Of all days of one company, agent or schedule together. */
struct balance {
    char name[64];
    enum { BALANCE_COMPANY, BALANCE_AGENT, BALANCE_SCHEDULE } of;
    struct used used; /* charged and overshot */
    uint64_t    overshoot_turns;
    uint64_t    reserved; /* of all dimensions together */
    uint64_t    earned, tickets_done;
};

/* At most BALANCES_MAX; how many.  A store that cannot be read is a break. */
size_t balances_read(const char *folder, struct balance out[BALANCES_MAX]);

#endif
