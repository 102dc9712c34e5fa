#include "supervisor/gateway.h"

#include "common/log.h"
#include "proto/codec.h"
#include "supervisor/deaths.h"
#include "supervisor/sockets.h"
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SILENT_MS       10000 /* then it is taken for dead */
#define TERM_TO_KILL_MS 3000  /* of one that is started anew */
#define NOT_STARTED_MS  100   /* before the next try when a process could not be made */
#define EARLY_MAX       256   /* messages kept until it has connected */
#define SEND_HIGH_WATER 65536
#define FILES_SPARE     256 /* descriptors besides its connections */
#define REASON_BYTES    768

enum phase { PHASE_DOWN, PHASE_UP, PHASE_ENDING, PHASE_KILLED, PHASE_COUNT };
static const char *const phase_names[PHASE_COUNT] = {"down", "up", "ending", "killed"};

struct gateway {
    struct gateway_parts parts;
    int                  program; /* -1: it is not there */
    bool                 is_wanted, is_stopping, is_restart_wanted;
    struct gateway_order order; /* its texts are in `texts` */
    struct arena         texts;

    enum phase    phase;
    pid_t         pid;
    int64_t       act_at_boot_ms; /* DOWN: not started before; ENDING: KILL then */
    int64_t       heard_boot_ms;
    struct deaths deaths;
    uint64_t      starts;
    int           words;                /* its standard output: why it ends; -1: it does not run */
    char          reason[REASON_BYTES]; /* why it ended, until one has been heard; "": unknown */

    void        *push;
    struct watch watch; /* until it is connected */
    bool         is_connected;
    struct buf   early[EARLY_MAX];
    size_t       nearly;
};

struct gateway *
gateway_new(const struct gateway_parts *parts)
{
    struct gateway *g = xcalloc(1, sizeof(*g));
    struct err      e;

    g->parts = *parts;
    g->watch.fd = -1;
    g->program = g->words = -1;
    if (spawn_open_program("agent-gateway", "AGENTD_GATEWAY", &g->program, &e)) g->program = -1;
    return g;
}

static void
disconnect(struct gateway *g)
{
    poller_unwatch(g->parts.poller, &g->watch);
    while (g->nearly > 0)
        buf_done(&g->early[--g->nearly]);
    socket_close(&g->push);
    g->is_connected = false;
}

void
gateway_destroy(struct gateway **g)
{
    if (!*g) return;
    disconnect(*g);
    if ((*g)->words >= 0) (void)close((*g)->words);
    if ((*g)->program >= 0) (void)close((*g)->program);
    arena_done(&(*g)->texts);
    free(*g);
    *g = NULL;
}

/* ---- what is wanted ------------------------------------------------------------------------ */

static const struct passwd *
user_of(const struct config *c)
{
    return geteuid() == 0 && c->gateway_user[0] ? getpwnam(c->gateway_user) : NULL;
}

bool
gateway_group(const struct config *c, gid_t *out)
{
    const struct passwd *user = c->gateway_is_enabled ? user_of(c) : NULL;

    if (user) *out = user->pw_gid;
    return user != NULL;
}

static bool
is_same_order(const struct gateway_order *a, const struct gateway_order *b)
{
    return strcmp(a->listen, b->listen) == 0 && strcmp(a->hosts, b->hosts) == 0 &&
           strcmp(a->origins, b->origins) == 0 && strcmp(a->page, b->page) == 0 &&
           a->connections_max == b->connections_max && a->has_user == b->has_user &&
           a->uid == b->uid && a->gid == b->gid && a->socket_group == b->socket_group;
}

static const char *
keep(struct gateway *g, const char *text)
{
    return arena_printf(&g->texts, "%s", text);
}

/* The texts of a configuration go with it. */
static void
keep_order(struct gateway *g, const struct gateway_order *o)
{
    arena_reset(&g->texts);
    g->order = *o;
    g->order.listen = keep(g, o->listen);
    g->order.hosts = keep(g, o->hosts);
    g->order.origins = keep(g, o->origins);
    g->order.page = keep(g, o->page);
    g->order.log_level = keep(g, o->log_level);
}

