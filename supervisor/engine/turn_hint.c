#include "supervisor/engine/turn_hint.h"

#include "common/mp.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX 9 /* more is no number of turns */

static void
skip(struct view *text, size_t size)
{
    text->data += size;
    text->size -= size;
}

/* Takes `word` from the front in either case; false, and nothing taken, when it is not there. */
static bool
take_word(struct view *text, const char *word)
{
    size_t size = strlen(word);

    if (text->size < size || strncasecmp(text->data, word, size) != 0) return false;
    skip(text, size);
    return true;
}

static void
take_spaces(struct view *text)
{
    while (text->size > 0 && isspace((unsigned char)text->data[0]))
        skip(text, 1);
}

static int64_t
take_number(struct view *text)
{
    int64_t n = 0;
    size_t  digits = 0;

    while (digits < text->size && digits <= DIGITS_MAX &&
           isdigit((unsigned char)text->data[digits]))
        n = n * 10 + (text->data[digits++] - '0');
    skip(text, digits);
    return digits <= DIGITS_MAX ? n : 0;
}

/* What follows "max" or "maximum". */
static int64_t
limit_in_front(struct view text)
{
    int64_t n;

    if (!take_word(&text, "imum")) (void)take_word(&text, "."); /* or neither */
    take_spaces(&text);
    if (take_word(&text, "of")) take_spaces(&text);
    n = take_number(&text);
    if (!take_word(&text, "-")) take_spaces(&text);
    return take_word(&text, "turn") ? n : 0;
}

static int64_t
hint_in(struct view text)
{
    while (text.size > 0) {
        int64_t n = take_word(&text, "max") ? limit_in_front(text) : 0;

        if (n > 0) return n;
        /* To the next word. */
        while (text.size > 0 && isalnum((unsigned char)text.data[0]))
            skip(&text, 1);
        while (text.size > 0 && !isalnum((unsigned char)text.data[0]))
            skip(&text, 1);
    }
    return 0;
}

/* Containers are read by their headers only, so that their items follow one after the other. */
int64_t
turn_hint(struct view payload)
{
    struct mp_reader r = mp_reader_of(payload);

    while (!r.failed && r.at < r.end) {
        struct view v;
        uint32_t    count;
        int64_t     n;

        switch (mp_peek(&r)) {
        case MP_MAP: (void)mp_read_map(&r, &count); break;
        case MP_ARRAY: (void)mp_read_array(&r, &count); break;
        case MP_STR:
            if (mp_read_str(&r, &v) && (n = hint_in(v)) > 0) return n;
            break;
        default: (void)mp_read_any(&r, &v); break;
        }
    }
    return 0;
}
