// calls.cc - deep recursion, exceptions, virtual calls and threads in C++. Runs until it is ended.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<unsigned long> sink;

struct Shape {
	virtual ~Shape() = default;
	virtual double area(int depth) const = 0;
};

struct Square : Shape {
	double area(int depth) const override
	{
		std::vector<int> list;

		for (int i = 0; i < 64; i++)
			list.push_back((i * 7919 + depth) % 1000);
		std::sort(list.begin(), list.end());
		return depth ? area(depth - 1) + list[3] : list[5];
	}
};

int thrower(int depth)
{
	std::string kept(static_cast<std::size_t>(depth) + 20, 'x');

	if (depth == 0)
		throw std::runtime_error(kept);
	return thrower(depth - 1) + static_cast<int>(kept.size());
}

void round(int number)
{
	std::unique_ptr<Shape> shape(new Square);
	std::map<std::string, int> names;
	std::function<int(int)> twice = [](int x) { return x * 2; };
	std::regex pattern("(a+b*)+c?d");

	sink += static_cast<unsigned long>(shape->area(40));
	try {
		thrower(15);
	} catch (const std::exception &error) {
		names[error.what()] = twice(number);
	}
	sink += std::regex_match("aabbaabbaaabd", pattern);
	for (int i = 0; i < 50; i++)
		names[std::to_string(i * number)]++;
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<std::thread> threads;
	int count = argc > 1 ? std::atoi(argv[1]) : 0;

	for (int i = 0; i < count; i++)
		threads.emplace_back([] {
			for (int n = 0;; n++)
				round(n);
		});
	for (int n = 0;; n++)
		round(n);
}
