/* ledger - what a company, an agent or a schedule (a scope) has used on each of its days (B6).
 *
 * A day is a local date in the scope's zone: its own, else its company's, else the limits'.  Rows
 * are kept by the transaction that touched them and written once, at its end. */
#ifndef ENGINE_LEDGER_H
#define ENGINE_LEDGER_H

#include "common/sum.h"
#include "supervisor/engine/objects.h"

enum dimension { DIM_TURNS, DIM_TOKENS, DIM_COST, DIM_RUN, DIM_COUNT };

/* An amount of each: turns, tokens, millionths of cost, ms. */
struct amounts {
    uint64_t of[DIM_COUNT];
};

enum ledger_part { LEDGER_CHARGED, LEDGER_RESERVED, LEDGER_OVERSHOOT, LEDGER_PART_COUNT };

const char *dimension_name(enum dimension d); /* "turns", "tokens", "cost_micros", "run_ms" */

/* The name of the zone whose days the scope's are. */
struct view ledger_zone(struct objects *o, uint32_t scope);
uint32_t    ledger_date(struct objects *o, uint32_t scope, int64_t at_ms);
/* When the day after the instant's begins in the scope's zone. */
int64_t ledger_next_day(struct objects *o, uint32_t scope, int64_t at_ms);
/* The scope's row of a day, a zero one when there is none; what changes in it is written. */
struct ledger *ledger_row(struct objects *o, uint32_t scope, uint32_t date);
uint64_t      *ledger_amount(struct ledger *l, enum ledger_part part, enum dimension d);
/* Charged, reserved and overshot together: what the limit is compared with. */
uint64_t ledger_used(struct ledger *l, enum dimension d);
/* What the scope may use on a day, NO_LIMIT where nothing is said. */
int64_t ledger_limit(struct objects *o, uint32_t scope, enum dimension d);
/* Whether anything of the scope is limited. */
bool ledger_is_limited(struct objects *o, uint32_t scope);
/* Writes what the transaction changed. */
void ledgers_flush(struct objects *o);

#endif
