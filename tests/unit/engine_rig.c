#include "tests/unit/engine_rig.h"

#include "supervisor/engine/sessions.h"
#include <unistd.h>

#define SETTLE_MAX 2000

/* ---- set-up and tear-down ---- */

static void
open_engine(struct rig *r)
{
    struct err e = {0};

    if (store_open(&r->store, &r->options, &e)) fail_msg("%s", e.msg);
    r->engine = engine_new(r->store);
    r->deadline = engine_deadline(r->engine);
}

static void
close_engine(struct rig *r)
{
    engine_destroy(&r->engine);
    store_close(&r->store);
}

int
rig_begin_unbooted(void **state)
{
    char        top[] = "/dev/shm/agentd-engine-XXXXXX";
    char        other[] = "/tmp/agentd-engine-XXXXXX";
    struct rig *r = xcalloc(1, sizeof(*r));
    const char *made = mkdtemp(top);

    if (!made) made = mkdtemp(other);
    assert_non_null(made);
    (void)snprintf(r->dir, sizeof(r->dir), "%s/store", made);
    r->options = (struct store_options){
        .dir = r->dir, .map_bytes = 512 << 20, .reserve_floor_bytes = 1 << 20};
    r->header.now = (struct now){.wall_ms = RIG_WALL_MS, .boot_ms = RIG_BOOT_MS};
    r->actor = (struct actor){.kind = "user", .id = view_str("uid:1000"), .role = ROLE_ADMIN};
    r->limits = rig_limits;
    r->boot_id = 77;
    r->beat_boot_ms = RIG_BOOT_MS;
    arena_init(&r->inputs);
    arena_init(&r->results);
    arena_init(&r->kept);
    open_engine(r);
    *state = r;
    return 0;
}

int
rig_begin(void **state)
{
    struct rig *r;

    (void)rig_begin_unbooted(state); /* is 0 or ends the test */
    r = *state;
    rig_boot(r, false);
    rig_configure(r, &(struct rig_declared){0});
    return 0;
}

void
rig_copy(struct rig *r, void **state)
{
    char        from[128], to[128];
    struct rig *c;
    FILE       *in, *out;
    char        block[4096];
    size_t      size;

    (void)rig_begin_unbooted(state); /* is 0 or ends the test */
    c = *state;
    close_engine(c);
    (void)snprintf(from, sizeof(from), "%s/data.mdb", r->dir); /* fits */
    (void)snprintf(to, sizeof(to), "%s/data.mdb", c->dir);     /* fits */
    in = fopen(from, "re");
    out = fopen(to, "we");
    assert_true(in && out);
    while ((size = fread(block, 1, sizeof(block), in)) > 0)
        assert_int_equal(fwrite(block, 1, size, out), size);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
    open_engine(c);
}

int
rig_end(void **state)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "new.mdb", "new.mdb-lock"};
    struct rig              *r = *state;
    char                     path[128];

    if (r->writer) { /* a test failed within a turn; destroying would abort and hide its message */
        txn_abort(&r->writer);
        engine_turn_done(r->engine, false);
    }
    close_engine(r);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", r->dir, files[i]); /* fits */
        (void)unlink(path);
    }
    (void)rmdir(r->dir);
    *strrchr(r->dir, '/') = '\0';
    (void)rmdir(r->dir);
    arena_done(&r->inputs);
    arena_done(&r->results);
    arena_done(&r->kept);
    free(r->queue);
    free(r->leases);
    free(r);
    return 0;
}

/* ---- what a turn said ---- */

static struct output
copy_of(struct rig *r, const struct output *o)
{
    struct output c = *o;

    c.body = arena_copy(&r->results, o->body);
    if (o->error) {
        struct err *e = arena_alloc(&r->results, sizeof(*e));

        *e = *o->error;
        c.error = e;
    }
    if (o->text) c.text = arena_printf(&r->results, "%s", o->text);
    if (o->detail) c.detail = arena_printf(&r->results, "%s", o->detail);
    return c;
}

static void
take_outputs(struct rig *r)
{
    size_t               count;
    const struct output *outputs = engine_outputs(r->engine, &count);

    r->outputs = arena_alloc(&r->results, (count + 1) * sizeof(*r->outputs));
    r->output_count = count;
    for (size_t i = 0; i < count; i++) {
        r->outputs[i] = copy_of(r, &outputs[i]);
        if (outputs[i].kind == OUT_TO_WORKER) rig_take_message(r, &r->outputs[i]);
    }
}

