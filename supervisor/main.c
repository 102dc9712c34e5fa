/* agentd - the composition root: options, configuration, folders, locks, store, sockets, and the
 * parts of the shell around the engine. */
#include "common/log.h"
#include "common/proc.h"
#include "common/version.h"
#include "supervisor/accept4.h"
#include "supervisor/config/warnings.h"
#include "supervisor/options.h"
#include "supervisor/reactor.h"
#include "supervisor/sockets.h"
#include "supervisor/storecheck.h"
#include "supervisor/zonewatch.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_FAILED       1
#define EXIT_USAGE        2
#define CLOCK_HELD_MS     600000          /* at most (N27) */
#define FIRST_CREDIBLE_MS 1735689600000LL /* 2025-01-01: an earlier wall clock was never set */
#define CLOSE_SECONDS     2 /* for the sockets to send what is queued; then the end is forced */

struct parts {
    struct options     options;
    struct config      config;
    struct buf         warnings;
    struct daemon_lock lock;
    int                log_fd;
    struct poller      poller;
    struct signals     signals;
    struct deadlines   deadlines;
    struct evidence    evidence;
    struct spawn_setup spawn;
    struct store      *store;
    struct engine     *engine;
    void              *zmq;
    struct roles       roles;
    struct peers       peers;
    gid_t              socket_group; /* may pass the run folder, or NO_GROUP */
    struct inputs      inputs;
    struct control    *control;
    struct reports     reports;
    struct doorbell    doorbell;
    struct pool       *pool;
    struct gateway    *gateway;
    struct survivors   survivors;
    struct turns       turns;
    struct reads       reads;
    struct reload      reload;
    struct fsck        fsck;
    struct forecaster  forecaster;
    struct zonewatch   zonewatch;
    struct stopping    stopping;
    struct lag         lag;
    struct logsweep    logsweep;
    struct shell_ops   ops;
    struct reactor     reactor;
};

static int
say(const struct err *e)
{
    (void)fprintf(stderr, "agentd: %s\n", e->msg);
    if (e->hint[0]) (void)fprintf(stderr, "agentd: %s\n", e->hint);
    return EXIT_FAILED;
}

/* ---- --check ------------------------------------------------------------------------------- */

static void
print_declared(const struct config *c, const char *kind)
{
    struct view list;

    if (!mp_find(buf_view(&c->engine_config), kind, &list)) return;
    struct list_iter it = list_iter_of(list);
    if (it.left > 0) (void)printf("  %s (%" PRIu32 "):", kind, it.left);
    bool        is_any = it.left > 0;
    struct view item, name;
    while (list_next(&it, &item)) {
        if (mp_find_str(item, "name", &name)) (void)printf(" %.*s", VIEW_ARG(name));
    }
    if (is_any) (void)printf("\n");
}

static int
print_check(const struct parts *p)
{
    static const char *const kinds[] = {"companies", "agents", "handlers", "sinks", "schedules"};

    (void)printf("%s: ok\n", p->config.path[0] ? p->config.path : "defaults");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        print_declared(&p->config, kinds[i]);
    if (p->warnings.size > 0) (void)fwrite(p->warnings.data, 1, p->warnings.size, stderr);
    return 0;
}

/* ---- start: the process and the host ------------------------------------------------------- */

static enum errc
make_folders(const struct config *c, struct err *e)
{
    FREE_AUTO char *logs = xasprintf("%s/logs", c->state_dir);

    if (daemon_folder(c->state_dir, 0700, e) || daemon_folder(c->run_dir, 0750, e)) return e->code;
    return daemon_folder(logs, 0700, e);
}

static struct store_options
store_options(const struct config *c)
{
    return (struct store_options){.dir = c->state_dir,
                                  .map_bytes = (uint64_t)c->map_bytes,
                                  .reserve_floor_bytes = (uint64_t)c->reserve_floor_bytes,
                                  .relaxed = strcmp(c->durability, "relaxed") == 0};
}

static enum errc
become_daemon(struct parts *p, struct err *e)
{
    const struct config *c = &p->config;

    if (make_folders(c, e)) return e->code;
    if (p->options.is_daemonized && daemon_go_background(c->state_dir, &p->log_fd, e)) {
        return e->code;
    }
    daemon_set_process(p->spawn.oom_score, sizeof(p->spawn.oom_score));
    return daemon_lock(&p->lock, c->pid_file, c->state_dir, e);
}

