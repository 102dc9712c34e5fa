/* environment - what a handler's process is given of the world: variables, and its program's path.
 *
 * The environment is an allow-list: a few names and those that the handler declares are let through
 * from agent-worker's own, then set_env, then the lease's own four.  What agentd and its libraries
 * are steered by (AGENTD_*, ZSYS_*, NOTIFY_SOCKET…) is never let through; only set_env can set it.
 */
#ifndef WORKER_ENVIRONMENT_H
#define WORKER_ENVIRONMENT_H

#include "common/err.h"
#include "common/mem.h"
#include <stddef.h>

struct environment {
    struct arena *arena; /* owns the strings */
    char        **items; /* NAME=VALUE, ended by NULL; what execve takes */
    size_t        count;
    size_t        cap;
};

void environment_init(struct environment *env, struct arena *arena);
void environment_done(struct environment *env);
/* Replaces a variable of the same name.  Neither may hold a NUL byte, the name no '='. */
void environment_set(struct environment *env, struct view name, struct view value);
/* NULL when there is none. */
const char *environment_get(const struct environment *env, const char *name);
/* Lets the usual names and those in `names` (a packed list, or empty) through from `own`, a list as
 * environ is. */
enum errc environment_pass(struct environment *env, char *const *own, struct view names,
                           struct err *e) MUST_CHECK;
/* Sets every pair of a packed map of strings (or empty). */
enum errc environment_set_map(struct environment *env, struct view map, struct err *e) MUST_CHECK;

/* The arguments of a packed list of strings, ended by NULL, at least one; in the arena. */
enum errc command_unpack(struct arena *arena, struct view list, char ***argv,
                         struct err *e) MUST_CHECK;
/* The file that execve should start for argv[0]: itself when it holds a '/', else the first
 * executable file of that name in the folders of `path` (NULL: the system's default path).  Folders
 * that are not absolute are passed over. */
enum errc program_find(struct arena *arena, const char *name, const char *path, const char **file,
                       struct err *e) MUST_CHECK;

#endif
