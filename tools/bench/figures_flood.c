#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define RATE    2000 /* of the flood, a second */
#define PACE_NS 10000000
#define SESSION "flooded"
#define COMPANY "c1" /* of the jobs that are measured; the flood's is the default one */

static void
sleep_until(int64_t ns)
{
    const struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL); /* too soon is no harm */
}

/* ---- the flood: a process of its own, so that it does not hold back who measures ------------- */

static const struct flood {
    const char *name, *what;
    unsigned    sessions; /* 0: jobs without one */
    bool        is_http;
    bool        is_limit; /* no flood: a program that has nothing to do with agentd */
} floods[] = {
    {"quiet",    "nothing else",              0,   false, false},
    {"commits",  "2,000/s commits elsewhere", 0,   false, true },
    {"session",  "2,000/s to one session",    1,   false, false},
    {"sessions", "2,000/s to 200 sessions",   200, false, false},
    {"jobs",     "2,000/s jobs",              0,   false, false},
    {"http",     "2,000/s to one, by HTTP",   1,   true,  false},
};

static const struct flood *
flood_named(const char *name)
{
    const struct flood *f = floods;

    while (strcmp(f->name, name) != 0)
        f++;
    return f;
}

static void
send_one(struct client *c, const struct flood *f, unsigned number)
{
    struct msg_session_send m = {.content = view_str("hello")};
    struct buf body         BUF_AUTO = {0};
    char                    key[32];

    if (f->sessions == 0) {
        client_send(c, MSG_JOB_SUBMIT, submit_body("noop", 0));
        return;
    }
    snprintf(key, sizeof(key), SESSION "%u", number % f->sessions);
    m.key = view_str(key);
    SET_HAS(&m, session_send, key);
    SET_HAS(&m, session_send, content);
    msg_pack(msg_desc(MSG_SESSION_SEND), &m, &body);
    client_send(c, MSG_SESSION_SEND, buf_view(&body));
}

/* The answers are read as they come. */
static void
send_flood(struct client *c, const struct flood *f, unsigned n)
{
    unsigned got = 0;
    int64_t  started = now_ns();

    for (unsigned sent = 0; sent < n; sent++) {
        sleep_until(started + (int64_t)sent * (1000000000 / RATE));
        send_one(c, f, sent);
        for (; client_has_reply(c); got++)
            (void)client_receive(c);
    }
    for (; got < n; got++)
        (void)client_receive(c);
}

static void
post_flood(struct http *h, unsigned n)
{
    int64_t started = now_ns();

    for (unsigned sent = 0; sent < n; sent++) {
        sleep_until(started + (int64_t)sent * (1000000000 / RATE));
        http_post(h, "/v1/sessions/" SESSION "0/messages", "{\"content\":\"hello\"}");
    }
}

/* What the disk and the CPU give when somebody else commits as many pages, to an LMDB of its own.
 */
#define OTHER_ROWS   10000
#define OTHER_CHANGE 9 /* rows in a commit, each in another leaf: 20 pages with the branches */

static void
commit_elsewhere(const char *dir, unsigned n)
{
    struct options    o = {0};
    struct lmdb_rows *l;
    int64_t           started;

    snprintf(o.dir, sizeof(o.dir), "%s", dir);
    l = limit_lmdb_rows_open(&o, OTHER_ROWS);
    started = now_ns();
    for (unsigned k = 0; k < n && now_ns() - started < (int64_t)n * (1000000000 / RATE); k++) {
        sleep_until(started + (int64_t)k * (1000000000 / RATE));
        (void)limit_lmdb_rewrite(l, OTHER_CHANGE);
    }
    limit_lmdb_rows_close(l);
}

int
flood_run(const char *dir, const char *name, unsigned n, int port)
{
    const struct flood *f = flood_named(name);
    struct process      p = {0};
    struct client       c;
    struct http        *h;

    snprintf(p.dir, sizeof(p.dir), "%s", dir);
    if (f->is_limit) {
        commit_elsewhere(dir, n);
    } else if (f->is_http) {
        h = http_open(port);
        post_flood(h, n);
        http_close(&h);
    } else {
        client_open(&c, &p);
        send_flood(&c, f, n);
        client_close(&c);
    }
    return 0;
}

