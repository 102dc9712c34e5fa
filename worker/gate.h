/* gate - the command that is asked before a job's handler whether there is anything to do (C5).
 *
 * It runs in the handler's place: the same lease, document, folder, environment, limits, user and
 * log.  By its exit, as systemd's ExecCondition: 0, the handler is started; 1 to 254, there is
 * nothing to do; 255 or a signal, it failed.  What it prints is no protocol: all of it goes to the
 * log, and the last line says why. */
#ifndef WORKER_GATE_H
#define WORKER_GATE_H

#include "worker/outcome.h"

struct gate {
    bool       is_asked;   /* it runs, or has just ended */
    struct buf start;      /* job.start, for the handler */
    struct buf last;       /* the last line of its output … */
    struct buf last_error; /* … and of its standard error that says anything */
    struct buf text;       /* of the message of gate_end */
};

void gate_begin(struct gate *g, const struct msg_job_start *m);
void gate_done(struct gate *g);
void gate_take_line(struct gate *g, struct view text, bool is_error);
/* True when the handler is to run; else what `ended` says is filled in, but for slot and token. The
 * views borrow from g. */
bool gate_end(struct gate *g, const struct outcome_exit *how, struct msg_ended *m);

#endif
