/* SPDX-License-Identifier: MIT
 * title: a loop at compile time
 * tries: compute in the compiler for as long as it goes
 * compile-limits: cpuMs=800
 * verdict: compile_error
 * compile: cpu_time_limit | compile_error
 */
constexpr long spin(long n)
{
	long s = 0;
	for (long i = 0; i < n; i++)
		s += i * n;
	return s;
}
constexpr long a[] = { spin(250000), spin(250001), spin(250002), spin(250003), spin(250004), spin(250005), spin(250006),
		       spin(250007), spin(250008), spin(250009), spin(250010), spin(250011), spin(250012), spin(250013) };
int main()
{
	return (int)a[0];
}