static enum errc
open_store(struct parts *p, struct err *e)
{
    const struct store_options options = store_options(&p->config);
    unsigned                   failed = daemon_count_start(p->config.state_dir);

    if (failed >= STARTS_BEFORE_CHECK) {
        log_warn("the last starts never reached ready, the store is checked", "starts=%u", failed);
        if (storecheck_in_child(&options, e)) return e->code;
    }
    if (store_open(&p->store, &options, e)) return e->code;
    p->engine = engine_new(p->store);
    return E_OK;
}

/* ---- start: sockets and parts -------------------------------------------------------------- */

/* Who may pass the run folder may connect: the group of the widest role, else the gateway's, else
 * only our own user. */
static enum errc
open_run_folder(const char *run_dir, gid_t group, struct err *e)
{
    if (chown(run_dir, (uid_t)-1, group == NO_GROUP ? getegid() : group)) {
        (void)err_errno(e, "giving folder %s to group %u", run_dir, (unsigned)group);
        return err_hint(e, "run as root or as a member of that group");
    }
    return chmod(run_dir, 0750) ? err_errno(e, "mode of folder %s", run_dir) : E_OK;
}

static gid_t
set_roles(struct parts *p, const struct config *c, struct buf *warnings)
{
    gid_t group = NO_GROUP;

    roles_set(&p->roles, c->operator_group, c->submit_group, c->view_group, warnings);
    if (!roles_socket_group(&p->roles, &group)) (void)gateway_group(c, &group); /* neither: none */
    p->socket_group = group;
    return group;
}

static enum errc
open_sockets(struct parts *p, struct err *e)
{
    const char *run = p->config.run_dir;
    gid_t       group = set_roles(p, &p->config, &p->warnings);

    accept4_prepare();
    if (!(p->zmq = zmq_ctx_new())) return err_set(e, E_INTERNAL, "ZeroMQ does not start");
    (void)zmq_ctx_set(p->zmq, ZMQ_BLOCKY, 0); /* cannot fail */
    if (open_run_folder(run, group, e)) return e->code;
    p->peers = (struct peers){.roles = &p->roles, .store = p->store};
    if (control_open(&p->control, p->zmq, run, group, &p->peers, e)) return e->code;
    if (reports_open(&p->reports, p->zmq, run, e)) return e->code;
    return doorbell_open(&p->doorbell, p->zmq, run, group, store_incarnation(p->store), e);
}

static enum errc
open_spawn(struct parts *p, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/evidence", p->config.run_dir);

    if (evidence_open(&p->evidence, path, e)) return e->code;
    if (spawn_open_program("agent-worker", "AGENTD_WORKER", &p->spawn.program, e) ||
        spawn_open_program("agent-delivery", "AGENTD_DELIVERY", &p->spawn.delivery, e)) {
        return e->code;
    }
    p->spawn.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (p->spawn.null < 0) return err_errno(e, "/dev/null");
    p->spawn.evidence = &p->evidence;
    p->spawn.boot_id = proc_boot_id();
    p->spawn.incarnation = store_incarnation(p->store);
    p->spawn.run_dir = p->config.run_dir;
    p->spawn.state_dir = p->config.state_dir;
    return E_OK;
}

/* Groups that a reload changed: what cannot be given to them is warned of. */
static void
admit_groups(struct parts *p, const struct config *c, struct buf *warnings)
{
    FREE_AUTO char *control = xasprintf("%s/agentd.sock", p->config.run_dir);
    FREE_AUTO char *feed = xasprintf("%s/feed.sock", p->config.run_dir);
    gid_t           group = set_roles(p, c, warnings);
    struct err      e;

    if (open_run_folder(p->config.run_dir, group, &e) || socket_admit(control, group, &e) ||
        socket_admit(feed, group, &e)) {
        buf_printf(warnings, "%s\n", e.msg);
    }
}

static void
apply_settings(struct parts *p, const struct config *c, struct buf *warnings)
{
    log_set_level((enum log_level)log_level_from(c->log_level));
    pool_set_shape(p->pool, c->slots, c->heartbeat_interval_ms);
    pool_set_count(p->pool, (uint32_t)c->workers);
    gateway_set(p->gateway, c, p->socket_group, warnings);
}

static void
on_reloaded(const struct config *c, struct buf *warnings, void *arg)
{
    struct parts *p = arg;

    admit_groups(p, c, warnings);
    apply_settings(p, c, warnings);
}

