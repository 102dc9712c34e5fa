/* agent-gateway: HTTP and WebSockets in front of agentd; started by agentd. */
#include "common/log.h"
#include "tools/gateway/server.h"
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* It ends with agentd, gains no rights, and leaves no image of its memory, where tokens are. */
static enum errc
set_up_process(const struct options *o, int *signal_fd, struct err *e)
{
    const struct rlimit no_core = {0, 0};
    sigset_t            stops;

    if (prctl(PR_SET_PDEATHSIG, o->supervisor_pid ? SIGTERM : 0)) return err_errno(e, "prctl");
    if (o->supervisor_pid && getppid() != (pid_t)o->supervisor_pid) {
        return err_set(e, E_INTERNAL, "the supervisor has died");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0)) {
        return err_errno(e, "prctl");
    }
    if (setrlimit(RLIMIT_CORE, &no_core)) return err_errno(e, "RLIMIT_CORE");
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return err_errno(e, "SIGPIPE");
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    if (sigprocmask(SIG_BLOCK, &stops, NULL)) return err_errno(e, "sigprocmask");
    *signal_fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    return *signal_fd < 0 ? err_errno(e, "signalfd") : E_OK;
}

static enum errc
serve(const struct options *o, struct err *e)
{
    struct server *s = NULL;
    int            signal_fd = -1;

    if (set_up_process(o, &signal_fd, e)) return e->code;
    if (sodium_init() < 0) return err_set(e, E_INTERNAL, "libsodium does not start");
    if (server_new(&s, o, e)) return e->code;
    log_info("gateway ready", "listen=%s port=%d", log_quote(o->listen), server_port(s));
    server_run(s, signal_fd);
    server_destroy(&s);
    (void)close(signal_fd);
    log_info("gateway ends", "reason=signal");
    return E_OK;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct err     e;

    if (options_parse(argc, argv, &o, &e)) {
        (void)fprintf(stderr, "agent-gateway: %s\n", e.msg);
        return EXIT_USAGE;
    }
    log_init("agent-gateway", (enum log_level)o.log_level);
    if (serve(&o, &e) == E_OK) return EXIT_SUCCESS;
    log_error("gateway ends", "error=%s hint=%s", log_quote(e.msg), log_quote(e.hint));
    /* agentd reads it, and tells it. */
    (void)printf(e.hint[0] ? "%s (%s)" : "%s", e.msg, e.hint);
    return EXIT_FAILURE;
}
