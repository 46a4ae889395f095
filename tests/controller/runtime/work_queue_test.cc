#include "controller/runtime/work_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/fakes/fake_timer.h"

namespace chrysalis::runtime {
namespace {

// Case 40 with real threads; its value is under ThreadSanitizer.
TEST(WorkQueue, NeverHandsOneKeyToTwoWorkersAndLosesNoAdd) {
  constexpr int kKeys = 16;
  constexpr int kAdds = 4'000;
  FakeTimer timer;
  WorkQueue queue(timer);
  std::array<std::atomic<int>, kKeys> inside{};
  std::array<std::atomic<int>, kKeys> wanted{};  // version the producers saw
  std::array<std::atomic<int>, kKeys> seen{};    // version a worker acted on
  std::atomic<int> overlaps{0};

  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      while (const auto taken = queue.take()) {
        const auto k = static_cast<size_t>(std::stoi(taken->key.name));
        if (inside[k].fetch_add(1) != 0) ++overlaps;
        seen[k] = wanted[k].load();
        inside[k].fetch_sub(1);
        queue.done(taken->key);
      }
    });
  }
  std::vector<std::thread> producers;
  for (unsigned p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      for (unsigned i = 0; i < kAdds; ++i) {
        const size_t k = (i * 7 + p) % kKeys;
        ++wanted[k];
        queue.add({"", std::to_string(k)}, i % 2 == 0 ? 0 : kLowPriority);
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.drain();
  for (std::thread& worker : workers) worker.join();

  EXPECT_EQ(overlaps, 0);
  for (size_t k = 0; k < kKeys; ++k) EXPECT_EQ(seen[k], wanted[k]) << k;
}

TEST(WorkQueue, ShutDownFreesEveryWaitingWorker) {
  FakeTimer timer;
  WorkQueue queue(timer);
  queue.add_after({"", "later"}, std::chrono::hours{1});
  std::vector<std::thread> workers;
  for (int w = 0; w < 3; ++w) {
    workers.emplace_back([&] { EXPECT_FALSE(queue.take()); });
  }
  ASSERT_TRUE(timer.await_deadlines(3));
  queue.shut_down();
  for (std::thread& worker : workers) worker.join();
  EXPECT_FALSE(queue.add({"", "a"}));
}

TEST(WorkQueue, WakesAWorkerAtTheTimeOfADelayedKey) {
  FakeTimer timer;
  WorkQueue queue(timer);
  std::optional<QueueState::Taken> taken;
  queue.add_after({"", "a"}, seconds{30});
  std::thread worker([&] { taken = queue.take(); });
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_EQ(queue.depth().delayed, 1U);
  timer.advance(seconds{30});
  worker.join();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->key.name, "a");
}

TEST(WorkQueue, AnEarlierTimeWakesAWorkerThatWaitsForALaterOne) {
  FakeTimer timer;
  WorkQueue queue(timer);
  std::optional<QueueState::Taken> taken;
  queue.add_after({"", "a"}, std::chrono::hours{1});
  std::thread worker([&] { taken = queue.take(); });
  ASSERT_TRUE(timer.await_deadlines());
  queue.add_after({"", "b"}, seconds{1});
  timer.advance(seconds{1});
  worker.join();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->key.name, "b");
  queue.shut_down();
}

}  // namespace
}  // namespace chrysalis::runtime