/* What no restart would mend: a gateway that works is better than one with this order. */
static bool
is_possible(const struct config *c, const struct passwd *user, bool runs, struct buf *warnings)
{
    const char *what = runs ? "stays as it was" : "does not run";
    struct stat st;

    if (!user && geteuid() == 0) { /* as root it would be too much */
        buf_printf(warnings, "gateway.user: there is no user \"%s\": the gateway %s\n",
                   c->gateway_user, what);
        return false;
    }
    if (c->gateway_page[0] && (stat(c->gateway_page, &st) != 0 || !S_ISDIR(st.st_mode))) {
        buf_printf(warnings, "gateway.page: there is no folder %s: the gateway %s\n",
                   c->gateway_page, what);
        return false;
    }
    return true;
}

/* Of a gateway that stays as it is. */
static void
read_page_again(struct gateway *g)
{
    const struct msg_gateway_page m = {0};
    BUF_AUTO struct buf           packed = {0};

    worker_pack(MSG_GATEWAY_PAGE, &m, &packed);
    gateway_send(g, buf_view(&packed), false);
}

void
gateway_set(struct gateway *g, const struct config *c, gid_t socket_group, struct buf *warnings)
{
    const struct passwd *user = user_of(c);
    struct gateway_order o = {.program = g->program,
                              .listen = c->gateway_listen,
                              .hosts = c->gateway_hosts,
                              .origins = c->gateway_origins,
                              .page = c->gateway_page,
                              .log_level = c->log_level,
                              .connections_max = c->gateway_connections_max,
                              .files_max = (uint64_t)c->gateway_connections_max + FILES_SPARE,
                              .socket_group = socket_group};

    if (c->gateway_is_enabled && !is_possible(c, user, g->is_wanted, warnings)) return;
    g->is_wanted = c->gateway_is_enabled;
    if (user) {
        o.has_user = true;
        o.uid = user->pw_uid;
        o.gid = user->pw_gid;
    }
    g->is_restart_wanted =
        g->is_restart_wanted || (g->phase == PHASE_UP && !is_same_order(&g->order, &o));
    keep_order(g, &o);
    if (g->phase == PHASE_UP && !g->is_restart_wanted) read_page_again(g);
    if (g->phase != PHASE_DOWN) return;
    deaths_forget(&g->deaths);
    g->act_at_boot_ms = 0;
}

/* ---- start --------------------------------------------------------------------------------- */

static void
flush(struct gateway *g)
{
    for (size_t i = 0; i < g->nearly; i++) {
        (void)zmq_send(g->push, g->early[i].data, g->early[i].size, ZMQ_DONTWAIT); /* all fit */
        buf_done(&g->early[i]);
    }
    g->nearly = 0;
}

static void
look_whether_connected(void *arg)
{
    struct gateway *g = arg;

    if (!socket_can_send(g->push)) return;
    g->is_connected = true;
    poller_unwatch(g->parts.poller, &g->watch);
    flush(g);
}

/* Bound for the process that has just been made: it connects when this is there. */
static enum errc
bind_socket(struct gateway *g, struct err *e)
{
    FREE_AUTO char          *path = xasprintf("%s/gateway.sock", g->parts.setup->run_dir);
    const struct socket_spec spec = {.type = ZMQ_PUSH,
                                     .path = path,
                                     .group = g->order.has_user ? g->order.gid : NO_GROUP,
                                     .send_high_water = SEND_HIGH_WATER,
                                     .message_bytes_max = WORKER_MESSAGE_MAX,
                                     .only = g->pid};

    if (socket_bind(g->parts.zmq, &spec, &g->push, e)) return e->code;
    return poller_watch(g->parts.poller, &g->watch, socket_fd(g->push), look_whether_connected, g,
                        e);
}

