/* setting - one setting of the list: what may be its value, and how it is stored. */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include "supervisor/config/config.h"
#include "supervisor/config/declared.h"
#include "supervisor/config/value.h"

#define SETTING_ONE(section, key, type, member, text, low, high, when) +1
#define SETTINGS_COUNT                                                 (0 SETTINGS(SETTING_ONE))

#define SETTING_ALLOWED_MAX (VALUE_ALLOWED_MAX + 64)

/* Where values are stored, and what they may name. */
struct setting_target {
    struct config         *config;
    const struct declared *declared;
};

/* NULL when there is none. */
const struct setting *setting_find(struct view section, struct view key);
/* Where its value is. */
void *setting_member(struct config *c, const struct setting *s);
/* What its value may be, in words, into out of SETTING_ALLOWED_MAX bytes; returns it. */
const char *setting_allowed(const struct setting *s, char *out);

/* Stores a value given as text; a relative path is meant from `folder`.  False, and nothing is
 * changed, when it is no value of the setting. */
bool setting_store(const struct setting_target *t, const struct setting *s, struct view text,
                   const char *folder);
/* The same of a node of the file. */
enum errc setting_read(const struct setting_target *t, const struct setting *s,
                       const struct yaml *n, const char *folder, struct err *e) MUST_CHECK;

#endif
