/* SPDX-License-Identifier: MIT
 * title: includes itself
 * tries: two includes of itself in itself, 2^200 times
 * compile-limits: cpuMs=1500 memoryBytes=128M outputBytes=200000
 * verdict: compile_error
 */
#include __FILE__
#include __FILE__
