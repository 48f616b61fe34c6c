/* SPDX-License-Identifier: MIT */
/* cmocka with the headers it forgets to include, and tests named after what they promise. */
#ifndef BASE_UNIT_H
#define BASE_UNIT_H

/* cmocka.h needs the three before it, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define TEST(name) static void name(void **state_ __attribute__((unused)))

#define UNIT_MAIN(...)                                             \
	int main(void)                                             \
	{                                                          \
		const struct CMUnitTest tests[] = { __VA_ARGS__ }; \
		return cmocka_run_group_tests(tests, NULL, NULL);  \
	}

#define T(name) cmocka_unit_test(name)

#endif
