#include "tests/torture/kinds.h"

#include <assert.h>
#include <string.h>

static const struct kind_rule rules[KIND_COUNT] = {
#define K(name, handler, attempts, ends, output, weight) \
    {#name, handler, attempts, ends, output, weight},
    KINDS(K)
#undef K
};

const struct kind_rule *
kind_rule(enum kind k)
{
    assert(k < KIND_COUNT);
    return &rules[k];
}

enum kind
kind_from(const char *name)
{
    enum kind k = 0;

    while (k < KIND_COUNT && strcmp(rules[k].name, name) != 0)
        k++;
    return k;
}

bool
kind_is_recorded(enum kind k)
{
    static const char *const builtin[] = {"noop", "echo", "sleep"};

    for (unsigned i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
        if (strcmp(kind_rule(k)->handler, builtin[i]) == 0) return false;
    }
    return true;
}

bool
kind_is_unique(enum kind k)
{
    return k >= KIND_unique_return && k <= KIND_unique_replace;
}
