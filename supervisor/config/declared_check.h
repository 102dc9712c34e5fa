/* declared_check - the rules of declared objects that no single field shows. */
#ifndef CONFIG_DECLARED_CHECK_H
#define CONFIG_DECLARED_CHECK_H

#include "supervisor/config/declared.h"

/* Takes company and name from the message, and checks the object by itself. */
enum errc declared_identify(struct declared_object *o, enum declared_kind kind,
                            struct err *e) MUST_CHECK;
/* Whether everything that is referred to is declared or built in. */
enum errc declared_check(const struct declared *d, struct err *e) MUST_CHECK;
/* Whether a handler of `default` that this names is declared or built in. */
bool declared_has_handler(const struct declared *d, struct view ref);
/* Whether a sink of this name is declared. */
bool declared_has_sink(const struct declared *d, struct view name);

/* Whether `name` can be a variable that a handler's environment may be given. */
enum errc declared_check_variable(const struct yaml *at, struct view name,
                                  struct err *e) MUST_CHECK;

/* At the object's name, or where its body begins. */
enum errc declared_refuse(const struct declared_object *o, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t declared_line(const struct declared_object *o);

#endif
