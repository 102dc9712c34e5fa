#include "supervisor/storecheck.h"

#include "common/log.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBLEMS_LOGGED 100

static void
on_problem(const char *sentence, void *arg)
{
    unsigned *found = arg;

    if ((*found)++ < PROBLEMS_LOGGED) log_error("store", "problem=%s", log_quote(sentence));
}

/* That the store cannot be opened is said by the parent, which tries the same next. */
static _Noreturn void
walk(const struct store_options *options, pid_t parent)
{
    struct store *s = NULL;
    struct err    e;
    unsigned      found = 0;
    bool          never = false;

    /* It may have died before this; on our own we would hold its locks for the whole walk. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(0);
    if (store_open(&s, options, &e)) _exit(0);
    struct txn *t = txn_begin_read(s, &e);
    if (!t) _exit(0);
    (void)store_check(t, on_problem, &found, &never); /* how many rows does not matter here */
    txn_abort(&t);
    store_close(&s);
    _exit(0);
}

enum errc
storecheck_in_child(const struct store_options *options, struct err *e)
{
    int   status = 0;
    pid_t parent = getpid();
    pid_t child = fork();

    if (child < 0) return err_errno(e, "fork");
    if (child == 0) walk(options, parent);
    if (waitpid(child, &status, 0) != child) return err_errno(e, "waiting for the store's check");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return E_OK;
    (void)err_set(e, E_DAMAGED, "reading the store in %s crashes (%s %d)", options->dir,
                  WIFSIGNALED(status) ? "signal" : "exit",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return err_hint(e,
                    "move %s/data.mdb away, or put a backup in its place; remove "
                    "%s/starts to try again",
                    options->dir, options->dir);
}