const struct output *
rig_output(const struct rig *r, enum output_kind kind, size_t nth)
{
    for (size_t i = 0; i < r->output_count; i++) {
        if (r->outputs[i].kind == kind && nth-- == 0) return &r->outputs[i];
    }
    return NULL;
}

size_t
rig_output_count(const struct rig *r, enum output_kind kind)
{
    size_t count = 0;

    while (rig_output(r, kind, count))
        count++;
    return count;
}

/* ---- turns ---- */

void
rig_push(struct rig *r, const struct input *in)
{
    if (r->queue_count == r->queue_cap) {
        r->queue_cap = r->queue_cap ? r->queue_cap * 2 : 64;
        r->queue = xrealloc(r->queue, r->queue_cap * sizeof(*r->queue));
    }
    r->queue[r->queue_count] = *in;
    r->queue[r->queue_count].body = arena_copy(&r->inputs, in->body);
    r->queue[r->queue_count].request_id = arena_copy(&r->inputs, in->request_id);
    r->queue_count++;
}

static void
beat(struct rig *r)
{
    if (r->is_silent || r->beat_boot_ms == r->header.now.boot_ms) return;
    r->beat_boot_ms = r->header.now.boot_ms;
    for (uint32_t w = 0; w < WORKERS_MAX; w++)
        if (r->workers[w].is_up) rig_heartbeat(r, w);
}

static bool
comes_first(const struct input *in, unsigned rank)
{
    switch (in->kind) {
    case INPUT_REQUEST: return rank == 2;
    case INPUT_BOOT:
    case INPUT_ZONE:
    case INPUT_CONFIG:
    case INPUT_DRAIN:
    case INPUT_INTERRUPT:
    case INPUT_GOODBYE: return rank == 1;
    default: return rank == 0;
    }
}

static void
apply(struct rig *r, unsigned rank)
{
    for (size_t i = 0; i < r->queue_count; i++)
        if (comes_first(&r->queue[i], rank)) engine_apply(r->engine, &r->queue[i]);
}

static void
begin_run(struct rig *r)
{
    struct err e = {0};

    if (!r->is_space_set) store_reserve(r->store, &r->header.space);
    r->writer = txn_begin_write(r->store, &e);
    if (!r->writer) fail_msg("%s", e.msg);
    r->writes = store_writes(r->store);
    engine_turn_begin(r->engine, r->writer, &r->header);
}

static void
run(struct rig *r)
{
    begin_run(r);
    apply(r, 0);
    apply(r, 1);
    engine_due(r->engine);
    apply(r, 2);
    engine_dispatch(r->engine);
    engine_turn_end(r->engine);
}

/* The turn, taken back; the state that it led to. */
static uint64_t
run_in_vain(struct rig *r)
{
    uint64_t before = rig_hash(r);

    run(r);
    uint64_t hash = txn_state_hash(r->writer);
    txn_abort(&r->writer);
    engine_turn_done(r->engine, false);
    assert_true(rig_hash(r) == before);
    return hash;
}

static void
end_run(struct rig *r)
{
    struct err e = {0};
    bool       outcome_unknown;

    r->was_dirty = txn_is_dirty(r->writer);
    r->reads = txn_reads(r->writer);
    if (!r->was_dirty) {
        txn_abort(&r->writer);
    } else if (txn_commit(&r->writer, &outcome_unknown, &e)) {
        fail_msg("%s", e.msg);
    }
    r->writes = store_writes(r->store) - r->writes;
    engine_turn_done(r->engine, true);
    r->deadline = engine_deadline(r->engine);
}

static void
problem(const char *sentence, void *arg)
{
    (*(int *)arg)++;
    print_message("unsound: %s\n", sentence);
}

struct txn *
rig_begin_read(struct rig *r)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(r->store, &e);

    if (!t) fail_msg("%s", e.msg);
    return t;
}

/* What the engine keeps of them in memory. */
static void
expect_counted(const struct rig *r, struct txn *t)
{
    const struct memory  *m = &r->engine->memory;
    struct session_counts n = {0};
    struct session        row = {0};
    struct scan           s;

    scan_open(&s, t, PRIMARY_SESSION, &row, 0, 0);
    while (scan_next(&s, &row)) {
        if (session_is_schedules(row.name)) continue;
        n.by_status[row.status]++;
        n.waiting += row.waiting;
    }
    scan_close(&s);
    if (!m->is_counting) assert_memory_equal(&n, &m->sessions, sizeof(n));
}

