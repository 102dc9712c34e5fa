/* torture - the real programs under kill -9.
 *
 *     torture --build build --kills 50 [--seed S] [--schedules N]
 *
 * Clients use agentd while it, its workers, its gateway and its handlers are killed at random
 * times. They submit jobs, make goals and tickets, and speak in sessions, in order, one event after
 * the other; in some of these persons read and speak by WebSocket.  What is sent goes to a file, a
 * command, a web server, which nobody kills, and those persons; each writes down what it was given.
 * Sessions are closed and opened meanwhile, events that were given up are tried again or sent
 * again, and so are messages to the command; in half of the runs a session is held by what was
 * given up.  Then everything comes to its end, and what is there is compared with what was
 * promised. The seed makes the same choices again; when they take effect the machine decides. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/firings.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/killer.h"
#include "tests/torture/operator.h"
#include "tests/torture/sessions.h"
#include "tests/torture/webserver.h"
#include "tests/torture/websocket.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PROGRESS_EVERY 10
#define LOAD_END_MS    60000
#define DRAIN_MS       120000
#define DRAIN_LOOK_MS  100
#define SOON_MS        1800000
#define AFTER_STOP_MS  2000
#define CALL_MS        5000

struct options {
    const char *build;
    unsigned    kills, schedules;
    uint64_t    seed;
};

static bool
parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){"build", 50, 24, (uint64_t)time(NULL)};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return false;
        if (strcmp(argv[i], "--build") == 0) {
            o->build = argv[i + 1];
        } else if (strcmp(argv[i], "--kills") == 0) {
            o->kills = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--schedules") == 0) {
            o->schedules = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            o->seed = strtoull(argv[i + 1], NULL, 10);
        } else {
            return false;
        }
    }
    return true;
}

/* What agentd is started with. */
static void
configure(const struct rig *r, const struct webserver *web, struct ports *p)
{
    *p = (struct ports){.web = web->port, .gateway = rig_free_port()};
    if (config_write(r->folder, p)) return;
    perror("torture: configuration");
    exit(2);
}

static void
prepare(struct rig *r)
{
    struct link l;

    rig_wait_ready(r);
    link_open(&l, r->run);
    operator_prepare(&l);
    sessions_prepare(&l);
    operator_must(&l, MSG_TOKEN_ADD,
                  "{\"name\":\"person\",\"hash\":\"" TOKEN_HASH
                  "\",\"role\":\"submit\",\"company\":\"" TALK "\"}",
                  "token");
    link_close(&l);
}

/* ---- the killing ----------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
print_recovery(struct rig *r)
{
    if (r->readies == 0) return;
    qsort(r->ready_ms, r->readies, sizeof(*r->ready_ms), compare);
    (void)printf("  ready after a start: min %" PRId64 " ms, median %" PRId64 " ms, max %" PRId64
                 " ms (%zu of %zu starts came so far)\n",
                 r->ready_ms[0], r->ready_ms[r->readies / 2], r->ready_ms[r->readies - 1],
                 r->readies, r->starts);
}

static void
print_progress(const struct killer *k, const struct load *l, int64_t began_ms)
{
    (void)printf("%4u kills, %3u stops, %4" PRId64 " s: %lu requests, %lu jobs acknowledged, %lu "
                 "outcomes unknown\n",
                 k->kills, k->terms, (rig_now_ms() - began_ms) / 1000,
                 atomic_load(&l->shared->requests), atomic_load(&l->shared->acknowledged),
                 atomic_load(&l->shared->unknown));
    (void)fflush(stdout);
}

/* Ends the clients, or the persons. */
static void
end_load(struct rig *r, struct load *l, atomic_bool *end)
{
    int64_t end_ms = rig_now_ms() + LOAD_END_MS;

    atomic_store(end, true);
    while (!load_is_over(l) && rig_now_ms() < end_ms)
        rig_step(r);
    if (!load_is_over(l)) breaks_add(BREAK_DRAIN, "clients got no answer in %d ms", LOAD_END_MS);
    if (l->failed) breaks_add(BREAK_ANSWER, "%u clients failed", l->failed);
    load_kill(l);
}

static void
kill_all_the_time(struct killer *k, struct load *l, unsigned kills)
{
    int64_t began_ms = rig_now_ms();

    for (unsigned shown = 0; k->kills < kills;) {
        killer_round(k);
        if (k->kills / PROGRESS_EVERY == shown) continue;
        shown = k->kills / PROGRESS_EVERY;
        print_progress(k, l, began_ms);
    }
    killer_done(k);
}

/* Behind a planned end nothing is held back for a crash loop. */
static void
begin_calmly(struct rig *r)
{
    rig_stop(r);
    rig_start(r);
    rig_wait_ready(r);
}

/* ---- the end of everything ------------------------------------------------------------------- */

/* One that is paused for a while would go on by itself; jobs that a pause holds start in between.
 */
