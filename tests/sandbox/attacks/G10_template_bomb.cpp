/* SPDX-License-Identifier: MIT
 * title: a bomb of templates
 * tries: an exponential number of instances
 * compile-limits: memoryBytes=160M cpuMs=2500
 * verdict: compile_error
 * compile: memory_limit | cpu_time_limit | compile_error | runtime_error
 */
template <int N, class T> struct bomb {
	typedef typename bomb<N - 1, bomb<N, T>>::type left;
	typedef typename bomb<N - 1, bomb<N, bomb<N, T>>>::type right;
	typedef bomb<N, left> type;
};
template <class T> struct bomb<0, T> {
	typedef T type;
};
int main()
{
	return sizeof(bomb<22, int>::type);
}
