#include "tests/torture/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void
load_client_name(unsigned number, char *out)
{
    (void)snprintf(out, NAME_BYTES, "client-%u", number); /* fits */
}

void
load_reader_name(unsigned number, char *out)
{
    (void)snprintf(out, NAME_BYTES, "reader-%u", number); /* fits */
}

void
load_person_name(unsigned number, char *out)
{
    (void)snprintf(out, NAME_BYTES, "person-%u", number); /* fits */
}

const char *
load_reader_topic(unsigned number)
{
    return number == READERS - 1 ? "job." : "";
}

void
load_start(struct load *l)
{
    for (unsigned i = 0; i < PROCESSES; i++) {
        (void)fflush(NULL);
        l->pids[i] = fork();
        if (l->pids[i] < 0) {
            perror("torture: fork");
            abort();
        }
        if (l->pids[i] > 0) continue;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail */
        if (i < CLIENTS) client_main(l, i);
        if (i < CLIENTS + READERS) reader_main(l, i - CLIENTS);
        if (i == CLIENTS + READERS) operator_main(l);
        if (i == CLIENTS + READERS + 1) clerk_main(l);
        person_main(l, i - CLIENTS - READERS - 2);
    }
}

void
load_on_end(pid_t pid, int status, void *arg)
{
    struct load *l = arg;

    for (unsigned i = 0; i < PROCESSES; i++) {
        if (l->pids[i] != pid) continue;
        l->pids[i] = 0;
        l->failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
}

static unsigned
ending(const struct load *l)
{
    return atomic_load(&l->shared->leave) ? PROCESSES : PROCESSES - PERSONS;
}

bool
load_is_over(const struct load *l)
{
    for (unsigned i = 0; i < ending(l); i++) {
        if (l->pids[i]) return false;
    }
    return true;
}

void
load_kill(struct load *l)
{
    for (unsigned i = 0; i < ending(l); i++) {
        if (l->pids[i]) (void)kill(l->pids[i], SIGKILL); /* not reaped yet: still ours */
    }
}
