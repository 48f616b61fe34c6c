/* SPDX-License-Identifier: MIT
 * title: a source of noise
 * tries: crash the compiler with random bytes, for as long as they come
 * compile-limits: memoryBytes=96M wallMs=4000 cpuMs=2000 outputBytes=100000
 * verdict: compile_error
 */
#include "/dev/urandom"
