#include "tools/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define ROW_BYTES 1000 /* what a schedule takes in all tables */

extern char **environ;

static void
remove_file(const char *dir, const char *name)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
}

static void
must(int rc, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "bench: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

double
limit_lmdb_commits(const struct options *o, unsigned n, unsigned per_commit)
{
    char     dir[4160], record[PAYLOAD_BYTES] = {0};
    MDB_env *env;
    MDB_dbi  dbi = 0;
    uint64_t id = 0;
    double   started, seconds;

    snprintf(dir, sizeof(dir), "%s/lmdb", o->dir);
    (void)mkdir(dir, 0700);
    must(mdb_env_create(&env), "lmdb");
    must(mdb_env_set_mapsize(env, 1ULL << 32), "lmdb");
    must(mdb_env_open(env, dir, 0, 0600), dir);
    started = now_s();
    for (unsigned i = 0; i < n; i++) {
        MDB_txn *t;

        must(mdb_txn_begin(env, NULL, 0, &t), "lmdb");
        if (i == 0) must(mdb_dbi_open(t, NULL, 0, &dbi), "lmdb");
        for (unsigned k = 0; k < per_commit; k++) {
            uint64_t key = __builtin_bswap64(++id);
            MDB_val  key_val = {sizeof(key), &key}, value = {sizeof(record), record};

            must(mdb_put(t, dbi, &key_val, &value, MDB_APPEND), "lmdb put");
        }
        must(mdb_txn_commit(t), "lmdb commit");
    }
    seconds = now_s() - started;
    mdb_env_close(env);
    remove_file(dir, "data.mdb");
    remove_file(dir, "lock.mdb");
    (void)rmdir(dir);
    return n * (double)per_commit / seconds;
}

struct lmdb_rows {
    MDB_env *env;
    MDB_dbi  dbi;
    char     dir[4200];
    unsigned rows, round;
};

static void
put_row(struct lmdb_rows *l, MDB_txn *t, uint64_t number)
{
    char     record[ROW_BYTES] = {0};
    uint64_t key = __builtin_bswap64(number);
    MDB_val  key_val = {sizeof(key), &key}, value = {sizeof(record), record};

    memcpy(record, &l->round, sizeof(l->round));
    must(mdb_put(t, l->dbi, &key_val, &value, 0), "lmdb put");
}

struct lmdb_rows *
limit_lmdb_rows_open(const struct options *o, unsigned rows)
{
    struct lmdb_rows *l = xcalloc(1, sizeof(*l));
    MDB_txn          *t = NULL;

    l->rows = rows;
    snprintf(l->dir, sizeof(l->dir), "%s/lmdb%u", o->dir, rows);
    (void)mkdir(l->dir, 0700);
    must(mdb_env_create(&l->env), "lmdb");
    must(mdb_env_set_mapsize(l->env, 1ULL << 32), "lmdb");
    must(mdb_env_open(l->env, l->dir, 0, 0600), l->dir);
    for (unsigned i = 0; i < rows; i++) {
        if (!t) must(mdb_txn_begin(l->env, NULL, 0, &t), "lmdb");
        if (i == 0) must(mdb_dbi_open(t, NULL, 0, &l->dbi), "lmdb");
        put_row(l, t, i);
        if ((i + 1) % 256 != 0 && i + 1 < rows) continue;
        must(mdb_txn_commit(t), "lmdb commit");
        t = NULL;
    }
    return l;
}

double
limit_lmdb_rewrite(struct lmdb_rows *l, unsigned n)
{
    struct timespec before, after;
    MDB_txn        *t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before); /* cannot fail */
    l->round++;
    must(mdb_txn_begin(l->env, NULL, 0, &t), "lmdb");
    for (unsigned i = 0; i < n; i++)
        put_row(l, t, ((uint64_t)i * l->rows / n + l->round) % l->rows);
    must(mdb_txn_commit(t), "lmdb commit");
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return ((double)(after.tv_sec - before.tv_sec) * 1e6 +
            (double)(after.tv_nsec - before.tv_nsec) / 1e3) /
           n;
}

void
limit_lmdb_rows_close(struct lmdb_rows *l)
{
    mdb_env_close(l->env);
    remove_file(l->dir, "data.mdb");
    remove_file(l->dir, "lock.mdb");
    (void)rmdir(l->dir);
    free(l);
}

double
limit_fdatasync(const struct options *o, unsigned n)
{
    char   path[4160], record[PAYLOAD_BYTES] = {0};
    double started;
    int    fd;

    snprintf(path, sizeof(path), "%s/fdatasync", o->dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    started = now_s();
    for (unsigned i = 0; i < n; i++) {
        if (write(fd, record, sizeof(record)) < 0 || fdatasync(fd)) {
            perror("bench: fdatasync");
            exit(1);
        }
    }
    started = now_s() - started;
    close(fd);
    (void)unlink(path);
    return n / started;
}

double
limit_spawn(unsigned n, unsigned parallel)
{
    char    *argv[] = {"/bin/true", NULL};
    double   started = now_s();
    unsigned running = 0;

    for (unsigned i = 0; i < n; i++) {
        pid_t pid;

        if (running == parallel && wait(NULL) > 0) running--;
        if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0) running++;
    }
    while (running && wait(NULL) > 0)
        running--;
    return n / (now_s() - started);
}

static void *
echo(void *socket)
{
    char buffer[1024];
    int  size;

    while ((size = zmq_recv(socket, buffer, sizeof(buffer), 0)) > 0) {
        if (zmq_send(socket, buffer, (size_t)size, 0) < 0) break;
    }
    return NULL;
}

double
limit_zmq_round_trips(const struct options *o, unsigned n)
{
    char  endpoint[4200], buffer[1024] = {0};
    void *ctx = zmq_ctx_new(), *server = zmq_socket(ctx, ZMQ_REP),
         *client = zmq_socket(ctx, ZMQ_REQ);
    pthread_t thread;
    double    started;

    snprintf(endpoint, sizeof(endpoint), "ipc://%s/echo.sock", o->dir);
    if (zmq_bind(server, endpoint) || zmq_connect(client, endpoint) ||
        pthread_create(&thread, NULL, echo, server)) {
        perror("bench: zmq");
        exit(1);
    }
    started = now_s();
    for (unsigned i = 0; i < n; i++) {
        if (zmq_send(client, buffer, PAYLOAD_BYTES, 0) < 0 ||
            zmq_recv(client, buffer, sizeof(buffer), 0) < 0)
            break;
    }
    started = now_s() - started;
    zmq_send(client, buffer, 0, 0); /* an empty message ends the echo */
    pthread_join(thread, NULL);
    zmq_close(server);
    zmq_close(client);
    zmq_ctx_term(ctx);
    return n / started;
}