static pid_t
start_flood(const struct process *p, const struct flood *f, unsigned n)
{
    char  count[16], port[16];
    char *argv[] = {"/proc/self/exe", "flood", (char *)p->dir, (char *)f->name, count, port, NULL};
    pid_t pid;

    snprintf(count, sizeof(count), "%u", n);
    snprintf(port, sizeof(port), "%d", p->port);
    pid = fork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

/* ---- what is measured: jobs of another company at a steady pace ------------------------------ */

static struct view
paced_body(void)
{
    static struct buf     body;
    struct msg_job_submit m = {.handler = view_str("default/" HANDLER_ANSWERS),
                               .company = view_str(COMPANY)};

    SET_HAS(&m, job_submit, handler);
    SET_HAS(&m, job_submit, company);
    buf_clear(&body);
    msg_pack(msg_desc(MSG_JOB_SUBMIT), &m, &body);
    return buf_view(&body);
}

/* When its handler had the job. */
static int64_t
handler_read_ns(struct client *c, uint64_t id)
{
    struct msg_job_wait wait = {.id = id, .wait_ms = 25000};
    struct buf packed   BUF_AUTO = {0};
    struct view         output;
    int64_t             ns = 0;

    SET_HAS(&wait, job_wait, wait_ms);
    msg_pack(msg_desc(MSG_JOB_WAIT), &wait, &packed);
    if (!mp_find(client_ask(c, MSG_JOB_WAIT, buf_view(&packed)), "output", &output) ||
        !mp_find_i64(output, "read_ns", &ns)) {
        fprintf(stderr, "bench: a job was not read\n");
        exit(1);
    }
    return ns;
}

struct sample {
    uint64_t id;
    int64_t  sent_ns, answered_ns;
};

/* At a place of its interval that differs from one to the next: the flood has a beat, too. */
static int64_t
due_ns(int64_t started, unsigned k)
{
    return started + (int64_t)k * PACE_NS + (int64_t)(k * 2654435761u % PACE_NS);
}

static void
submit_paced(struct client *c, struct sample *samples, unsigned n)
{
    int64_t started = now_ns();

    for (unsigned k = 0; k < n; k++) {
        struct sample *s = &samples[k];
        int64_t        due = due_ns(started, k), id = 0, now = now_ns();

        sleep_until(due);
        s->sent_ns = now > due ? due : now_ns(); /* one that had to wait waits from its time on */
        (void)mp_find_i64(client_ask(c, MSG_JOB_SUBMIT, paced_body()), "id", &id);
        s->answered_ns = now_ns();
        s->id = (uint64_t)id;
    }
}

struct delays {
    struct figure answer50, answer99, start50, start99, commits, pages, cpu, backlog;
};

/* n paced jobs beside f, and what agentd did meanwhile.  All is done when it returns. */
static void
measure(const struct process *p, const struct flood *f, unsigned n, struct delays *d)
{
    struct sample *samples = xcalloc(n, sizeof(*samples));
    double        *us = xcalloc(n, sizeof(*us));
    double         seconds = (double)n * PACE_NS / 1e9;
    unsigned       floods_n = f == floods ? 0 : (unsigned)(seconds * RATE);
    unsigned       jobs = f->is_limit ? 0 : floods_n; /* of agentd's */
    uint64_t       before, commits;
    struct usage   was, is;
    struct client  c;
    pid_t          pid = -1;

    client_open(&c, p);
    before = load_completed(&c);
    commits = load_commits(p);
    was = process_usage(p->pid);
    if (floods_n) pid = start_flood(p, f, floods_n);
    submit_paced(&c, samples, n);
    is = process_usage(p->pid);
    commits = load_commits(p) - commits;
    figure_add(&d->commits, (double)commits / seconds);
    figure_add(&d->pages, (double)(is.written_bytes - was.written_bytes) / 4096 / (double)commits);
    figure_add(&d->cpu, (is.cpu_s - was.cpu_s) * 100 / seconds);
    figure_add(&d->backlog, (double)(before + jobs + n - load_completed(&c)));
    if (pid > 0) (void)waitpid(pid, NULL, 0);
    load_await(&c, before + jobs + n);
    for (unsigned k = 0; k < n; k++)
        us[k] = (double)(samples[k].answered_ns - samples[k].sent_ns) / 1e3;
    figure_add(&d->answer50, percentile(us, n, 50));
    figure_add(&d->answer99, percentile(us, n, 99));
    for (unsigned k = 0; k < n; k++)
        us[k] = (double)(handler_read_ns(&c, samples[k].id) - samples[k].sent_ns) / 1e3;
    figure_add(&d->start50, percentile(us, n, 50));
    figure_add(&d->start99, percentile(us, n, 99));
    client_close(&c);
    free(samples);
    free(us);
}

/* all: those of `floods`; each is shown beside the two that are none. */
static void
report(const struct flood *f, const struct delays *all)
{
    const struct delays *d = &all[f - floods], *quiet = &all[0], *limit = &all[1];
    const struct other   start50[] = {
          {"nothing else",      &quiet->start50},
          {"commits elsewhere", &limit->start50},
    };
    const struct other start99[] = {
        {"nothing else",      &quiet->start99},
        {"commits elsewhere", &limit->start99},
    };
    const unsigned count =
        (unsigned)(f - floods) < ARRAY_LEN(start50) ? (unsigned)(f - floods) : ARRAY_LEN(start50);
    char what[64];

    snprintf(what, sizeof(what), "start delay beside %s, p50", f->what);
    report_row("F2", what, "us", &d->start50, start50, count);
    snprintf(what, sizeof(what), "start delay beside %s, p99", f->what);
    report_row("F2", what, "us", &d->start99, start99, count);
    report_row("", "submitted -> answered, p50", "us", &d->answer50, NULL, 0);
    report_row("", "submitted -> answered, p99", "us", &d->answer99, NULL, 0);
    report_row("", "commits", "/s", &d->commits, NULL, 0);
    report_row("", "written in each", "pages", &d->pages, NULL, 0);
    report_row("", "CPU of agentd", "%", &d->cpu, NULL, 0);
    report_row("", "unfinished at the end", "events and jobs", &d->backlog, NULL, 0);
}

/* From the request to the handler that has read its job. */
void
flood_figures(const struct options *o)
{
    struct delays  delays[ARRAY_LEN(floods)] = {0};
    struct process p = {0};
    struct client  c;
    unsigned       n = o->quick ? 300 : 1000;

    process_start_with_gateway(&p, o, 2, 8);
    client_open(&c, &p);
    http_add_token(&c);
    client_close(&c);
    for (int i = 0; i < o->runs; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(floods); k++)
            measure(&p, &floods[k], n, &delays[k]);
    }
    process_stop(&p);
    for (unsigned k = 0; k < ARRAY_LEN(floods); k++)
        report(&floods[k], delays);
}