static void
make_parts(struct parts *p)
{
    const struct turn_events none = {0};

    inputs_init(&p->inputs);
    p->pool = pool_new(p->zmq, &p->poller, &p->inputs, &p->spawn);
    const struct gateway_parts gateway = {.zmq = p->zmq,
                                          .poller = &p->poller,
                                          .inputs = &p->inputs,
                                          .pool = p->pool,
                                          .peers = &p->peers,
                                          .setup = &p->spawn};
    p->gateway = gateway_new(&gateway);
    survivors_init(&p->survivors, &p->poller, &p->inputs, &p->evidence, p->spawn.incarnation);
    turns_init(&p->turns, p->store, p->engine, &none);
    reads_init(&p->reads, p->store, p->engine, p->control);
    reload_init(&p->reload, &p->options.sources, &p->config, on_reloaded, p);
    forecaster_init(&p->forecaster, &p->poller, p->pool, p->store);
    stopping_init(&p->stopping, p->engine, p->pool, p->gateway, &p->inputs);
    logsweep_init(&p->logsweep, p->store, p->config.state_dir);
    p->ops = (struct shell_ops){.store = p->store,
                                .engine = p->engine,
                                .control = p->control,
                                .pool = p->pool,
                                .gateway = p->gateway,
                                .reload = &p->reload,
                                .fsck = &p->fsck,
                                .forecaster = &p->forecaster,
                                .inputs = &p->inputs,
                                .turns = &p->turns,
                                .reads = &p->reads,
                                .reports = &p->reports,
                                .survivors = &p->survivors,
                                .lag = &p->lag,
                                .run_dir = p->config.run_dir,
                                .state_dir = p->config.state_dir,
                                .started_boot_ms = clock_now().boot_ms};
    p->reactor = (struct reactor){.deadlines = &p->deadlines,
                                  .signals = &p->signals,
                                  .inputs = &p->inputs,
                                  .control = p->control,
                                  .reports = &p->reports,
                                  .pool = p->pool,
                                  .gateway = p->gateway,
                                  .survivors = &p->survivors,
                                  .turns = &p->turns,
                                  .reads = &p->reads,
                                  .reload = &p->reload,
                                  .fsck = &p->fsck,
                                  .forecaster = &p->forecaster,
                                  .doorbell = &p->doorbell,
                                  .stopping = &p->stopping,
                                  .ops = &p->ops,
                                  .lag = &p->lag,
                                  .logsweep = &p->logsweep,
                                  .lock = &p->lock};
    apply_settings(p, &p->config, &p->warnings);
}

/* ---- start: the engine --------------------------------------------------------------------- */

/* How the last run ended, by the PID file, and by the store when a power loss took the run folder
 * with it; and whether the clock can be believed (N27). */
static enum errc
make_boot(struct parts *p, struct input *boot, struct err *e)
{
    struct now  now = clock_now();
    struct meta meta = {.id = 1};
    struct txn *t = txn_begin_read(p->store, e);

    if (!t) return e->code;
    bool has_run = meta_load(t, &meta) == LOAD_FOUND;
    txn_abort(&t);
    *boot = (struct input){.kind = INPUT_BOOT, .boot_id = p->spawn.boot_id, .config_follows = true};
    boot->unclean = p->lock.was_unclean || (has_run && !meta.clean_stop);
    boot->last_sign_of_life_ms = p->lock.last_sign_of_life_ms;
    if (boot->last_sign_of_life_ms == 0 && has_run) boot->last_sign_of_life_ms = meta.last_wall_ms;
    bool is_behind =
        now.wall_ms < FIRST_CREDIBLE_MS || (has_run && now.wall_ms < meta.last_wall_ms);
    if (is_behind && !clock_is_synchronised()) {
        p->reactor.held_until_boot_ms = now.boot_ms + CLOCK_HELD_MS;
        log_warn("the clock is behind and not synchronised: what is due is held",
                 "wall_ms=%" PRId64 " last_ms=%" PRId64, now.wall_ms, meta.last_wall_ms);
    }
    return E_OK;
}

