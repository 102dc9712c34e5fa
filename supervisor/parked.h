/* parked - reads that wait for something to happen: a job's end, or the feed to grow. */
#ifndef SUPERVISOR_PARKED_H
#define SUPERVISOR_PARKED_H

#include "supervisor/control.h"

#define PARKED_MAX     4096
#define PARKED_BUCKETS 1024

struct parked {
    struct asked *by_job[PARKED_BUCKETS];
    struct asked *of_feed;
    size_t        count;
    int64_t       deadline; /* not after the first end of a wait */
};

void parked_init(struct parked *p);
/* a->waits_for and a->until_boot_ms are set; false when PARKED_MAX wait already. */
bool parked_add(struct parked *p, struct asked *a) MUST_CHECK;
/* These take the requests out and return them as a list, to be asked anew. */
struct asked *parked_take_job(struct parked *p, uint64_t job);
struct asked *parked_take_feed(struct parked *p);
struct asked *parked_take_ended(struct parked *p, int64_t boot_ms); /* whose wait is over */
struct asked *parked_take_all(struct parked *p);

#endif
