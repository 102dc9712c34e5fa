#include "supervisor/fsck.h"

#include "common/mp.h"
#include <sys/eventfd.h>
#include <unistd.h>

static void
on_problem(const char *sentence, void *arg)
{
    struct fsck *f = arg;

    f->found++;
    if (f->kept == FSCK_PROBLEMS_MAX) return;
    mp_cstr(&f->problems, sentence);
    f->kept++;
}

static void *
run(void *arg)
{
    struct fsck *f = arg;
    uint64_t     one = 1;

    f->rows = store_check(f->txn, on_problem, f, &f->is_cancelled);
    engine_check(f->txn, on_problem, f, &f->is_cancelled);
    engine_overshoot(f->txn, &f->overshoot, &f->is_cancelled);
    (void)!write(f->watch.fd, &one, sizeof(one)); /* 1 always fits into the counter */
    return NULL;
}

static void
on_thread_done(void *arg)
{
    struct fsck *f = arg;
    uint64_t     count;

    (void)!read(f->watch.fd, &count, sizeof(count)); /* only that it woke us counts */
    f->is_done = true;
}

enum errc
fsck_init(struct fsck *f, struct poller *poller, struct err *e)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    *f = (struct fsck){.poller = poller, .watch = {.fd = -1}};
    if (fd < 0) return err_errno(e, "eventfd");
    return poller_watch(poller, &f->watch, fd, on_thread_done, f, e);
}

static void
join(struct fsck *f)
{
    (void)pthread_join(f->thread, NULL); /* it is there and nobody else joins it */
    txn_abort(&f->txn);
    f->is_running = f->is_done = false;
}

static void
cancel(struct fsck *f)
{
    if (f->is_running) __atomic_store_n(&f->is_cancelled, true, __ATOMIC_RELAXED);
}

void
fsck_done(struct fsck *f)
{
    int fd = f->watch.fd;

    cancel(f);
    if (f->is_running) join(f);
    poller_unwatch(f->poller, &f->watch);
    if (fd >= 0) (void)close(fd);
    buf_done(&f->problems);
    buf_done(&f->overshoot);
}

void
fsck_on_space(struct fsck *f, const struct store_space *space)
{
    if (!space->can_admit && space->end_bytes > f->end_bytes) cancel(f);
}

/* The thread takes no signal: all that we take are blocked in ours before, and it inherits that. */
enum errc
fsck_start(struct fsck *f, struct store *store, uint64_t end_bytes, uint64_t tag, struct err *e)
{
    if (f->is_running) return err_set(e, E_BUSY, "a check of the store runs already");
    buf_clear(&f->problems);
    buf_clear(&f->overshoot);
    f->rows = f->found = f->kept = 0;
    f->is_cancelled = false;
    f->end_bytes = end_bytes;
    f->tag = tag;
    if (!(f->txn = txn_begin_read(store, e))) return e->code;
    if (pthread_create(&f->thread, NULL, run, f)) {
        txn_abort(&f->txn);
        return err_set(e, E_BUSY, "no thread for the check");
    }
    f->is_running = true;
    return E_OK;
}

bool
fsck_take(struct fsck *f, uint64_t *tag, struct buf *reply, struct err *e)
{
    struct mp_open_map map;

    if (!f->is_done) return false;
    join(f);
    *tag = f->tag;
    e->code = E_OK;
    if (f->is_cancelled) {
        (void)err_set(e, E_BUSY, "the check was cancelled: the store grew, and needs the space");
        (void)err_hint(e, "ask again when less is going on, or make room: agentctl job purge; "
                          "shorter retention.* (events, effects) and agentctl reload");
        return true;
    }
    map = mp_open(reply);
    mp_put_bool(reply, &map, "ok", f->found == 0);
    mp_put_u64(reply, &map, "rows", f->rows);
    mp_put_u64(reply, &map, "found", f->found);
    mp_key(reply, &map, "problems");
    mp_array(reply, f->kept);
    buf_add_view(reply, buf_view(&f->problems));
    mp_put_raw(reply, &map, "overshoot", buf_view(&f->overshoot));
    mp_close(reply, &map);
    return true;
}
