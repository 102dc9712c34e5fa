/* fake_agentd - agentd as agentctl sees it: a ROUTER in a run folder, played by the test itself.
 *
 * A test is a dialogue: it starts agentctl, takes its request, answers, and looks at how it ended.
 * Every wait has a deadline; a wait that is not over by then fails the test. */
#ifndef TESTS_FAKE_AGENTD_H
#define TESTS_FAKE_AGENTD_H

#include "common/buf.h"
#include "proto/codec.h"
#include <sys/types.h>

struct stage {
    char           folder[64];
    char           socket[96];
    void          *zmq; /* NULL: nobody listens */
    void          *router;
    struct buf     peer;  /* the routing id of the last request */
    struct buf     frame; /* of the last request; what follows borrows from it */
    struct request request;
    pid_t          pid; /* of agentctl; 0: none */
    int            out; /* memory files: its stdout and stderr */
    int            err;
};

/* A new folder in which nobody listens. */
void stage_open(struct stage *s);
void stage_close(struct stage *s);
void stage_listen(struct stage *s);
/* As a daemon that dies: all connections are gone, and so is the socket. */
void stage_unlisten(struct stage *s);

/* Starts agentctl with "--run FOLDER" and these words, ended by NULL. */
void stage_start(struct stage *s, ...) __attribute__((sentinel));
/* The same, without --run, with stdout on `out` (-1: as usual). */
void stage_exec(struct stage *s, int out, char *const *words);
/* Waits for its end; it must exit with this code. */
void stage_expect_exit(struct stage *s, int code);
/* What it has written; the caller frees. */
char *stage_out(const struct stage *s);
char *stage_err(const struct stage *s);

/* The next request, which must be this op. */
void stage_take(struct stage *s, const char *op);
/* The body of the last request must be this JSON. */
void stage_expect_body(struct stage *s, const char *json);
/* Answers the last request. */
void stage_answer(struct stage *s, const char *json);
void stage_refuse(struct stage *s, enum errc code, const char *message, const char *hint);
/* Sends bytes as the answer, behind an empty delimiter when asked for. */
void stage_send(struct stage *s, struct view frame, bool has_delimiter);

#endif
