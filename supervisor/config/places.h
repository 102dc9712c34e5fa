/* places - where a daemon's files are: what the environment and the user say, and the defaults. */
#ifndef CONFIG_PLACES_H
#define CONFIG_PLACES_H

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include <stdbool.h>

/* The value of a variable in the NULL-terminated list; NULL when there is none. */
const char *variable_find(const char *const *variables, const char *name);
/* The same, but NULL also when it is empty. */
const char *variable_get(const char *const *variables, const char *name);

/* `path` itself when it is absolute, else below `folder`. */
const char *path_from(struct arena *a, const char *folder, struct view path);
/* The folder of an absolute path. */
const char *path_folder(struct arena *a, const char *path);
/* The working directory. */
enum errc path_current(struct arena *a, const char **out, struct err *e) MUST_CHECK;

/* The default places: of root in /etc, /var/lib and /run, else in the XDG folders.  NULL, or
 * E_BAD_REQUEST with a hint, when the environment does not tell. */
const char *place_of_config(struct arena *a, const char *const *variables, bool is_root);
enum errc   place_of_state(struct arena *a, const char *const *variables, bool is_root,
                           const char **out, struct err *e) MUST_CHECK;
enum errc   place_of_run(struct arena *a, const char *const *variables, bool is_root,
                         const char **out, struct err *e) MUST_CHECK;

/* Appends the whole file, up to max + 1 bytes of it.  E_NOT_FOUND when it is not there. */
enum errc file_read(const char *path, size_t max, struct buf *out, struct err *e) MUST_CHECK;

#endif
