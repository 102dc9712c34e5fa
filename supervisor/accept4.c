#include "supervisor/accept4.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Process-wide on purpose: the function below has the C library's signature and libzmq's I/O thread
 * calls it. */
static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;
static int              spare = -1;
static _Atomic uint64_t shed;

static void
take_spare(void)
{
    if (spare < 0) spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void
accept4_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
    take_spare();
    (void)pthread_mutex_unlock(&lock);
}

uint64_t
accept4_shed(void)
{
    return atomic_load(&shed);
}

static int
accept_plainly(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return (int)syscall(SYS_accept4, fd, address, size, flags);
}

/* The connection must leave the listener's queue, else the listener stays readable and its thread
 * spins.  When even the spare's place is taken by another thread, the connection waits in the queue
 * for the next call. */
static void
shed_one(int fd)
{
    (void)pthread_mutex_lock(&lock);
    if (spare >= 0) (void)close(spare);
    spare = -1;
    int connection = accept_plainly(fd, NULL, NULL, SOCK_CLOEXEC);
    if (connection >= 0) {
        (void)close(connection);
        atomic_fetch_add(&shed, 1);
    }
    take_spare();
    (void)pthread_mutex_unlock(&lock);
}

int
accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
    int connection = accept_plainly(fd, address, size, flags);

    if (connection >= 0) return connection;
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return -1;
    shed_one(fd);
    errno = ECONNABORTED;
    return -1;
}