static void
expect_sound(struct rig *r)
{
    int         problems = 0;
    bool        cancel = false;
    struct txn *t = rig_begin_read(r);

    (void)store_check(t, problem, &problems, &cancel); /* the number of rows */
    engine_check(t, problem, &problems, &cancel);
    expect_counted(r, t);
    txn_abort(&t);
    assert_int_equal(problems, 0);
}

bool
rig_is_due(const struct rig *r)
{
    return r->deadline.wall_ms <= r->header.now.wall_ms ||
           r->deadline.boot_ms <= r->header.now.boot_ms;
}

/* Nothing may be left that only another input would set going. */
static void
expect_nothing_left(struct rig *r)
{
    struct deadline deadline = r->deadline;
    bool            was_dirty = r->was_dirty;
    uint64_t        writes = r->writes, reads = r->reads;
    size_t          count;

    run(r);
    const struct output *o = engine_outputs(r->engine, &count);
    if (count > 0) fail_msg("the turn before left something undone: output %d", (int)o[0].kind);
    if (txn_is_dirty(r->writer)) fail_msg("a turn without inputs wrote something");
    end_run(r);
    assert_int_equal(r->deadline.wall_ms, deadline.wall_ms);
    assert_int_equal(r->deadline.boot_ms, deadline.boot_ms);
    r->was_dirty = was_dirty;
    r->writes = writes;
    r->reads = reads;
}

static void
forget_inputs(struct rig *r)
{
    r->queue_count = 0;
    arena_reset(&r->inputs);
}

void
rig_turn(struct rig *r)
{
    beat(r);
    arena_reset(&r->results);
    if (r->is_unchecked) {
        run(r);
    } else {
        uint64_t hash = run_in_vain(r);

        run(r);
        if (txn_state_hash(r->writer) != hash)
            fail_msg("a turn's second run differs from its first");
    }
    end_run(r);
    forget_inputs(r);
    take_outputs(r);
    if (r->is_unchecked) return;
    if (r->was_dirty) expect_sound(r);
    if (!rig_is_due(r)) expect_nothing_left(r);
}

void
rig_turn_singly(struct rig *r)
{
    for (size_t i = 0; i < r->queue_count; i++) {
        begin_run(r);
        engine_apply(r->engine, &r->queue[i]);
        engine_turn_end(r->engine);
        end_run(r);
        take_outputs(r);
    }
    forget_inputs(r);
    rig_turn(r);
}

void
rig_settle(struct rig *r)
{
    for (int i = 0; i < SETTLE_MAX; i++) {
        rig_turn(r);
        if (!rig_is_due(r)) return;
    }
    fail_msg("always due: wall %+d ms, boot %+d ms",
             (int)(r->deadline.wall_ms - r->header.now.wall_ms),
             (int)(r->deadline.boot_ms - r->header.now.boot_ms));
}

void
rig_wait(struct rig *r, int64_t ms)
{
    r->header.now.wall_ms += ms;
    r->header.now.boot_ms += ms;
}

void
rig_advance(struct rig *r, int64_t ms)
{
    rig_wait(r, ms);
    rig_settle(r);
}

/* ---- the life of agentd ---- */

void
rig_boot(struct rig *r, bool unclean)
{
    const struct input in = {.kind = INPUT_BOOT,
                             .boot_id = r->boot_id,
                             .config_follows = r->config_follows,
                             .unclean = unclean,
                             .last_sign_of_life_ms =
                                 unclean ? r->header.now.wall_ms - SECOND_MS : 0};

    rig_push(r, &in);
    if (!unclean) rig_turn(r);
}

static void
start_again(struct rig *r, bool unclean)
{
    close_engine(r);
    memset(r->workers, 0, sizeof(r->workers));
    r->queue_count = 0;
    open_engine(r);
    rig_boot(r, unclean);
}

void
rig_crash(struct rig *r)
{
    start_again(r, true);
}

void
rig_stop(struct rig *r)
{
    const struct input inputs[] = {
        {.kind = INPUT_DRAIN    },
        {.kind = INPUT_INTERRUPT, .grace_ms = 1000},
        {.kind = INPUT_GOODBYE                      }
    };

    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        rig_push(r, &inputs[i]);
        rig_turn(r);
    }
    start_again(r, false);
}

void
rig_old_leases_gone(struct rig *r)
{
    for (size_t i = 0; i < r->lease_count; i++) {
        struct rig_lease *l = &r->leases[i];

        if (!l->is_live || r->workers[l->worker].generation == l->generation) continue;
        l->is_live = false;
        rig_push(r, &(struct input){.kind = INPUT_LEASE_GONE, .token = l->token});
    }
}
