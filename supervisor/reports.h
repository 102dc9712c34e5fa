/* reports - the socket where workers report.
 *
 * A report belongs to the worker whose process sent it, by the credentials of its connection, not
 * by what it says.  A malformed one costs that worker its life and changes nothing else; one of an
 * unknown process is dropped. */
#ifndef SUPERVISOR_REPORTS_H
#define SUPERVISOR_REPORTS_H

#include "supervisor/inputs.h"
#include "supervisor/pool.h"

struct reports {
    void    *socket;
    uint64_t dropped;
};

/* Binds RUN/reports.sock. */
enum errc reports_open(struct reports *r, void *zmq, const char *run_dir, struct err *e) MUST_CHECK;
void      reports_close(struct reports *r);
int       reports_fd(const struct reports *r);
bool      reports_has_input(const struct reports *r);
/* Hands reports to the pool until there is none or the budget is used. */
void reports_gather(struct reports *r, struct pool *pool, struct turn_budget *budget);

#endif
