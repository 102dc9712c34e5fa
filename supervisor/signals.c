#include "supervisor/signals.h"

#include "common/proc.h"
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void
on_signal(void *arg)
{
    struct signals         *s = arg;
    struct signalfd_siginfo info;

    while (read(s->watch.fd, &info, sizeof(info)) == sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT: s->stops++; break;
        case SIGHUP: s->reload = true; break;
        case SIGUSR1: s->dump = true; break;
        case SIGCHLD: s->child = true; break;
        case SIGCONT: s->continued = true; break;
        default: break;
        }
    }
}

enum errc
signals_open(struct signals *s, struct poller *p, struct err *e)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGCONT};
    sigset_t         set;

    *s = (struct signals){.watch = {.fd = -1}};
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        (void)sigaddset(&set, taken[i]);
    /* An ignored signal is not queued, blocked or not, and a parent may have ignored some. */
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        (void)signal(taken[i], SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_SETMASK, &set, NULL)) return err_errno(e, "sigprocmask");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) return err_errno(e, "signalfd");
    return poller_watch(p, &s->watch, fd, on_signal, s, e);
}

void
signals_close(struct signals *s, struct poller *p)
{
    int fd = s->watch.fd;

    poller_unwatch(p, &s->watch);
    if (fd >= 0) (void)close(fd);
}

bool
signals_take(bool *flag)
{
    bool was = *flag;

    *flag = false;
    return was;
}

void
signals_reset(void)
{
    sigset_t none;

    proc_default_signals();
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}
