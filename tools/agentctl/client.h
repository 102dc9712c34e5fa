/* client - one connection to agentd: a request, its answer, and what happens when it does not come.
 *
 * A request whose connection broke before the answer is sent once more when agentd is there again;
 * those that change something carry a random request_id both times, so that agentd does them once
 * (N39).  A look ends when nobody has listened for as long as a restart takes; what waits for
 * something goes on.  All calls wait in poll, never longer than the given time. */
#ifndef TOOLS_AGENTCTL_CLIENT_H
#define TOOLS_AGENTCTL_CLIENT_H

#include "common/buf.h"
#include "tools/agentctl/command.h"

struct ctl_client;

/* Connects to the socket at `path`.  Without a listener there: CTL_NO_ANSWER at once, and
 * *is_absent. */
enum ctl_exit ctl_client_new(const char *path, struct ctl_client **out, bool *is_absent,
                             struct err *e) MUST_CHECK;
void          ctl_client_destroy(struct ctl_client **p);

/* One request and its answer, whose body is put into `reply` (cleared).  CTL_REFUSED: the answer
 * was an error.  CTL_NO_ANSWER: the time was out, and nothing can have been changed.
 * CTL_OUTCOME_UNKNOWN: agentd may have done it. */
enum ctl_exit ctl_client_ask(struct ctl_client *cl, enum msg_id op, struct view body,
                             int64_t timeout_ms, struct buf *reply, struct err *e) MUST_CHECK;
/* From now on a readable fd (-1: none) ends a wait with CTL_NO_ANSWER and
 * ctl_client_is_interrupted. */
void ctl_client_interrupt_by(struct ctl_client *cl, int fd);
bool ctl_client_is_interrupted(const struct ctl_client *cl);

#endif
