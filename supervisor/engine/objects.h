/* objects - declared objects by id and by name: companies, agents, handlers, sinks, schedules,
 * profiles.
 *
 * Every object is (company, name) (N34); its id is never used again.  Handlers,
 * sinks and profiles of the company `default` are there for every company.  One that is being
 * removed is found by no name. */
#ifndef ENGINE_OBJECTS_H
#define ENGINE_OBJECTS_H

#include "supervisor/engine/engine.h"
#include "supervisor/engine/idmap.h"

/* What the last submit named and which objects these are: mostly the next one names the same.
 * Forgotten when an object changes. */
struct last_names {
    bool        is_known;
    struct view own_company; /* the actor's */
    struct view company, agent, handler;
    uint32_t    company_id, agent_id, handler_id;
};

/* What one transaction has read, decoded once.  Lives in the transaction's arena. */
struct objects {
    struct txn         *txn;
    struct idmap        map;
    uint32_t            version; /* goes up with each change of an object or a zone's bytes */
    int64_t             now_ms;  /* wall, of the turn or the read: says which day it is */
    struct idmap        scopes;  /* of ledgers; struct scope_turn */
    struct ledger_turn *ledgers; /* rows of the transaction */
    struct last_names   last;
    uint32_t            limits;             /* the id of the limits; 0: not looked up */
    bool                knows_reservations; /* has_reservations is looked up */
    bool                has_reservations;   /* some job has reserved of a day's budget */
    bool                has_removed; /* an object has gone: its lanes go, too (lane_sweep.c) */
    bool                is_read;     /* of a read: what runs does not change meanwhile … */
    struct snapshot    *running;     /* … and is counted once, when it is first asked for */
};
struct object_entry {
    struct object row;
    bool          is_there;
    union {
        struct msg_company  company;
        struct msg_agent    agent;
        struct msg_handler  handler;
        struct msg_sink     sink;
        struct msg_schedule schedule;
        struct msg_limits   limits;
        struct msg_profile  profile;
    } spec;
};

/* What one transaction remembers of objects, in its arena; nothing is read yet. */
void objects_init(struct objects *o, struct txn *t);
/* NULL when there is none (or it is damaged). */
const struct object_entry *objects_get(struct objects *o, uint32_t id);
/* The name, or empty; company objects too. */
struct view objects_name(struct objects *o, uint32_t id);
/* The name as commands take it: "company/name", bare in `default`; in the transaction's memory. */
struct view objects_ref(struct objects *o, uint32_t id);
/* Writes an object and what this transaction remembers of it. */
void objects_put(struct objects *o, const struct object *row);
void objects_remove(struct objects *o, uint32_t id);

/* The id of (kind, company, name), 0 when there is none.  company 0 for companies. */
uint32_t object_find(struct txn *t, enum object_kind kind, uint32_t company, struct view name);
/* The same of one that is being removed, whose name is taken until it is gone. */
uint32_t object_removing(struct txn *t, enum object_kind kind, uint32_t company, struct view name);

/* The company that a request means: `name` if given, else the actor's own, else `default`.  Another
 * company's than the actor's is E_NOT_FOUND (N36). */
enum errc object_company(struct txn *t, const struct actor *a, struct view name, uint32_t *company,
                         struct err *e) MUST_CHECK;
/* A REF: "company/name" or a bare name of `company`; handlers and sinks are also looked for in
 * `default`.  The company named in the REF must be `company` unless *company is 0, and then it is
 * set.  E_NOT_FOUND names `field`. */
enum errc object_ref(struct txn *t, const struct actor *a, enum object_kind kind, struct view ref,
                     const char *field, uint32_t *company, uint32_t *id, struct err *e) MUST_CHECK;
/* Whether objects of this company exist for the actor. */
bool actor_sees(struct txn *t, const struct actor *a, uint32_t company);

const char *object_kind_name(enum object_kind k);
/* "a company", "an agent" */
const char *object_kind_article(enum object_kind k);
const char *origin_name(enum origin o);
/* The message that describes a kind's declaration. */
enum msg_id object_kind_message(enum object_kind k);

#define COMPANY_DEFAULT_ID 1 /* `default`, made with the store */

#endif
