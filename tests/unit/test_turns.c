/* A turn whose store fails: every put in turn, once and for good; and the commit itself. */
#include "supervisor/turns.h"

#include "proto/codec.h"
#include "supervisor/config/config.h"
#include <errno.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The countdown: 0 when nothing is to fail, else the call that reaches 1. */
static struct {
    unsigned left;
    bool     stays; /* each later one fails too */
    bool     commit;
    bool     is_hit;
} fault;

int __real_mdb_put(MDB_txn *t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned f);
int __wrap_mdb_put(MDB_txn *t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned f);
int
__wrap_mdb_put(MDB_txn *t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned f)
{
    if (fault.left == 0 || --fault.left > 0) return __real_mdb_put(t, d, k, v, f);
    if (fault.stays) fault.left = 1;
    fault.is_hit = true;
    return MDB_MAP_FULL;
}

int __real_mdb_txn_commit(MDB_txn *t);
int __wrap_mdb_txn_commit(MDB_txn *t);
int
__wrap_mdb_txn_commit(MDB_txn *t)
{
    if (!fault.commit) return __real_mdb_txn_commit(t);
    mdb_txn_abort(t);
    return EIO;
}

#define CLIENTS 4
#define SUBMIT  "\x81\xa7handler\xa4noop"
#define MISSING "\x81\xa7handler\xa7missing"
#define LATE    "\x81\xa7handler\xa4late"

static struct {
    char           top[40], dir[64];
    struct store  *store;
    struct engine *engine;
    struct turns   turns;
    struct inputs  inputs;
    unsigned       granted[CLIENTS + 1], refused[CLIENTS + 1], store_refused[CLIENTS + 1];
    unsigned       outputs;
    unsigned       retiring; /* OUT_WORKER_IDLE */
    unsigned       started;  /* OUT_TO_WORKER */
    unsigned       late;     /* of them behind a reply */
    int64_t        boot_ms;
} x;

static void
on_output(void *arg, const struct output *o)
{
    (void)arg;
    x.outputs++;
    x.retiring += o->kind == OUT_WORKER_IDLE;
    x.started += o->kind == OUT_TO_WORKER;
    x.late += o->kind == OUT_TO_WORKER && x.granted[1] > 0;
    if (o->kind != OUT_REPLY || o->client > CLIENTS) return;
    if (o->error) {
        x.refused[o->client]++;
    } else {
        x.granted[o->client]++;
    }
}

static void
on_refused(void *arg, uint64_t client, const struct err *why)
{
    (void)arg;
    assert_int_equal(why->code, E_STORE_FULL);
    x.store_refused[client]++;
}

static enum errc
run(void)
{
    struct turn_header header = {
        .now = {.wall_ms = 1800000000000 + x.boot_ms, .boot_ms = x.boot_ms}
    };
    struct err e;

    return turns_run(&x.turns, &x.inputs, &header, &e);
}

static void
push_request(uint64_t client, const char *body)
{
    const struct input in = {
        .kind = INPUT_REQUEST,
        .client = client,
        .actor = {.kind = "user", .id = view_str("uid:0"), .role = ROLE_ADMIN},
        .op = MSG_JOB_SUBMIT,
        .body = view_str(body)
    };

    inputs_push(&x.inputs, &in);
}

static void
push_worker(enum input_kind kind)
{
    const struct input in = {.kind = kind, .worker = 0, .generation = 1, .slots = 4};

    inputs_push(&x.inputs, &in);
}

static void
push_hello(void)
{
    const struct msg_hello m = {.generation = 1, .slots = 4, .pid = 1, .version = view_str("1")};
    struct buf frame       BUF_AUTO = {0};

    worker_pack(MSG_HELLO, &m, &frame);
    const struct input in = {.kind = INPUT_REPORT, .generation = 1, .body = buf_view(&frame)};
    inputs_push_copy(&x.inputs, &in);
}

/* As nobody's input; text: YAML. */
static void
push_config(const char *text)
{
    static const char *const nothing[] = {NULL};
    char                     path[64];
    struct config            c;
    struct err               e;
    struct buf               warnings = {0};

    (void)snprintf(path, sizeof(path), "%s/yaml", x.top);
    const struct config_sources src = {
        .path = path, .state_dir = "/tmp/s", .run_dir = "/tmp/r", .environ = nothing};
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (config_load(&src, &c, &warnings, &e)) fail_msg("%s", e.msg);
    const struct input in = {.kind = INPUT_CONFIG, .body = buf_view(&c.engine_config)};
    inputs_push_copy(&x.inputs, &in);
    config_done(&c);
    buf_done(&warnings);
    assert_int_equal(unlink(path), 0);
}

static void
open_store(void)
{
    struct store_options options = {.map_bytes = 64 << 20, .reserve_floor_bytes = 1 << 20};
    struct err           e;

    (void)snprintf(x.top, sizeof(x.top), "/tmp/agentd-turns-XXXXXX");
    assert_non_null(mkdtemp(x.top));
    (void)snprintf(x.dir, sizeof(x.dir), "%s/store", x.top);
    options.dir = x.dir;
    if (store_open(&x.store, &options, &e)) fail_msg("%s", e.msg);
}

static void
remove_store(void)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "new.mdb", "new.mdb-lock"};

    store_close(&x.store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", x.dir, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(x.dir), 0);
    assert_int_equal(rmdir(x.top), 0);
}

