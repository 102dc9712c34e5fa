#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#define NEAR    2000 /* jobs: then it is asked more often */
#define NEAR_US 2000
#define FAR_US  50000

double
load_submit(const struct process *p, unsigned n, unsigned window, unsigned clients,
            const char *handler)
{
    struct client   c[16];
    zmq_pollitem_t  items[16];
    unsigned        sent[16] = {0}, got[16] = {0}, share = n / clients, done = 0;
    struct buf body BUF_AUTO = {0};
    double          started;

    buf_add_view(&body, submit_body(handler, handler[0] == 'e' ? 86400000 : 0));
    for (unsigned i = 0; i < clients; i++) {
        client_open(&c[i], p);
        items[i] = (zmq_pollitem_t){.socket = c[i].socket, .events = ZMQ_POLLIN};
    }
    started = now_s();
    while (done < clients) {
        for (unsigned i = 0; i < clients; i++) {
            for (; sent[i] - got[i] < window && sent[i] < share; sent[i]++) {
                client_send(&c[i], MSG_JOB_SUBMIT, buf_view(&body));
            }
        }
        if (zmq_poll(items, (int)clients, 60000) <= 0) {
            fprintf(stderr, "bench: agentd is silent\n");
            exit(1);
        }
        for (unsigned i = 0; i < clients; i++) {
            if (!(items[i].revents & ZMQ_POLLIN)) continue;
            do {
                (void)client_receive(&c[i]);
                done += ++got[i] == share;
            } while (client_has_reply(&c[i]));
        }
    }
    started = now_s() - started;
    for (unsigned i = 0; i < clients; i++)
        client_close(&c[i]);
    return share * clients / started;
}

uint64_t
load_commits(const struct process *p)
{
    struct client    c;
    struct buf empty BUF_AUTO = {0};
    struct view      loop;
    int64_t          n = 0;

    mp_map(&empty, 0);
    client_open(&c, p);
    if (mp_find(client_ask(&c, MSG_STATUS, buf_view(&empty)), "loop", &loop))
        (void)mp_find_i64(loop, "commits", &n);
    client_close(&c);
    return (uint64_t)n;
}

uint64_t
load_completed(struct client *c)
{
    struct buf empty BUF_AUTO = {0};
    int64_t          n = 0;

    mp_map(&empty, 0);
    (void)mp_find_i64(client_ask(c, MSG_JOB_STATS, buf_view(&empty)), "completed", &n);
    return (uint64_t)n;
}

void
load_await(struct client *c, uint64_t completed)
{
    for (uint64_t done; (done = load_completed(c)) < completed;)
        usleep(completed - done > NEAR ? FAR_US : NEAR_US);
}

double
load_cycle(const struct process *p, unsigned n, const char *handler)
{
    struct client c;
    uint64_t      before;
    double        started;

    client_open(&c, p);
    before = load_completed(&c);
    started = now_s();
    (void)load_submit(p, n, 512, 1, handler);
    load_await(&c, before + n);
    client_close(&c);
    return n / (now_s() - started);
}

void
load_latencies(const struct process *p, enum msg_id op, struct view body, unsigned n, double *us)
{
    struct client c;

    client_open(&c, p);
    for (unsigned i = 0; i < n; i++) {
        struct msg_job_wait wait = {.wait_ms = 25000};
        struct buf packed   BUF_AUTO = {0};
        double              started = now_s();
        int64_t             id = 0;

        (void)mp_find_i64(client_ask(&c, op, body), "id", &id);
        wait.id = (uint64_t)id;
        SET_HAS(&wait, job_wait, wait_ms);
        msg_pack(msg_desc(MSG_JOB_WAIT), &wait, &packed);
        (void)client_ask(&c, MSG_JOB_WAIT, buf_view(&packed));
        us[i] = (now_s() - started) * 1e6;
    }
    client_close(&c);
}
