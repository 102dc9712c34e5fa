#include "common/suggest.h"

#include <string.h>

#define EDITS_MAX 2

static size_t
min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string
 * alignment), row by row. */
static size_t
edit_distance(struct view a, struct view b)
{
    size_t rows[3][SUGGEST_WORD_MAX + 1];

    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        const size_t *above2 = rows[(i + 1) % 3];
        const size_t *above = rows[(i - 1) % 3];
        size_t       *row = rows[i % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t cost = a.data[i - 1] != b.data[j - 1];

            row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1]) {
                row[j] = min(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[a.size % 3][b.size];
}

struct suggest
suggest_for(struct view word)
{
    return (struct suggest){.word = word, .distance = EDITS_MAX + 1};
}

void
suggest_offer(struct suggest *s, struct view known)
{
    /* A short word is two edits away from nearly anything. */
    if (s->word.size > SUGGEST_WORD_MAX || known.size > SUGGEST_WORD_MAX ||
        min(s->word.size, known.size) < 3)
        return;
    size_t distance = edit_distance(s->word, known);
    if (distance >= s->distance) return;
    s->distance = distance;
    memcpy(s->best, known.data, known.size);
    s->best[known.size] = '\0';
}

enum errc
suggest_hint(const struct suggest *s, struct err *e)
{
    return s->best[0] ? err_hint(e, "did you mean \"%s\"?", s->best) : e->code;
}
