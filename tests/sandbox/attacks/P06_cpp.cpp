/* SPDX-License-Identifier: MIT
 * title: the library of C++
 * tries: threads, futures, file systems, exceptions, atomics, locales
 * flags: -pthread
 * stdout: "10 42 4 caught 1000\n"
 */
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>
int main()
{
	std::atomic<int> n{ 0 };
	std::vector<std::thread> threads;
	for (int i = 0; i < 10; i++)
		threads.emplace_back([&] { n++; });
	for (auto &t : threads)
		t.join();
	std::cout << n << ' ' << std::async(std::launch::async, [] { return 42; }).get() << ' ';
	std::ofstream("a") << "text";
	std::filesystem::copy_file("a", "b");
	std::cout << std::filesystem::file_size("b") << ' ';
	try {
		throw std::runtime_error("x");
	} catch (const std::exception &) {
		std::cout << "caught ";
	}
	std::cout << std::vector<int>(1000).size() << std::endl;
}
