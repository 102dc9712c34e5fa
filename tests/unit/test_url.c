/* Which texts can be the URL of a web request. */
#include "common/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
hosts_with_any_port_are_taken(void **state)
{
    static const char *const good[] = {
        "http://h",          "HTTPS://h/",           "http://h:1/",       "http://h:65535/a:0/b",
        "http://h:0080/",    "http://h:/",           "http://h?q=:99999", "http://h#:0",
        "http://[::1]/",     "http://[::1]:8080/",   "http://[::1]:/",    "http://u@h/",
        "http://u:0@h:80/x", "http://u:99999@h?a@b", "http://127.0.0.1:9"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        const char *problem = url_problem(view_str(good[i]));

        if (problem) fail_msg("%s %s", good[i], problem);
    }
}

static void
what_can_be_none_is_refused(void **state)
{
    static const char *const host = "names no host";
    static const char *const port = "names a port that is not one of 1 to 65535";
    static const struct {
        const char *url, *problem;
    } bad[] = {
        {"",                               "is not an http:// or https:// URL"                    },
        {"ftp://h",                        "is not an http:// or https:// URL"                    },
        {"http:/h",                        "is not an http:// or https:// URL"                    },
        {"http://h /",                     "holds a blank, or a character that a URL gives as %XX"},
        {"http://",                        host                                                   },
        {"http:///x",                      host                                                   },
        {"http://?x",                      host                                                   },
        {"http://:80/",                    host                                                   },
        {"http://u@/",                     host                                                   },
        {"http://u@:80/",                  host                                                   },
        {"http://[::1/",                   host                                                   },
        {"http://h:0/",                    port                                                   },
        {"http://h:00",                    port                                                   },
        {"https://x:99999/",               port                                                   },
        {"http://h:65536",                 port                                                   },
        {"http://h:-1/",                   port                                                   },
        {"http://h:+1/",                   port                                                   },
        {"http://h:8o/",                   port                                                   },
        {"http://h:80:80/",                port                                                   },
        {"http://h:4294967376/",           port                                                   },
        {"http://h:18446744073709551696/", port                                                   },
        {"http://[::1]:0/",                port                                                   },
        {"http://u:80@h:65536?x",          port                                                   },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *problem = url_problem(view_str(bad[i].url));

        if (!problem) fail_msg("%s is taken", bad[i].url);
        assert_string_equal(problem, bad[i].problem);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_with_any_port_are_taken),
        cmocka_unit_test(what_can_be_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
