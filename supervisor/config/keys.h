/* keys - what is said of a key that is not in the lists. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "common/suggest.h"
#include "supervisor/config/yaml.h"

/* Whether `section` (empty: the top level) has the key in a later version, which deserves a better
 * answer than "unknown". */
bool key_is_of_later(struct view section, struct view key);
/* Refuses the member at its key, with the suggestion that was gathered. */
enum errc key_refuse(const struct yaml *member, struct view section, const struct suggest *s,
                     struct err *e);
/* Refuses the node unless it holds one of `words`, which end with NULL; a word of `later` is
 * answered as in key_is_of_later. */
enum errc word_check(const struct yaml *node, const char *const *words, const char *const *later,
                     struct err *e) MUST_CHECK;
/* "full or relaxed" into out of `size` bytes; returns it. */
const char *words_text(const char *const *words, char *out, size_t size);

#endif
