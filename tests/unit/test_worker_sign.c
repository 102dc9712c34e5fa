/* Signatures of webhooks (Standard Webhooks). */
#include "worker/delivery/sinkhttp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The example of the specification's libraries (standard-webhooks, its tests). */
static void
the_specifications_example_is_signed_as_there(void **state)
{
    char       out[SIGNATURE_MAX];
    struct err e = {0};

    (void)state;
    assert_int_equal(sinkhttp_sign(view_str("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                   view_str("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                                   view_str("{\"test\": 2432232314}"), out, &e),
                     E_OK);
    assert_string_equal(out, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/* printf 'id.5.body' | openssl dgst -sha256 -hmac 'plain text' -binary | base64 */
static void
any_other_text_is_the_key_itself(void **state)
{
    char       out[SIGNATURE_MAX];
    struct err e = {0};

    (void)state;
    assert_int_equal(
        sinkhttp_sign(view_str("plain text"), view_str("id"), 5, view_str("body"), out, &e), E_OK);
    assert_string_equal(out, "Rh5ldMoj7Mryf/Wsjihv6qtqpPEpFLzbtuuJYtWDdsY=");
}

static void
a_secret_that_is_none_is_refused(void **state)
{
    char       out[SIGNATURE_MAX];
    struct err e = {0};

    (void)state;
    assert_int_not_equal(sinkhttp_sign(view_str(""), view_str("id"), 5, view_str("body"), out, &e),
                         E_OK);
    assert_int_not_equal(
        sinkhttp_sign(view_str("whsec_***"), view_str("id"), 5, view_str("body"), out, &e), E_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specifications_example_is_signed_as_there),
        cmocka_unit_test(any_other_text_is_the_key_itself),
        cmocka_unit_test(a_secret_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
