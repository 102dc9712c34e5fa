/* settings - the values of all settings, from one source after the other, the strongest last. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "supervisor/config/setting.h"

enum setting_source { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_SET };

struct settings {
    struct setting_target target;
    const char           *folder; /* the working directory, for relative paths */
    struct buf           *warnings;
    enum setting_source   source[SETTINGS_COUNT];
    const struct yaml    *node[SETTINGS_COUNT]; /* in the file; NULL: not there */
    /* As before the environment was read, to go back to. */
    struct config       config_below;
    enum setting_source source_below[SETTINGS_COUNT];
};

/* The n-th section that has settings; NULL behind the last. */
const char *settings_section(size_t n);

/* Sets all defaults of *c. */
void settings_init(struct settings *s, struct config *c, const struct declared *d,
                   const char *folder, struct buf *warnings);
/* One section of the file; relative paths in it are meant from `folder`. */
enum errc settings_from_file(struct settings *s, const struct yaml *section, const char *folder,
                             struct err *e) MUST_CHECK;
/* All variables AGENTD_SECTION_KEY; what is wrong with them goes to the warnings. */
void settings_from_environment(struct settings *s, const char *const *variables);
/* One "section.key=value" of --set. */
enum errc settings_from_set(struct settings *s, const char *set, struct err *e) MUST_CHECK;
/* After all sources: checks what settings must be together, where the environment gives way, and
 * makes of 0 workers one per core; the gateway is enabled when anything else is said of it. */
enum errc settings_finish(struct settings *s, struct err *e) MUST_CHECK;

#endif
