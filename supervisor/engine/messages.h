/* messages - what an agent says to people and to the world: send_message and notify.  To which
 * sinks they go, and whether they may be sent (D4, D6, D7, N23). */
#ifndef ENGINE_MESSAGES_H
#define ENGINE_MESSAGES_H

#include "supervisor/engine/policy.h"
#include "supervisor/engine/turn.h"

/* What all messages of one completion share. */
struct messages {
    const struct job_state *job;
    uint64_t                checkpoint_id;
    uint64_t                event;   /* number of the event that was processed; 0: none */
    struct session         *session; /* of an event's job, else NULL */
    bool                    is_autonomous, is_shadow;
    int64_t                 quiet_until;
    struct policy_rules     rules;
    struct policy_count     count;
    uint32_t                sinks[SINKS_MAX], sink_count;
};

/* EFFECT_SEND_MESSAGE or EFFECT_NOTIFY, EFFECT_NONE for other names. */
enum effect_kind message_kind(struct view name);
/* Checks one before anything is written: not empty, to a sink that is there.  j: the job that
 * sends it. */
enum errc message_check(struct engine *en, const struct job_state *j, enum effect_kind kind,
                        struct view effect, struct err *e) MUST_CHECK;

/* The sinks to which a message would go now that is sent again. */
uint32_t message_sinks_again(struct engine *en, const struct effect *ef, struct view payload,
                             uint32_t ids[SINKS_MAX]);

/* Begins after the event was consumed.  Each message is judged after the ones before it. */
void messages_begin(struct engine *en, struct messages *ms, const struct job_state *j,
                    uint64_t checkpoint_id);
void messages_add(struct engine *en, struct messages *ms, enum effect_kind kind, struct view effect,
                  uint32_t ordinal);
/* The session keeps what was counted. */
void messages_end(struct engine *en, const struct messages *ms);

#endif
