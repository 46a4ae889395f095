#include "src/engine/hands/watch_thread.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <thread>

namespace chrysalis::engine {
namespace {

constexpr const char* kEnded =
    "{\"source\":\"vm\",\"event\":\"shutdown\",\"properties\":null}\n\n";

class WatchThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "watchXXXXXX";
    root_ = ::mkdtemp(name.data());
    auto watch = WatchThread::start();
    ASSERT_TRUE(watch) << watch.error().message;
    watch_ = std::move(*watch);
    watch_->tell([this](const std::string& uid) {
      const std::lock_guard lock(mutex_);
      told_.insert(uid);
      changed_.notify_all();
    });
    self_.reset(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  }
  void TearDown() override {
    watch_.reset();
    std::filesystem::remove_all(root_);
  }

  std::filesystem::path directory(const std::string& uid) {
    return root_ / uid;
  }
  // As a VM whose VMM lives as long as this test.
  void watch(const std::string& uid) {
    std::filesystem::create_directory(directory(uid));
    watch_->watch(uid, self_.get(), directory(uid) / "events");
  }
  bool told(size_t of) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds{20},
                             [&] { return told_.size() == of; });
  }
  std::set<std::string> told_so_far() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  std::filesystem::path root_;
  UniqueFd self_;
  std::unique_ptr<WatchThread> watch_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> told_;
};

// The lock is what every lane of the node needs.
TEST_F(WatchThreadTest, AVmmThatWritesWithoutEndHoldsUpNobody) {
  watch("vm-1");
  watch("vm-2");
  std::ofstream(directory("vm-1") / "events") << '{';
  std::filesystem::resize_file(directory("vm-1") / "events",
                               hypervisor::EventFile::kMaxFile * 2);
  watch("vm-3");  // takes the lock
  std::ofstream(directory("vm-2") / "events") << kEnded;
  std::ofstream(directory("vm-3") / "events") << kEnded;
  // Given up with a look, as nobody will hear of it any more.
  EXPECT_TRUE(told(3));
}

// Whoever is told goes next.
TEST_F(WatchThreadTest, NewsOnTheirWayAreWaitedFor) {
  std::latch entered(1), go(1);
  std::atomic<bool> finished = false;
  watch_->tell([&](const std::string&) {
    entered.count_down();
    go.wait();
    finished = true;
  });
  watch("vm-1");
  std::ofstream(directory("vm-1") / "events") << kEnded;
  entered.wait();
  std::thread releaser([&] { go.count_down(); });
  watch_->stop();
  EXPECT_TRUE(finished);
  releaser.join();
  watch("vm-2");  // as a lane may that ends
  watch_->forget("vm-2");
}

size_t inotify_instances() {
  size_t count = 0;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(fd, gone) == "anon_inode:inotify")
      ++count;
  }
  return count;
}

// The kernel gives 128 to a user.
TEST_F(WatchThreadTest, OneInotifyInstanceHearsOfEveryVm) {
  constexpr size_t kMany = 200;
  for (size_t i = 0; i < kMany; ++i) watch("vm-" + std::to_string(i));
  EXPECT_EQ(inotify_instances(), 1U);
  for (size_t i = 0; i < kMany; ++i)
    std::ofstream(directory("vm-" + std::to_string(i)) / "events") << kEnded;
  EXPECT_TRUE(told(kMany));
  watch_->forget("vm-0");
  std::ofstream(directory("vm-0") / "events", std::ios::app) << kEnded;
  std::ofstream(directory("vm-1") / "events", std::ios::app) << kEnded;
  EXPECT_TRUE(told(kMany));
}

}  // namespace
}  // namespace chrysalis::engine
