#include "net/memory_limit.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>
#include <sys/resource.h>

using namespace beckon::net;

namespace {

/// A file system of its own, as cgroup_limit sees it.
class made_up_system {
public:
  made_up_system() {
    std::string name = "/tmp/beckon-limit-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~made_up_system() { std::filesystem::remove_all(root_); }
  made_up_system(const made_up_system&) = delete;
  made_up_system& operator=(const made_up_system&) = delete;

  void write(const std::string& path, const std::string& text) {
    auto file = root_ + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }
  const std::string& root() const { return root_; }

private:
  std::string root_;
};

constexpr auto version_2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
constexpr auto version_1 =
    "33 30 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "34 30 0:30 / /sys/fs/cgroup/memory rw,relatime shared:15 - cgroup cgroup rw,memory\n";

} // namespace

BOOST_AUTO_TEST_SUITE(net_memory_limit)

BOOST_AUTO_TEST_CASE(the_tightest_of_the_groups_around_the_process_holds) {
  made_up_system made;
  made.write("/proc/self/mountinfo", version_2);
  made.write("/proc/self/cgroup", "0::/system.slice/beckon.service\n");
  made.write("/sys/fs/cgroup/system.slice/beckon.service/memory.max", "268435456\n");
  made.write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  cgroup_limit limit(made.root());
  BOOST_TEST(limit.bytes().value_or(0) == 268'435'456U);
  made.write("/sys/fs/cgroup/system.slice/memory.max", "1048576\n"); // changed while it runs
  BOOST_TEST(limit.bytes().value_or(0) == 1'048'576U);
}

BOOST_AUTO_TEST_CASE(in_a_container_the_group_is_the_root_of_what_it_sees) {
  made_up_system made;
  made.write("/proc/self/mountinfo", version_2);
  made.write("/proc/self/cgroup", "0::/\n");
  made.write("/sys/fs/cgroup/memory.max", "536870912\n");
  BOOST_TEST(cgroup_limit(made.root()).bytes().value_or(0) == 536'870'912U);
}

BOOST_AUTO_TEST_CASE(version_1_is_read_too) {
  made_up_system made;
  made.write("/proc/self/mountinfo", version_1);
  made.write("/proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/box/one\n0::/\n");
  made.write("/sys/fs/cgroup/memory/box/one/memory.limit_in_bytes", "134217728\n");
  made.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  BOOST_TEST(cgroup_limit(made.root()).bytes().value_or(0) == 134'217'728U);
}

BOOST_AUTO_TEST_CASE(a_mount_of_a_part_of_the_tree_is_walked_from_there) {
  made_up_system made;
  made.write("/proc/self/mountinfo",
             "34 30 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  made.write("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
  made.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n");
  made.write("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "33554432\n");
  BOOST_TEST(cgroup_limit(made.root()).bytes().value_or(0) == 33'554'432U);
}

BOOST_AUTO_TEST_CASE(without_a_limit_or_a_group_there_is_none) {
  made_up_system made;
  BOOST_TEST(!cgroup_limit(made.root()).bytes());
  made.write("/proc/self/mountinfo", version_2);
  made.write("/proc/self/cgroup", "0::/\n");
  BOOST_TEST(!cgroup_limit(made.root()).bytes());
  made.write("/sys/fs/cgroup/memory.max", "max\n");
  BOOST_TEST(!cgroup_limit(made.root()).bytes());
}

BOOST_AUTO_TEST_CASE(what_the_process_has_is_what_the_system_says) {
  static constexpr std::size_t bytes = 64 << 20;
  auto before = memory_of_process();
  BOOST_TEST(before.address_space >= before.resident);
  BOOST_TEST(before.resident > 0U);
  auto* more = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(more != MAP_FAILED);
  BOOST_TEST(memory_of_process().address_space == before.address_space + bytes);
  ::munmap(more, bytes);
  BOOST_TEST(memory_of_machine() > before.resident);
}

BOOST_AUTO_TEST_CASE(a_limit_of_address_space_is_seen_when_it_comes_and_goes) {
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit now{std::uint64_t{1} << 50, before.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_AS, &now) == 0);
  BOOST_TEST(address_space_limit().value_or(0) == std::uint64_t{1} << 50);
  ::setrlimit(RLIMIT_AS, &before);
  BOOST_TEST((address_space_limit().has_value() == (before.rlim_cur != RLIM_INFINITY)));
}

BOOST_AUTO_TEST_SUITE_END()