static void
pause_schedules(struct link *l)
{
    char body[64];

    for (unsigned i = 0; i < schedules_count; i++) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", schedules[i].name); /* fits */
        if ((link_ask(l, MSG_SCHEDULE_RESUME, body, NULL, CALL_MS) != ANSWER_YES &&
             l->error.code != E_WRONG_STATE) ||
            link_ask(l, MSG_SCHEDULE_PAUSE, body, NULL, CALL_MS) != ANSWER_YES) {
            breaks_add(BREAK_DRAIN, "pause of %s: %s", schedules[i].name, l->error.msg);
        }
    }
}

static bool
is_list_empty(struct link *l, enum msg_id op, const char *body)
{
    struct view items;
    uint32_t    count = 1;

    if (link_ask(l, op, body, NULL, CALL_MS) != ANSWER_YES) return false;
    if (!mp_find(buf_view(&l->body), "items", &items)) return false;
    struct mp_reader r = mp_reader_of(items);
    return mp_read_array(&r, &count) && count == 0;
}

/* Counts scheduled jobs that come soon; late ones are to wait. */
static void
count_soon(struct view item, void *arg)
{
    int64_t run_at = 0;

    (void)mp_find_i64(item, "run_at", &run_at); /* without one it counts */
    *(unsigned *)arg += run_at < clock_now().wall_ms + SOON_MS;
}

static bool
are_jobs_drained(struct link *l)
{
    int64_t  ready = -1, running = -1;
    unsigned soon = 0;

    if (link_ask(l, MSG_JOB_STATS, "{}", NULL, CALL_MS) != ANSWER_YES) return false;
    (void)mp_find_i64(buf_view(&l->body), "ready", &ready); /* without it it is not drained */
    (void)mp_find_i64(buf_view(&l->body), "running", &running);
    if (ready != 0 || running != 0) return false;
    fetch_pages(l, MSG_JOB_LIST, "\"state\":\"scheduled\"", count_soon, &soon);
    return soon == 0;
}

/* What may have come to a sink that may not get it twice is not sent again: it stays unknown. */
static void
count_unknown(struct view item, void *arg)
{
    struct view sink = text_of(item, "sink");

    *(unsigned *)arg += !view_is(sink, SHOUT) && !view_is(sink, HOOK);
}

static bool
is_drained(struct link *l)
{
    unsigned unknown = 0;

    fetch_pages(l, MSG_EFFECT_LIST, "\"status\":\"unknown\"", count_unknown, &unknown);
    return unknown == 0 && are_jobs_drained(l) && sessions_are_drained(l) && are_jobs_drained(l) &&
           is_list_empty(l, MSG_EFFECT_LIST, "{\"status\":\"pending\",\"limit\":1}") &&
           is_list_empty(l, MSG_EFFECT_LIST, "{\"status\":\"attempting\",\"limit\":1}");
}

static void
drain(struct rig *r, struct link *l, const atomic_uint *unsettled)
{
    int64_t end_ms = rig_now_ms() + DRAIN_MS;

    while (atomic_load(unsettled) > 0 || !is_drained(l)) {
        int64_t look_ms = rig_now_ms() + DRAIN_LOOK_MS;

        if (rig_now_ms() >= end_ms) {
            breaks_add(BREAK_DRAIN, "jobs or effects are under way after %d ms", DRAIN_MS);
            return;
        }
        pause_schedules(l);
        sessions_release(l);
        while (rig_now_ms() < look_ms)
            rig_step(r);
    }
}

static void
judge(struct model *m, struct link *l)
{
    model_read(m);
    judge_persons(m);
    sessions_fetch(m, l);
    model_fetch(m, l);
    firings_fetch(m, l);
    judge_feed(m, l);
    judge_schedules(m, l);
    judge_effects(m, l);
    judge_webhooks(m, l);
    judge_gateway(m, l);
    judge_shouts(m, l);
    judge_approvals(m, l);
    judge_chains(m);
    judge_keys(m);
    judge_jobs(m);
    judge_sessions(m, l);
    judge_deeds(m);
    judge_work(m, l);
    judge_budgets(m, l);
    judge_fsck(l);
}

static void
stop_and_look(struct rig *r, const struct killer *k)
{
    rig_stop(r);
    int64_t end_ms = rig_now_ms() + AFTER_STOP_MS;
    while (rig_now_ms() < end_ms)
        rig_reap(r);
    rig_check_nothing_left(r);
    judge_log(r->folder, k);
}

/* ---- the run --------------------------------------------------------------------------------- */

static struct shared *
share(void)
{
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);

    if (p == MAP_FAILED) {
        perror("torture: mmap");
        exit(2);
    }
    return p;
}

