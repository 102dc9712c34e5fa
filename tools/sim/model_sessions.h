/* model_sessions - what the model keeps of sessions and their events (SPEC D1, D2, D6); a part of
 * model.h.
 *
 * A session takes its events strictly one after the other, each by one job; the model keeps every
 * event that ever was, and says of each what became of it. */
#ifndef SIM_MODEL_SESSIONS_H
#define SIM_MODEL_SESSIONS_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"

#define M_TYPE_SIZE 16 /* types and keys of a simulation are short */

struct m_event {
    uint64_t   id;
    char       type[M_TYPE_SIZE];
    struct buf payload;      /* packed */
    uint8_t    mark;         /* enum event_mark */
    uint64_t   job;          /* dead: that gave it up */
    uint64_t   parent, root; /* of its chain of causes; 0: none */
    uint64_t   copy_of;      /* 0: none */
    int64_t    created_at;
    int64_t    depth;     /* in it, and the agents on the way; of one of the session's own */
    int        chain[16]; /* timers neither (N24) */
    unsigned   chain_count;
    bool       is_touched;
};

struct m_timer {
    char       id[M_TYPE_SIZE];
    uint8_t    status; /* enum timer_status */
    int64_t    fire_at, settled_at;
    struct buf payload;
    uint64_t   number;       /* out of that of events */
    uint64_t   event;        /* promoted: its event's number in the session */
    uint64_t   parent, root; /* of its chain of causes; 0: none */
    bool       is_touched, is_gone;
};

struct m_timer_order {
    struct view id, payload;
    int64_t     fire_at;
    uint64_t    parent, root;
};

struct m_session {
    int     company, agent; /* objects; agent -1: none */
    char    key[M_TYPE_SIZE];
    uint8_t status;                 /* enum session_status */
    LIST_OF(struct m_event) events; /* event N is item N - 1 */
    LIST_OF(struct m_timer) timers;
    uint64_t purged; /* so many of the first events are gone */
    uint64_t event_seq, head,
        job; /* done with up to there; the one that is processed, and by whom */
    uint64_t waiting, dead;
    uint64_t checkpoint_id, checkpoint; /* its number; hash of the data, 0: none */
    bool     has_person;
    uint64_t autonomous; /* messages in a row that nobody asked for */
    int64_t  last_autonomous_at;
    bool     is_over;    /* its job has ended in this turn: the next event is to be taken */
    bool     is_closing; /* a turn had no room for all that waited in it */
    bool     is_touched;
    uint32_t id;      /* in the store, as far as it was seen there */
    bool     is_gone; /* another may come by its key */
};

/* Connections that read a session through the gateway, which need not be there. */
struct m_reader {
    char     company[M_TYPE_SIZE], key[M_TYPE_SIZE];
    uint64_t count;
};

/* The session that a request means. */
struct m_target {
    struct view       key, company, agent;  /* as given; the last two may be empty */
    int               company_id, agent_id; /* objects; agent -1: none */
    struct m_session *s;                    /* NULL: there is none */
};

#endif
