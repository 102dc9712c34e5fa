#include "tools/bench/bench.h"

#include "common/mp.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SILENT_MS 60000

/* ---- persistent handlers --------------------------------------------------------------------- */

/* n jobs of a handler that is kept, beside what they take from agentd and its workers, us a job. */
static double
persistent_cycle(const struct process *p, unsigned n, struct figure *cpu, struct figure *worker)
{
    double cpu_s = process_usage(p->pid).cpu_s;
    double worker_s = process_usage(process_child(p->pid)).cpu_s;
    double rate = load_cycle(p, n, HANDLER_ANSWERS);

    figure_add(cpu, (process_usage(p->pid).cpu_s - cpu_s) * 1e6 / n);
    worker_s = process_usage(process_child(p->pid)).cpu_s - worker_s;
    figure_add(worker, 2 * worker_s * 1e6 / n); /* each has half of the jobs */
    return rate;
}

/* P9: the first jobs wait for their processes, the others find them. */
void
persistent_figure(const struct options *o)
{
    struct figure a = {0}, noop = {0}, exec = {0}, first = {0}, cpu = {0}, worker = {0};
    unsigned      n = o->quick ? 20000 : 100000;
    char          what[64];

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 256);
        figure_add(&first, load_cycle(&p, PERSISTENT, HANDLER_ANSWERS));
        figure_add(&a, persistent_cycle(&p, n, &cpu, &worker));
        process_stop(&p);
        process_start_agentd(&p, o, 2, 256);
        figure_add(&noop, load_cycle(&p, n, "noop"));
        process_stop(&p);
        figure_add(&exec, limit_spawn(1500, 4));
    }
    const struct other others[] = {
        {"noop (P4)",             &noop},
        {"posix_spawn, parallel", &exec},
    };
    report_row("P9", "persistent handler, 2 workers", "/s", &a, others, ARRAY_LEN(others));
    report_row("", "CPU of agentd", "us a job", &cpu, NULL, 0);
    report_row("", "CPU of the workers", "us a job", &worker, NULL, 0);
    snprintf(what, sizeof(what), "the first %d, most with a process to be made", PERSISTENT);
    report_row("", what, "/s", &first, NULL, 0);
}

/* ---- one message at a time ------------------------------------------------------------------- */

static struct view
message_body(const char *agent)
{
    static struct buf       body;
    struct msg_session_send m = {
        .key = view_str(agent), .agent = view_str(agent), .content = view_str("hello")};

    SET_HAS(&m, session_send, key);
    SET_HAS(&m, session_send, agent);
    SET_HAS(&m, session_send, content);
    buf_clear(&body);
    msg_pack(msg_desc(MSG_SESSION_SEND), &m, &body);
    return buf_view(&body);
}

/* When the job of the last message was read by its handler; it has completed. */
static int64_t
read_at(struct client *c, struct view event)
{
    struct msg_job_wait wait = {.wait_ms = 25000};
    struct buf packed   BUF_AUTO = {0};
    struct view         output;
    int64_t             id = 0, ns = 0;

    (void)mp_find_i64(event, "job", &id);
    wait.id = (uint64_t)id;
    SET_HAS(&wait, job_wait, wait_ms);
    msg_pack(msg_desc(MSG_JOB_WAIT), &wait, &packed);
    if (!mp_find(client_ask(c, MSG_JOB_WAIT, buf_view(&packed)), "output", &output) ||
        !mp_find_i64(output, "read_ns", &ns)) {
        fprintf(stderr, "bench: the message was not read\n");
        exit(1);
    }
    return ns;
}

static void
message_figure(const struct options *o)
{
    struct figure  p50 = {0}, p99 = {0}, commit = {0};
    struct process p = {0};
    unsigned       n = o->quick ? 500 : 2000;
    double        *us = xcalloc(n, sizeof(*us));

    process_start_agentd(&p, o, 2, 8);
    for (int i = 0; i < o->runs; i++) {
        struct client c;

        client_open(&c, &p);
        for (unsigned k = 0; k < n; k++) {
            int64_t     sent = now_ns();
            struct view event = client_ask(&c, MSG_SESSION_SEND, message_body(HANDLER_ANSWERS));

            us[k] = (double)(read_at(&c, event) - sent) / 1e3;
        }
        client_close(&c);
        figure_add(&p50, percentile(us, n, 50));
        figure_add(&p99, percentile(us, n, 99));
        figure_add(&commit, 1e6 / limit_lmdb_commits(o, n, 1));
    }
    process_stop(&p);
    const struct other others[] = {
        {"one LMDB commit", &commit},
    };
    report_row("M1", "message in -> agent has it, p50", "us", &p50, others, ARRAY_LEN(others));
    report_row("M1", "message in -> agent has it, p99", "us", &p99, NULL, 0);
    free(us);
}

/* ---- P14: effects ---------------------------------------------------------------------------- */

struct sink {
    int  file, watch;
    char path[4200];
};

static void
sink_open(struct sink *s, const struct process *p)
{
    snprintf(s->path, sizeof(s->path), "%s/s/mail", p->dir);
    s->file = open(s->path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    s->watch = inotify_init1(IN_CLOEXEC);
    if (s->file < 0 || s->watch < 0 || inotify_add_watch(s->watch, s->path, IN_MODIFY) < 0) {
        perror(s->path);
        exit(1);
    }
}

/* The next line's content: when the handler wrote it. */
static int64_t
sink_next(struct sink *s)
{
    char        line[4096];
    const char *content = NULL;
    ssize_t     n;

    while (!content) {
        struct pollfd pfd = {.fd = s->watch, .events = POLLIN};

        if (poll(&pfd, 1, SILENT_MS) <= 0 || read(s->watch, line, sizeof(line)) <= 0) {
            fprintf(stderr, "bench: nothing comes to the sink\n");
            exit(1);
        }
        n = read(s->file, line, sizeof(line) - 1);
        if (n <= 0) continue;
        line[n] = '\0';
        content = strstr(line, "\"content\":\"");
    }
    return strtoll(content + strlen("\"content\":\""), NULL, 10);
}

/* From the handler's verdict, which its worker has yet to report, to the line in the sink's file.
 */
static void
effect_figure(const struct options *o)
{
    struct figure  p50 = {0}, p99 = {0}, commit = {0};
    struct process p = {0};
    struct sink    sink;
    unsigned       n = o->quick ? 500 : 2000;
    double        *us = xcalloc(n, sizeof(*us));

    process_start_agentd(&p, o, 2, 8);
    sink_open(&sink, &p);
    for (int i = 0; i < o->runs; i++) {
        struct client c;

        client_open(&c, &p);
        for (unsigned k = 0; k < n; k++) {
            (void)client_ask(&c, MSG_SESSION_SEND, message_body(HANDLER_TELLS));
            int64_t told = sink_next(&sink);

            us[k] = (double)(now_ns() - told) / 1e3;
        }
        client_close(&c);
        figure_add(&p50, percentile(us, n, 50));
        figure_add(&p99, percentile(us, n, 99));
        figure_add(&commit, 1e6 / limit_lmdb_commits(o, n, 1));
    }
    close(sink.file);
    close(sink.watch);
    process_stop(&p);
    const struct other others[] = {
        {"one LMDB commit", &commit},
    };
    report_row("P14", "verdict with a message -> at the file sink, p50", "us", &p50, others,
               ARRAY_LEN(others));
    report_row("P14", "verdict with a message -> at the file sink, p99", "us", &p99, NULL, 0);
    free(us);
}

void
message_figures(const struct options *o)
{
    message_figure(o);
    effect_figure(o);
}
