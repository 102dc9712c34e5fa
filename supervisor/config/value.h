/* value - numbers, durations and sizes as a configuration writes them. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "supervisor/config/yaml.h"

enum value_kind {
    VALUE_NUMBER,   /* an integer */
    VALUE_DURATION, /* ms; "5m" or a number of seconds */
    VALUE_BYTES     /* an integer, or one with K, M or G (1024s) behind it */
};

struct value_range {
    enum value_kind kind;
    bool            is_nullable; /* "null": NO_LIMIT */
    int64_t         low, high;
};

#define VALUE_ALLOWED_MAX 128

/* False when `text` is no such value or out of range. */
bool value_parse(const struct value_range *r, struct view text, int64_t *out);
/* The same of a node, which must also be of a type that such a value may have. */
enum errc value_read(const struct value_range *r, const struct yaml *node, int64_t *out,
                     struct err *e) MUST_CHECK;
/* "an integer from 1 to 10, or null" into out, of VALUE_ALLOWED_MAX bytes; returns it. */
const char *value_allowed(const struct value_range *r, char *out);

/* Appends a list of durations as a packed list of ms; 1 to LADDER_MAX of them. */
enum errc value_read_ladder(const struct yaml *node, struct buf *out, struct err *e) MUST_CHECK;
/* The text of a string, number or boolean, as written, without NUL. */
enum errc value_read_text(const struct yaml *node, struct view *out, struct err *e) MUST_CHECK;

#define LADDER_STEP ((struct value_range){VALUE_DURATION, false, 0, YEARS_100_MS})

#endif