static void
print_ends(const struct model *m)
{
    unsigned ends[END_EXPIRED + 1] = {0};

    for (uint64_t id = 1; id <= m->last; id++)
        ends[m->jobs[id].end]++;
    (void)printf("  %" PRIu64
                 " jobs: %u completed, %u failed, %u cancelled, %u expired, %u waiting\n",
                 m->last, ends[END_COMPLETED], ends[END_FAILED], ends[END_CANCELLED],
                 ends[END_EXPIRED], ends[END_SCHEDULED]);
    (void)printf("  firings: %" PRIu64 " fired, %" PRIu64 " missed, %" PRIu64
                 " suppressed; %" PRIu64 " effects; %" PRIu64 " events\n",
                 m->fired, m->missed, m->suppressed, m->effects, m->events);
    (void)printf("  %" PRIu64 " messages to a command, %" PRIu64 " of unknown outcome, %" PRIu64
                 " not sent; %" PRIu64 " times one was sent again\n",
                 m->shouts, m->unknown_shouts, m->failed_shouts, m->resends);
    (void)printf("  to a web server %" PRIu64 ", %" PRIu64 " of unknown outcome, and %" PRIu64
                 " that may come twice, %" PRIu64 " did\n",
                 m->hooks, m->unknown_hooks, m->posts, m->repeated_posts);
    (void)printf("  %" PRIu64 " messages read at the gateway, %" PRIu64 " times again; %" PRIu64
                 " connections\n",
                 m->read, m->reread, m->visits);
    (void)printf("  %" PRIu64 " events of %d sessions, %" PRIu64 " of them given up, %" PRIu64
                 " void, %" PRIu64 " sent again, %" PRIu64 " times tried again; %" PRIu64
                 " closes\n",
                 m->said, SESSIONS, m->dead, m->voids, m->copies, m->retries, m->closes);
    (void)printf("  %" PRIu64 " jobs stopped by the operator; %" PRIu64
                 " openings of a breaker; %" PRIu64 " changes of the configuration\n",
                 m->stopped, m->openings, m->reloads);
    (void)printf("  %u schedules; %" PRIu64 " firings by hand acknowledged; %" PRIu64
                 " alerts; %" PRIu64 " nominal times gone with a change of the step\n",
                 schedules_count, m->by_hand, m->alerts, m->dropped);
}

static void
print_summary(struct rig *r, const struct killer *k, const struct load *l, const struct model *m)
{
    (void)printf("\n  %u kills of agentd (%u before it was ready), %u planned stops; killed: %u "
                 "workers, %u handlers, %u gateways; stopped: %u workers\n",
                 k->kills, k->early_kills, k->terms, k->workers_killed, k->handlers_killed,
                 k->gateways_killed, k->workers_stopped);
    (void)printf("  %lu requests, %lu jobs acknowledged, %lu outcomes unknown, %lu times fsck\n",
                 atomic_load(&l->shared->requests), atomic_load(&l->shared->acknowledged),
                 atomic_load(&l->shared->unknown), atomic_load(&l->shared->fscks));
    print_ends(m);
    print_recovery(r);
    lives_print(&r->lives);
    breaks_print();
}

static void
run(const struct options *o, struct rig *r)
{
    struct webserver web;
    struct load l = {.folder = r->folder, .run_folder = r->run, .seed = o->seed, .shared = share()};
    struct model  m;
    struct killer k;
    struct link   link;

    webserver_start(&web, r->folder, o->seed);
    configure(r, &web, &l.ports);
    model_init(&m, r->folder);
    m.lives = &r->lives;
    r->on_end = load_on_end;
    r->on_end_arg = &l;
    killer_init(&k, r, o->seed, &l.shared->burst);
    rig_start(r);
    prepare(r);
    load_start(&l);
    kill_all_the_time(&k, &l, o->kills);
    rig_wait_ready(r);
    end_load(r, &l, &l.shared->stop);
    begin_calmly(r);
    link_open(&link, r->run);
    pause_schedules(&link);
    drain(r, &link, &l.shared->unsettled);
    end_load(r, &l, &l.shared->leave);
    rig_check_nothing_left(r); /* an attempt ends only when its whole tree is gone */
    judge(&m, &link);
    link_close(&link);
    stop_and_look(r, &k);
    webserver_stop(&web);
    print_summary(r, &k, &l, &m);
    killer_free(&k);
    model_done(&m);
}

int
main(int argc, char **argv)
{
    struct options o;
    struct rig     r;

    if (!parse(&o, argc, argv)) {
        (void)fprintf(stderr, "usage: torture [--build FOLDER] [--kills N] [--seed S] "
                              "[--schedules N]\n");
        return 2;
    }
    schedules_make(o.schedules, o.seed);
    sessions_hold = o.seed % 2 == 0;
    (void)printf("torture: seed %" PRIu64 ", %u kills, %u schedules\n", o.seed, o.kills,
                 schedules_count);
    rig_make(&r, o.build);
    breaks_open(r.folder);
    (void)printf("torture: folder %s\n", r.folder);
    (void)fflush(stdout);
    run(&o, &r);
    (void)printf(breaks_any() ? "torture: FAILED, see %s; again with --seed %" PRIu64 "\n"
                              : "torture: no break (%s, seed %" PRIu64 ")\n",
                 r.folder, o.seed);
    rig_remove(&r, breaks_any());
    return breaks_any();
}
