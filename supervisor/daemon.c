#include "supervisor/daemon.h"

#include "common/mem.h"
#include "common/proc.h"
#include "common/timetext.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOUCH_MS        5000
#define LOCK_TRIES      100 /* the holder may be removing the file just now */
#define LOCK_WAIT_MS    1000
#define LOCK_PAUSE_MS   5
#define DESCRIPTORS_MAX 65536
#define OOM_SCORE       "-900"

/* ---- folders ------------------------------------------------------------------------------- */

static bool
make_parents(const char *path)
{
    FREE_AUTO char *copy = xstrdup(path);

    for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST) return false;
        *p = '/';
    }
    return true;
}

enum errc
daemon_folder(const char *path, mode_t mode, struct err *e)
{
    struct stat st;

    if (!make_parents(path) || (mkdir(path, mode) && errno != EEXIST) || stat(path, &st)) {
        return err_errno(e, "folder %s", path);
    }
    if (!S_ISDIR(st.st_mode)) return err_set(e, E_INTERNAL, "%s is not a folder", path);
    if (st.st_uid != geteuid()) {
        return err_set(e, E_DENIED, "folder %s belongs to user %u, not to %u", path,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    }
    if ((st.st_mode & 0777 & ~mode) != 0) {
        (void)err_set(e, E_DENIED, "folder %s is open to others (mode %03o)", path,
                      (unsigned)(st.st_mode & 0777));
        return err_hint(e, "chmod %03o %s", (unsigned)mode, path);
    }
    return E_OK;
}

/* ---- single instance ----------------------------------------------------------------------- */

static void
start_of(pid_t pid, char *out, size_t size)
{
    struct now now = clock_now();
    int64_t    ticks = (int64_t)proc_start_time(pid);
    int64_t    boot_ms = ticks * 1000 / sysconf(_SC_CLK_TCK);

    (void)instant_text(ticks > 0 ? now.wall_ms - now.boot_ms + boot_ms : 0, out, size);
}

static enum errc
refuse_second(int fd, const char *path, struct err *e)
{
    char    text[32] = "";
    char    since[40];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    pid_t   pid = size > 0 ? (pid_t)strtol(text, NULL, 10) : 0;

    if (pid <= 0) return err_set(e, E_IN_USE, "another agentd holds %s", path);
    start_of(pid, since, sizeof(since));
    return err_set(e, E_IN_USE, "agentd is running already: pid %d, since %s, holds %s", (int)pid,
                   since, path);
}

static bool
is_still_at(int fd, const char *path)
{
    struct stat opened, there;

    return fstat(fd, &opened) == 0 && stat(path, &there) == 0 && opened.st_ino == there.st_ino &&
           opened.st_dev == there.st_dev;
}

/* A child of an agentd that was killed holds its locks until it execs or ends, which takes some ms;
 * whoever holds them longer is there to stay. */
static bool
take_lock(int fd)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000};

    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_PAUSE_MS) {
        if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS) return false;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* A file that its holder removed between our open and our lock is not the one to hold. */
static enum errc
lock_pid_file(const char *path, int *out, struct err *e)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        if (fd < 0) return err_errno(e, "PID file %s", path);
        if (!take_lock(fd)) {
            (void)refuse_second(fd, path, e);
            (void)close(fd);
            return e->code;
        }
        if (is_still_at(fd, path)) {
            *out = fd;
            return E_OK;
        }
        (void)close(fd);
    }
    return err_set(e, E_IN_USE, "PID file %s: removed again and again by others", path);
}

static enum errc
lock_state(const char *dir, int *out, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) return err_errno(e, "state folder %s", dir);
    if (!take_lock(fd)) {
        (void)close(fd);
        return err_set(e, E_IN_USE, "another agentd uses the state folder %s", dir);
    }
    *out = fd;
    return E_OK;
}