static void
kill_process(struct gateway *g, const char *reason)
{
    log_warn("gateway killed", "pid=%d reason=%s", (int)g->pid, log_quote(reason));
    (void)snprintf(g->reason, sizeof(g->reason), "%s", reason); /* cut to fit */
    (void)kill(g->pid, SIGKILL); /* it is our child and not reaped: the pid is its own */
    g->phase = PHASE_KILLED;
}

static void
start(struct gateway *g, int64_t boot_ms)
{
    struct err e;

    if (spawn_gateway(g->parts.setup, &g->order, &g->pid, &g->words, &e)) {
        g->act_at_boot_ms = deaths_note(&g->deaths, boot_ms + NOT_STARTED_MS);
        (void)snprintf(g->reason, sizeof(g->reason), "%s", e.msg); /* cut to fit */
        log_error("gateway not started", "error=%s", log_quote(e.msg));
        return;
    }
    g->phase = PHASE_UP;
    g->heard_boot_ms = boot_ms;
    g->is_restart_wanted = false;
    g->starts++;
    pool_keep(g->parts.pool, KEPT_GATEWAY, g->pid);
    g->parts.peers->gateway = g->pid;
    g->parts.peers->gateway_uid = g->order.has_user ? g->order.uid : geteuid();
    log_info("gateway started", "pid=%d listen=%s", (int)g->pid, log_quote(g->order.listen));
    if (bind_socket(g, &e)) kill_process(g, e.msg);
}

/* ---- end ----------------------------------------------------------------------------------- */

static void
terminate(struct gateway *g, int64_t kill_boot_ms)
{
    (void)kill(g->pid, SIGTERM);
    g->phase = PHASE_ENDING;
    g->act_at_boot_ms = kill_boot_ms;
}

/* Its last words, which may be anything, else ours. */
static void
take_reason(struct gateway *g, const siginfo_t *how, bool is_planned)
{
    char    words[REASON_BYTES / 2];
    ssize_t size = read(g->words, words, sizeof(words));

    (void)close(g->words);
    g->words = -1;
    if (is_planned) {
        g->reason[0] = '\0';
    } else if (size > 0) {
        (void)printable(view_of(words, (size_t)size), g->reason, sizeof(g->reason));
    } else if (g->phase != PHASE_KILLED) { /* then the reason is known */
        (void)snprintf(g->reason, sizeof(g->reason), "%s %d", death_word(how), how->si_status);
    }
}

static void
on_end(struct gateway *g, const siginfo_t *how, int64_t boot_ms)
{
    const struct input gone = {.kind = INPUT_GATEWAY_GONE};
    bool               is_planned = g->phase == PHASE_ENDING || g->is_stopping;

    take_reason(g, how, is_planned);
    log_at(is_planned ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "gateway ended",
           "pid=%d %s=%d phase=%s reason=%s", (int)g->pid, death_word(how), how->si_status,
           phase_names[g->phase], log_quote(g->reason));
    pool_keep(g->parts.pool, KEPT_GATEWAY, 0);
    g->parts.peers->gateway = 0;
    g->phase = PHASE_DOWN;
    g->act_at_boot_ms = is_planned ? boot_ms : deaths_note(&g->deaths, boot_ms);
    disconnect(g);
    inputs_push(g->parts.inputs, &gone);
}

/* ---- time ---------------------------------------------------------------------------------- */

static bool
is_to_run(const struct gateway *g)
{
    return g->is_wanted && !g->is_stopping && g->program >= 0;
}

static void
step(struct gateway *g, int64_t boot_ms)
{
    switch (g->phase) {
    case PHASE_DOWN:
        if (is_to_run(g) && boot_ms >= g->act_at_boot_ms) start(g, boot_ms);
        break;
    case PHASE_UP:
        if (!is_to_run(g) || g->is_restart_wanted) {
            terminate(g, boot_ms + TERM_TO_KILL_MS);
        } else if (boot_ms >= g->heard_boot_ms + SILENT_MS) {
            kill_process(g, "it is silent");
        }
        break;
    case PHASE_ENDING:
        if (boot_ms >= g->act_at_boot_ms) kill_process(g, "it does not end");
        break;
    default: break;
    }
}

