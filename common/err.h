/* err - the one error type, and the one table of error codes.
 *
 * A function that can fail returns enum errc (E_OK is 0) and takes a struct err * as its last
 * argument.  The code says what kind of failure it was, for programs; the message says what
 * happened, the hint what to do, for people.  Only the function that first sees a failure calls
 * err_set(); a caller may add where it was with err_wrap(), and exactly one caller, at the edge,
 * logs it or sends it.  Outputs of a failed function are untouched. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

/* Append-only.  wire: the code in JSON and on the wire; exit: of agentctl; http: of the gateway. */
// clang-format off
/*    code                  wire                   exit  http  text */
#define ERRORS(X)                                                                          \
    X(E_OK,                 "ok",                   0,   200, "ok")                        \
    X(E_BAD_REQUEST,        "bad_request",          1,   400, "malformed request")         \
    X(E_UNSUPPORTED,        "unsupported_version",  1,   400, "unsupported version")       \
    X(E_TOO_LARGE,          "too_large",            1,   413, "over a limit")              \
    X(E_UNAUTHENTICATED,    "unauthenticated",      1,   401, "not authenticated")         \
    X(E_DENIED,             "denied",               1,   403, "not allowed")               \
    X(E_NOT_FOUND,          "not_found",            1,   404, "no such object")            \
    X(E_GONE,               "gone",                 1,   410, "no longer there")           \
    X(E_CONFLICT,           "conflict",             1,   409, "conflict")                  \
    X(E_WRONG_STATE,        "wrong_state",          1,   409, "not allowed in this state") \
    X(E_IN_USE,             "in_use",               1,   409, "in use")                    \
    X(E_DECLARED_IN_CONFIG, "declared_in_config",   1,   409, "declared in the config")    \
    X(E_CYCLE_RUNNING,      "cycle_running",        1,   409, "a cycle is running")        \
    X(E_CAPACITY_FULL,      "capacity_full",        1,   429, "no free capacity")          \
    X(E_QUEUE_FULL,         "queue_full",           1,   429, "the queue is full")         \
    X(E_STORE_FULL,         "store_full",           1,   507, "the store is full")         \
    X(E_DISK_FULL,          "disk_full",            1,   507, "the disk is full")          \
    X(E_DRAINING,           "draining",             1,   503, "the daemon is draining")    \
    X(E_STOPPED,            "stopped",              1,   503, "stopped by an operator")    \
    X(E_BUSY,               "busy",                 1,   503, "try again later")           \
    X(E_DAMAGED,            "damaged",              1,   500, "a damaged record")          \
    X(E_OUTCOME_UNKNOWN,    "outcome_unknown",      5,   500, "the outcome is unknown")    \
    X(E_INTERNAL,           "internal",             1,   500, "internal error")
// clang-format on

enum errc {
#define X(code, wire, exit, http, text) code,
    ERRORS(X)
#undef X
        ERRC_COUNT
};

struct err {
    enum errc code;
    char      field[64]; /* the request's field that is at fault, or "" */
    char      msg[256];
    char      hint[200]; /* what the user can do, or "" */
    long long
        slot_eta_ms; /* of E_CAPACITY_FULL: when a slot is thought to be free; 0: nobody knows */
};

/* Sets code and message, clears the rest.  Returns code. */
enum errc err_set(struct err *e, enum errc code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* E_BAD_REQUEST of one named field; the message begins with the field's name. */
enum errc err_field(struct err *e, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* E_INTERNAL with ": strerror(errno)" at the end. */
enum errc err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "where: " before the message.  Returns e->code. */
enum errc err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds what the user can do.  Returns e->code. */
enum errc err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The message without the field's name before it. */
const char *err_sentence(const struct err *e);

const char *errc_wire(enum errc code);
const char *errc_text(enum errc code);
int         errc_exit(enum errc code);
int         errc_http(enum errc code);
/* The code whose wire name this is; E_INTERNAL for an unknown one. */
enum errc errc_from_wire(const char *wire);

#endif