static void
note_last_end(struct daemon_lock *l)
{
    struct stat st;

    if (fstat(l->pid_fd, &st) || st.st_size == 0) return;
    l->was_unclean = true;
    l->last_sign_of_life_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

enum errc
daemon_lock(struct daemon_lock *l, const char *pid_file, const char *state_dir, struct err *e)
{
    char text[32];
    int  size = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    *l = (struct daemon_lock){.pid_fd = -1, .state_fd = -1, .pid_file = pid_file};
    if (lock_pid_file(pid_file, &l->pid_fd, e)) return e->code;
    if (lock_state(state_dir, &l->state_fd, e)) {
        (void)close(l->pid_fd);
        l->pid_fd = -1;
        return e->code;
    }
    note_last_end(l);
    if (ftruncate(l->pid_fd, 0) || pwrite(l->pid_fd, text, (size_t)size, 0) != size) {
        return err_errno(e, "PID file %s", pid_file);
    }
    return E_OK;
}

void
daemon_touch(struct daemon_lock *l, int64_t boot_ms)
{
    if (boot_ms - l->touched_boot_ms < TOUCH_MS) return;
    l->touched_boot_ms = boot_ms;
    (void)futimens(l->pid_fd, NULL); /* one sign of life less is no reason to stop */
}

void
daemon_unlock(struct daemon_lock *l)
{
    if (l->pid_fd < 0) return;
    (void)unlink(l->pid_file); /* removed before it is released: see lock_pid_file */
    (void)close(l->pid_fd);
    (void)close(l->state_fd);
    l->pid_fd = l->state_fd = -1;
}

/* ---- starts -------------------------------------------------------------------------------- */

unsigned
daemon_count_start(const char *state_dir)
{
    FREE_AUTO char *path = xasprintf("%s/starts", state_dir);
    char            text[16] = "";
    int             fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) return 0; /* a full disk: what follows says so */
    ssize_t  got = pread(fd, text, sizeof(text) - 1, 0);
    long     count = got > 0 ? strtol(text, NULL, 10) : 0;
    unsigned before = count > 0 && count < 1000000 ? (unsigned)count : 0;
    int      size = snprintf(text, sizeof(text), "%u\n", before + 1);
    (void)!pwrite(fd, text, (size_t)size, 0); /* likewise */
    (void)close(fd);
    return before;
}

void
daemon_reached_ready(const char *state_dir)
{
    FREE_AUTO char *path = xasprintf("%s/starts", state_dir);

    (void)unlink(path); /* left behind it makes one needless check at a later start */
}

/* ---- the process --------------------------------------------------------------------------- */

static void
lower_oom_score(char *before, size_t size)
{
    int     fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    ssize_t got;

    before[0] = '\0';
    if (fd < 0) return;
    got = read(fd, before, size - 1);
    before[got > 0 ? got : 0] = '\0';
    if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0) before[0] = '\0'; /* only root may */
    (void)close(fd);
}

void
daemon_set_process(char *oom_score, size_t size)
{
    struct rlimit files;

    (void)umask(077);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* these cannot fail on the kernels we run on */
    (void)prctl(PR_SET_DUMPABLE, 0);
    lower_oom_score(oom_score, size);
    if (getrlimit(RLIMIT_NOFILE, &files)) return;
    if (files.rlim_cur >= DESCRIPTORS_MAX || files.rlim_cur >= files.rlim_max) return;
    files.rlim_cur = files.rlim_max < DESCRIPTORS_MAX ? files.rlim_max : DESCRIPTORS_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &files); /* then what there is must do */
}

void
daemon_clean_environment(void)
{
    static const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
    size_t                   i = 0;

    while (environ && environ[i]) {
        const char *end = strchr(environ[i], '=');

        if (!end || strncmp(environ[i], "ZSYS_", 5) != 0) {
            i++;
            continue;
        }
        FREE_AUTO char *name = xstrndup(environ[i], (size_t)(end - environ[i]));
        (void)unsetenv(name); /* moves the rest down: the same place again */
    }
    for (i = 0; i < ARRAY_LEN(ours); i++)
        (void)unsetenv(ours[i]);
}

/* ---- the background ------------------------------------------------------------------------ */

/* A child that has said something is ready; one that ends without a word has failed. */
static _Noreturn void
wait_for_child(int from_child)
{
    char    text[512];
    ssize_t size;
    bool    is_ready = false;

    while ((size = read(from_child, text, sizeof(text))) > 0) {
        is_ready = true;
        (void)!write(STDOUT_FILENO, text, (size_t)size); /* nobody may be reading */
    }
    _exit(is_ready ? 0 : 1);
}

static enum errc
open_log(const char *state_dir, int *out, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/agentd.log", state_dir);
    int             fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0) return err_errno(e, "log file %s", path);
    *out = fd;
    return E_OK;
}

enum errc
daemon_go_background(const char *state_dir, int *log_fd, struct err *e)
{
    int to_parent[2];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0) return err_errno(e, "/dev/null");
    if (open_log(state_dir, log_fd, e)) return e->code;
    if (pipe2(to_parent, O_CLOEXEC)) return err_errno(e, "pipe");
    pid_t child = fork();
    if (child < 0) return err_errno(e, "fork");
    if (child > 0) {
        (void)close(to_parent[1]);
        wait_for_child(to_parent[0]);
    }
    if (setsid() < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(to_parent[1], STDOUT_FILENO) < 0) {
        return err_errno(e, "going into the background");
    }
    (void)close(null);
    (void)close(to_parent[0]);
    (void)close(to_parent[1]);
    return E_OK;
}

void
daemon_detach(int log_fd)
{
    (void)fflush(stdout);
    (void)dup2(log_fd, STDERR_FILENO); /* all of these are open: they cannot fail */
    (void)dup2(STDIN_FILENO, STDOUT_FILENO);
    (void)close(log_fd);
}