void
gateway_on_time(struct gateway *g, int64_t boot_ms, int64_t stall_ms)
{
    siginfo_t how;

    if (g->parts.peers->is_heard || stall_ms > SILENT_MS / 2) g->heard_boot_ms = boot_ms;
    if (g->parts.peers->is_heard && g->phase == PHASE_UP) g->reason[0] = '\0';
    g->parts.peers->is_heard = false;
    if (pool_kept_ended(g->parts.pool, KEPT_GATEWAY, &how)) on_end(g, &how, boot_ms);
    deaths_say(&g->deaths, "gateway", boot_ms);
    step(g, boot_ms);
}

int64_t
gateway_deadline(const struct gateway *g)
{
    int64_t first = deaths_deadline(&g->deaths), at = INT64_MAX;

    if (g->phase == PHASE_DOWN && is_to_run(g)) at = g->act_at_boot_ms;
    if (g->phase == PHASE_UP) at = g->heard_boot_ms + SILENT_MS;
    if (g->phase == PHASE_ENDING) at = g->act_at_boot_ms;
    return at < first ? at : first;
}

/* ---- messages ------------------------------------------------------------------------------ */

void
gateway_send(struct gateway *g, struct view message, bool may_drop)
{
    if (g->phase != PHASE_UP || !g->push) return; /* its end settles what it had */
    if (!g->is_connected) look_whether_connected(g);
    if (!g->is_connected && g->nearly < EARLY_MAX) {
        buf_add_view(&g->early[g->nearly++], message);
        return;
    }
    if (g->is_connected && socket_can_send(g->push) &&
        zmq_send(g->push, message.data, message.size, ZMQ_DONTWAIT) >= 0) {
        return;
    }
    if (!may_drop) kill_process(g, "it takes no messages");
}

/* ---- stop and status ----------------------------------------------------------------------- */

void
gateway_stop(struct gateway *g, int64_t kill_boot_ms)
{
    g->is_stopping = true;
    if (g->phase == PHASE_UP) terminate(g, kill_boot_ms);
}

bool
gateway_is_down(const struct gateway *g)
{
    return g->phase == PHASE_DOWN;
}

void
gateway_status(const struct gateway *g, int64_t boot_ms, struct buf *out)
{
    struct mp_open_map map = mp_open(out);

    mp_put_bool(out, &map, "enabled", g->is_wanted);
    mp_put_cstr(out, &map, "state", phase_names[g->phase]);
    mp_put_time(out, &map, "pid", g->phase == PHASE_DOWN ? 0 : g->pid); /* nil for none */
    mp_put_cstr(out, &map, "listen", g->is_wanted ? g->order.listen : NULL);
    mp_put_u64(out, &map, "started", g->starts);
    mp_put_u64(out, &map, "died", g->deaths.count);
    mp_put_bool(out, &map, "degraded", deaths_are_too_many(&g->deaths, boot_ms));
    mp_put_cstr(out, &map, "reason", g->reason[0] ? g->reason : NULL);
    mp_close(out, &map);
}

void
gateway_warn(const struct gateway *g, int64_t boot_ms, struct buf *lines)
{
    if (g->is_wanted && g->program < 0) {
        buf_add_str(lines, "there is no agent-gateway beside agentd: the gateway does not run\n");
    }
    if (!g->is_wanted || !g->reason[0]) return;
    bool are_too_many = deaths_are_too_many(&g->deaths, boot_ms);
    buf_printf(lines, "the gateway does not stay up: %s; %s\n", g->reason,
               are_too_many ? "a reload starts it again at once, else it is tried within a minute"
                            : "it is started again");
}
