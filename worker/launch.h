/* launch - starts the process of a lease: its input, its two streams, its evidence. */
#ifndef WORKER_LAUNCH_H
#define WORKER_LAUNCH_H

#include "common/err.h"
#include "proto/evidence.h"
#include "worker/slots.h"
#include "worker/spawn.h"

/* What every start of this worker has in common. */
struct launcher {
    int             epoll_fd; /* where the streams are watched, each event's data.ptr its stream */
    struct evidence evidence;
    struct slots   *slots;
    uint64_t        boot_id;
    uint64_t        worker;
    uint64_t        incarnation;
};

struct launch {
    const char           *file;
    int                   program; /* as in spawn_request */
    char *const          *argv;
    char *const          *envp;
    const char           *cwd;
    const struct account *account; /* NULL: as we are */
    struct spawn_limits   limits;
    struct view           input; /* its whole standard input, a file in memory: nobody has to write
                                    it on, and one who never reads it holds up nobody … */
    int *input_fd; /* … or, when it is not NULL, a pipe: where our end of it is put, non-blocking */
};

/* On failure the lease is as it was, and nothing is left of the process. */
enum errc launch(const struct launcher *l, const struct launch *what, struct lease *lease,
                 struct err *e) MUST_CHECK;
/* The lease's tree is gone: so is its evidence. */
void launch_end(const struct launcher *l, const struct lease *lease);

#endif
