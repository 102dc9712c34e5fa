/* config - the configuration of a simulated daemon: companies, agents, handlers, sinks, schedules
 * and limits that come, change and go from reload to reload.
 *
 * What it packs is what the loader would let through: every name that a declaration gives is
 * declared, too. */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include "common/buf.h"
#include "proto/codec.h"
#include "tools/sim/rng.h"

#define SIM_COMPANIES  4 /* default, acme, beta, gamma */
#define SIM_HANDLERS   7 /* noop, echo, sleep, h0 … h3 */
#define SIM_BUILTINS   3 /* of them */
#define SIM_FIRST_EXEC 5 /* h2, h3 */
#define SIM_SINKS      4 /* two files, http, command */
#define SIM_AGENTS     6
#define SIM_SCHEDULES  4
/* With those that only requests make: x0, x1; b0 … b4. */
#define SIM_ANY_COMPANIES 6
#define SIM_ANY_AGENTS    11

struct declaration {
    bool       is_there;
    struct buf spec;
    int        company, handler, agent, awaited; /* that it names; -1: none */
    unsigned   sinks;                            /* bit N: sink N */
};

struct config {
    struct declaration companies[SIM_COMPANIES];
    struct declaration handlers[SIM_HANDLERS];
    struct declaration sinks[SIM_SINKS];
    struct declaration agents[SIM_AGENTS];
    struct declaration schedules[SIM_SCHEDULES];
    struct buf         limits;
    unsigned           default_sinks;
    int64_t            heartbeat_timeout_ms;
    bool               is_calm;   /* no cap holds everything, handlers may be tried often */
    int64_t            now_ms;    /* of what has a beginning and an end */
    bool               is_sparse; /* hours and days from one firing to the next */
};

void config_init(struct config *c, struct rng *r, bool is_sparse, int64_t now_ms);
void config_done(struct config *c);
/* Changes a few things. */
void config_change(struct config *c, struct rng *r);
/* Gives every limit a value that lets work go on; takes nothing away. */
void config_calm(struct config *c, struct rng *r);
/* A packed `config` object. */
void config_pack(const struct config *c, struct buf *out);
void config_copy(struct config *to, const struct config *from);

const char *config_company(int i);
const char *config_handler(int i);
const char *config_agent(int i);
int         config_agent_company(int i);

/* A schedule's declaration under `name`; `r` chooses its times and the rest. */
void config_fill_schedule(struct config *c, struct rng *r, const char *name, struct declaration *d);
/* A ladder of at least one step. */
void config_fill_ladder(struct rng *r, struct buf *list);

/* ---- what the files of the configuration share ----------------------------------------------- */

void config_begin(struct declaration *d, int company);
/* One that is there. */
int config_random_handler(const struct config *c, struct rng *r);
/* A cap: a small number, now and then 0 or none at all. */
int64_t config_cap(const struct config *c, struct rng *r, int64_t most);
/* Some of the sinks that are declared: bit N is sink N; and the same as a packed list of names. */
unsigned config_some_sinks(const struct config *c, struct rng *r);
void     config_pack_sinks(unsigned mask, struct buf *list);
/* What of an agent's making waits for a person. */
struct view config_approval(struct rng *r);
void        config_fill_limits(struct config *c, struct rng *r);

#endif
