#include "common/listen.h"

#include <ctype.h>

#define PORT_MAX 65535

static bool
take_port(struct view digits, int *port)
{
    int n = 0;

    if (digits.size == 0 || digits.size > 5) return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (!isdigit((unsigned char)digits.data[i])) return false;
        n = 10 * n + (digits.data[i] - '0');
    }
    *port = n;
    return n <= PORT_MAX;
}

/* An address with colons stands in brackets. */
static bool
take_address(struct view text, struct view *address)
{
    bool has_brackets = text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']';

    *address = has_brackets ? view_of(text.data + 1, text.size - 2) : text;
    for (size_t i = 0; i < address->size; i++) {
        if (strchr("[] ", address->data[i]) || (address->data[i] == ':' && !has_brackets)) {
            return false;
        }
    }
    return address->size > 0;
}

enum errc
listen_parse(struct view text, struct view *address, int *port, struct err *e)
{
    size_t end = text.size;

    while (end > 0 && text.data[end - 1] != ':')
        end--;
    if (end == 0 || !take_address(view_of(text.data, end - 1), address) ||
        !take_port(view_of(text.data + end, text.size - end), port)) {
        return err_set(e, E_BAD_REQUEST, "\"%.*s\" is not " LISTEN_ALLOWED, VIEW_ARG(text));
    }
    return E_OK;
}
