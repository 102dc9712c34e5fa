// clang-format off
/* messages - every message on every wire, and every declared object, as lists.
 *
 * The lists are data: they make the structs, the descriptors that one walker decodes by (codec.h),
 * the tables in PROTOCOL.md and schema.lock.  They stand in messages_objects.h (what is declared),
 * messages_control.h (what clients ask) and messages_worker.h (what agentd and its children say).  A field is F(struct, TYPE, name,
 * NEED, low, high); its key on the wire is its name.  Names are append-only; a change needs a new
 * PROTO_VERSION (schema.lock's test).
 *
 *   TYPE   wire               low, high           member
 *   U64    integer            least, largest      uint64_t
 *   I64    integer            least, largest      int64_t
 *   MS     integer, ms        least, largest      int64_t      a duration; the config writes it without _ms, "5m"
 *   TIME   integer, Unix ms   least, largest      int64_t      an instant
 *   BOOL   boolean            -                   bool
 *   NAME   string             -                   struct view  an object's name (common/name.h)
 *   REF    string             -                   struct view  a name or company/name
 *   STR    string             bytes               struct view  UTF-8 without control characters
 *   TEXT   string             bytes               struct view  any UTF-8
 *   JSON   any JSON value     bytes (packed)      struct view  the packed value
 *   MAP    a JSON object      bytes (packed)      struct view  the packed value
 *   LIST   a JSON array       bytes (packed)      struct view  the packed value
 *   RAW    any msgpack        bytes (packed)      struct view  passed on as it is (to workers and the gateway)
 *
 * NEED: REQUIRED; OPTIONAL (absent or nil: the member is 0, HAS() is false); NULLABLE (nil is given
 * and means "no limit": the member is NO_LIMIT, HAS() is true). */
// clang-format on
#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include "common/mem.h"
#include "proto/messages_control.h"
#include "proto/messages_objects.h"
#include "proto/messages_worker.h"
#include <stdbool.h>
#include <stdint.h>

#define PROTO_VERSION     1 /* of the control and worker protocols */
#define PROTO_VERSION_MIN 1 /* the oldest that the server accepts */

#define NO_LIMIT           (-1)
#define YEARS_100_MS       3155760000000LL
#define TIME_MAX_MS        253402300799999LL /* the end of the year 9999 */
#define PAYLOAD_MAX        1048576
#define OUTPUT_MAX         1048576
#define CHECKPOINT_MAX     262144
#define EFFECTS_MAX        1048576
#define DELTA_MAX          65536
#define CLIENT_MESSAGE_MAX 2097152
#define WORKER_MESSAGE_MAX 4194304
#define BATCH_MAX          1000
#define LADDER_MAX         32
#define SINKS_MAX          8         /* of one agent, and of those without their own */
#define SINK_GATEWAY       "gateway" /* the built-in sink, and its kind */
#define TOKEN_HASH_SIZE    64        /* hexadecimal digits of a SHA-256 */
#define WORKERS_MAX        64
#define SLOTS_MAX          1024 /* of all workers together */

/* ---- what the lists make --------------------------------------------------- */

enum field_need { REQUIRED, OPTIONAL, NULLABLE };
enum field_type {
    FT_U64,
    FT_I64,
    FT_MS,
    FT_TIME,
    FT_BOOL,
    FT_NAME,
    FT_REF,
    FT_STR,
    FT_TEXT,
    FT_JSON,
    FT_MAP,
    FT_LIST,
    FT_RAW
};

typedef uint64_t    field_U64;
typedef int64_t     field_I64;
typedef int64_t     field_MS;
typedef int64_t     field_TIME;
typedef bool        field_BOOL;
typedef struct view field_NAME;
typedef struct view field_REF;
typedef struct view field_STR;
typedef struct view field_TEXT;
typedef struct view field_JSON;
typedef struct view field_MAP;
typedef struct view field_LIST;
typedef struct view field_RAW;

#define FIELD_MEMBER(S, type, name, need, low, high) field_##type name;
#define FIELD_BIT(S, type, name, need, low, high)    S##_BIT_##name,

/* struct msg_<name> { uint64_t has; … } and enum { msg_<name>_BIT_<field>, … } */
#define DECLARE(NAME, name)                     \
    struct msg_##name {                         \
        uint64_t has;                           \
        NAME##_FIELDS(FIELD_MEMBER, msg_##name) \
    };                                          \
    enum { NAME##_FIELDS(FIELD_BIT, msg_##name) msg_##name##_BITS };

#define O(NAME, name) DECLARE(NAME, name)
OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) DECLARE(NAME, name)
CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) DECLARE(NAME, name)
TO_WORKER_MESSAGES(W)
FROM_WORKER_MESSAGES(W)
TO_GATEWAY_MESSAGES(W)
#undef W

/* HAS(m, job_submit, priority): whether the sender gave it. */
#define HAS(m, message, field)       (((m)->has >> msg_##message##_BIT_##field) & 1)
#define SET_HAS(m, message, field)   ((m)->has |= 1ULL << msg_##message##_BIT_##field)
#define CLEAR_HAS(m, message, field) ((m)->has &= ~(1ULL << msg_##message##_BIT_##field))

enum msg_id {
    MSG_NONE,
#define O(NAME, name) MSG_##NAME,
    OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) MSG_##NAME,
        CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) MSG_##NAME,
            TO_WORKER_MESSAGES(W) FROM_WORKER_MESSAGES(W) TO_GATEWAY_MESSAGES(W)
#undef W
                MSG_COUNT
};

union msg {
#define O(NAME, name) struct msg_##name name;
    OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) struct msg_##name name;
    CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) struct msg_##name name;
    TO_WORKER_MESSAGES(W)
    FROM_WORKER_MESSAGES(W)
    TO_GATEWAY_MESSAGES(W)
#undef W
};

enum msg_group {
    GROUP_OBJECT,
    GROUP_CONTROL,
    GROUP_TO_WORKER,
    GROUP_FROM_WORKER,
    GROUP_TO_GATEWAY
};
enum msg_how { HOW_NONE, HOW_WRITE, HOW_READ, HOW_SHELL };
/* Ascending: each may do what those before it may.  ROLE_GATEWAY is agentd's own gateway's. */
enum role { ROLE_NONE, ROLE_VIEW, ROLE_SUBMIT, ROLE_OPERATOR, ROLE_ADMIN, ROLE_GATEWAY };

#endif
