#include "supervisor/config/keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LATER "not supported by this version"

static const struct {
    const char *section;
    const char *key;
} later_keys[] = {
    {"",         "heartbeat"        },
    {"",         "cycles"           },
    {"daemon",   "watchdog_interval"},
    {"handlers", "url"              },
};

bool
key_is_of_later(struct view section, struct view key)
{
    for (size_t i = 0; i < ARRAY_LEN(later_keys); i++) {
        if (view_is(section, later_keys[i].section) && view_is(key, later_keys[i].key)) {
            return true;
        }
    }
    return false;
}

enum errc
key_refuse(const struct yaml *member, struct view section, const struct suggest *s, struct err *e)
{
    if (key_is_of_later(section, member->key)) return yaml_refuse_key(member, e, LATER);
    yaml_refuse_key(member, e, "unknown key");
    return suggest_hint(s, e);
}

const char *
words_text(const char *const *words, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; words[i]; i++) {
        const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";
        int         len = snprintf(out + used, size - used, "%s%s", between, words[i]);

        assert(len > 0 && (size_t)len < size - used);
        used += (size_t)len;
    }
    return out;
}

enum errc
word_check(const struct yaml *node, const char *const *words, const char *const *later,
           struct err *e)
{
    struct suggest s = suggest_for(node->text);
    char           allowed[128];

    if (node->type == YAML_STRING && view_is_any(node->text, words)) return E_OK;
    if (node->type == YAML_STRING && view_is_any(node->text, later)) {
        return yaml_refuse_found(node, e, LATER);
    }
    for (size_t i = 0; words[i]; i++)
        suggest_offer(&s, view_str(words[i]));
    yaml_refuse_found(node, e, "allowed: %s", words_text(words, allowed, sizeof(allowed)));
    return suggest_hint(&s, e);
}