static int
begin(void **state)
{
    const struct turn_events events = {.on_output = on_output, .on_refused = on_refused};
    const struct input       boot = {.kind = INPUT_BOOT, .boot_id = 1};

    (void)state;
    memset(&x, 0, sizeof(x));
    memset(&fault, 0, sizeof(fault));
    open_store();
    x.engine = engine_new(x.store);
    x.boot_ms = 5000000;
    turns_init(&x.turns, x.store, x.engine, &events);
    inputs_init(&x.inputs);
    inputs_push(&x.inputs, &boot);
    assert_int_equal(run(), E_OK);
    push_config("");
    assert_int_equal(run(), E_OK);
    x.outputs = 0;
    return 0;
}

static int
end(void **state)
{
    (void)state;
    inputs_done(&x.inputs);
    turns_done(&x.turns);
    engine_destroy(&x.engine);
    remove_store();
    return 0;
}

/* A worker's start, and what three clients want: two jobs and a mistake. */
static void
push_all(void)
{
    push_request(1, SUBMIT);
    push_request(2, MISSING);
    push_request(3, SUBMIT);
    push_worker(INPUT_WORKER_STARTED);
    push_worker(INPUT_WORKER_RETIRE);
}

static uint64_t
jobs(void)
{
    struct err  e;
    struct txn *t = txn_begin_read(x.store, &e);

    assert_non_null(t);
    uint64_t rows = table_rows(t, TABLE_JOB_SPEC);
    txn_abort(&t);
    return rows;
}

static void
problem(const char *sentence, void *arg)
{
    (void)arg;
    fail_msg("%s", sentence);
}

static void
store_is_sound(void)
{
    struct err  e;
    bool        never = false;
    struct txn *t = txn_begin_read(x.store, &e);

    assert_non_null(t);
    assert_true(store_check(t, problem, NULL, &never) > 0);
    engine_check(t, problem, NULL, &never);
    txn_abort(&t);
}

static void
every_client_is_answered_once(unsigned lost)
{
    unsigned by_store = 0;

    for (unsigned c = 1; c <= 3; c++) {
        assert_int_equal(x.granted[c] + x.refused[c] + x.store_refused[c], 1);
        by_store += x.store_refused[c];
    }
    assert_int_equal(by_store, lost);
    assert_int_equal(jobs(), x.granted[1] + x.granted[3]);
}

static void
a_failure_that_passes_costs_nobody_anything(void **state)
{
    bool is_hit = true;

    for (unsigned k = 1; is_hit; k++) {
        if (k > 1) assert_int_equal(begin(state), 0);
        fault.left = k;
        push_all();
        assert_int_equal(run(), E_OK);
        is_hit = fault.is_hit;
        assert_int_equal(x.turns.failures, is_hit);
        every_client_is_answered_once(0);
        assert_int_equal(x.refused[2], 1);
        assert_int_equal(x.retiring, 1);
        store_is_sound();
        if (is_hit) assert_int_equal(end(state), 0);
    }
}

/* Clients are told; what is nobody's is done when the store takes it again. */
static void
a_failure_that_stays_is_told_and_tried_again(void **state)
{
    (void)state;
    fault.left = 1;
    fault.stays = true;
    push_all();
    push_config("handlers:\n  late: {kind: noop}\n");
    assert_int_equal(run(), E_OK);
    every_client_is_answered_once(2);
    assert_int_equal(x.refused[2], 1); /* a mistake writes nothing, so it is told as one */
    assert_int_equal(jobs(), 0);
    assert_int_equal(x.inputs.count, 0);
    int64_t again = turns_deadline(&x.turns).boot_ms;
    assert_true(again > x.boot_ms && again < x.boot_ms + 60000);

    push_request(4, SUBMIT);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.store_refused[4], 1);

    fault.left = 0;
    x.boot_ms = again + 60000;
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.retiring, 1);
    store_is_sound();
    assert_int_equal(jobs(), 0);
    assert_int_equal(x.granted[4], 0);
    push_request(4, LATE);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.granted[4], 1);
}

static void
after_a_failed_commit_nothing_is_said(void **state)
{
    (void)state;
    fault.commit = true;
    push_all();
    assert_int_equal(run(), E_OUTCOME_UNKNOWN);
    assert_int_equal(x.outputs, 0);
    for (unsigned c = 1; c <= 3; c++)
        assert_int_equal(x.store_refused[c], 0);
}

static void
workers_get_their_jobs_before_clients_their_answers(void **state)
{
    (void)state;
    push_worker(INPUT_WORKER_STARTED);
    push_hello();
    push_request(1, SUBMIT);
    push_request(2, SUBMIT);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.granted[1] + x.granted[2], 2);
    assert_int_equal(x.started, 2);
    assert_int_equal(x.late, 0);
}

static void
an_idle_turn_commits_nothing(void **state)
{
    (void)state;
    uint64_t commits = x.turns.commits;

    assert_int_equal(run(), E_OK);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.turns.commits, commits);
    push_request(1, MISSING);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.turns.commits, commits);
    push_request(3, SUBMIT);
    push_request(4, SUBMIT);
    assert_int_equal(run(), E_OK);
    assert_int_equal(x.turns.commits, commits + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failure_that_passes_costs_nobody_anything, begin, end),
        cmocka_unit_test_setup_teardown(a_failure_that_stays_is_told_and_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(after_a_failed_commit_nothing_is_said, begin, end),
        cmocka_unit_test_setup_teardown(workers_get_their_jobs_before_clients_their_answers, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_idle_turn_commits_nothing, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