static enum errc
open_all(struct parts *p, struct err *e)
{
    if (become_daemon(p, e)) return e->code;
    if (open_store(p, e)) return e->code;
    if (poller_open(&p->poller, e)) return e->code;
    if (signals_open(&p->signals, &p->poller, e)) return e->code;
    if (deadlines_open(&p->deadlines, &p->poller, e)) return e->code;
    if (open_sockets(p, e)) return e->code;
    if (open_spawn(p, e)) return e->code;
    make_parts(p);
    if (fsck_init(&p->fsck, &p->poller, e)) return e->code;
    if (zonewatch_open(&p->zonewatch, &p->poller, &p->inputs, p->store, e)) return e->code;
    return reactor_open(&p->reactor, &p->poller, e);
}

static enum errc
boot_engine(struct parts *p, struct err *e)
{
    struct input boot;

    if (make_boot(p, &boot, e) || reactor_boot(&p->reactor, &boot, &p->config, e)) return e->code;
    survivors_begin(&p->survivors, clock_now().boot_ms);
    warnings_log(buf_view(&p->warnings));
    buf_add_view(&p->reload.warnings, buf_view(&p->warnings));
    return E_OK;
}

static void
say_ready(struct parts *p)
{
    daemon_reached_ready(p->config.state_dir);
    (void)printf("ready version=%s run=%s workers=%" PRId64 "\n", AGENTD_VERSION, p->config.run_dir,
                 p->config.workers);
    (void)fflush(stdout);
    log_info("ready", "version=%s pid=%d run=%s state=%s", AGENTD_VERSION, (int)getpid(),
             log_quote(p->config.run_dir), log_quote(p->config.state_dir));
    if (p->options.is_daemonized) daemon_detach(p->log_fd);
}

/* ---- end ----------------------------------------------------------------------------------- */

/* Takes what was never opened, too.  The PID file goes last: nothing of ours is left then. */
static void
close_all(struct parts *p)
{
    (void)alarm(CLOSE_SECONDS); /* closing must not hang, whatever a library thinks */
    reactor_close(&p->reactor);
    if (p->fsck.poller) fsck_done(&p->fsck);
    forecaster_done(&p->forecaster);
    if (p->survivors.poller) survivors_done(&p->survivors);
    turns_done(&p->turns);
    reads_done(&p->reads);
    reload_done(&p->reload);
    shell_ops_done(&p->ops);
    logsweep_done(&p->logsweep);
    if (p->pool) inputs_done(&p->inputs);
    gateway_destroy(&p->gateway);
    pool_destroy(&p->pool);
    control_close(&p->control);
    reports_close(&p->reports);
    doorbell_close(&p->doorbell);
    if (p->zmq) (void)zmq_ctx_term(p->zmq);
    engine_destroy(&p->engine);
    if (p->store) store_close(&p->store);
    evidence_close(&p->evidence);
    if (p->zonewatch.inputs) zonewatch_close(&p->zonewatch, &p->poller);
    if (p->deadlines.wall.on_ready) deadlines_close(&p->deadlines, &p->poller);
    if (p->signals.watch.on_ready) signals_close(&p->signals, &p->poller);
    poller_close(&p->poller);
    daemon_unlock(&p->lock);
    buf_done(&p->warnings);
    config_done(&p->config);
}

static int
run(struct parts *p)
{
    struct err e = {0};

    p->poller.epoll = p->lock.pid_fd = p->lock.state_fd = -1;
    if (open_all(p, &e) || boot_engine(p, &e)) {
        close_all(p);
        return say(&e);
    }
    say_ready(p);
    if (reactor_run(&p->reactor, &e)) {
        log_error("the outcome of a commit is unknown; a restart finds it out", "error=%s",
                  log_quote(e.msg));
        _exit(EXIT_FAILED); /* nothing may be said or written any more (PITFALLS, row 4) */
    }
    log_info("stopped", "uptime_ms=%" PRId64, clock_now().boot_ms - p->ops.started_boot_ms);
    close_all(p);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct parts p;
    struct err          e;

    daemon_clean_environment();
    options_parse(&p.options, argc, argv);
    switch (p.options.act) {
    case ACT_USAGE: return EXIT_USAGE;
    case ACT_HELP: options_print_help(); return 0;
    case ACT_VERSION: (void)puts("agentd " AGENTD_VERSION); return 0;
    default: break;
    }
    log_init("agentd", LOG_LEVEL_INFO);
    if (p.options.act == ACT_FORECAST) return forecaster_main();
    if (config_load(&p.options.sources, &p.config, &p.warnings, &e)) return say(&e);
    if (p.options.act == ACT_CHECK) return print_check(&p);
    return run(&p);
}
