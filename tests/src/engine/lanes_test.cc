#include "src/engine/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace chrysalis::engine {
namespace {

TEST(Lanes, OneKeyIsSerialAndInOrder) {
  Lanes lanes(4);
  std::vector<int> seen;  // unguarded: the lane is the guard
  for (int i = 0; i < 200; ++i)
    lanes.post("a", [&seen, i] { seen.push_back(i); });
  lanes.drain();
  ASSERT_EQ(seen.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(Lanes, KeysRunInParallel) {
  Lanes lanes(2);
  std::latch both(2);  // passes only when two tasks are inside at once
  lanes.post("a", [&] { both.arrive_and_wait(); });
  lanes.post("b", [&] { both.arrive_and_wait(); });
  lanes.drain();
}

TEST(Lanes, ATaskMayPostToItsOwnLane) {
  Lanes lanes(1);
  std::atomic<int> count = 0;
  lanes.post("a", [&] {
    ++count;
    lanes.post("a", [&] { ++count; });
  });
  lanes.drain();
  EXPECT_EQ(count, 2);
}

TEST(Lanes, WaitingTasksAreDroppedAtTheEnd) {
  std::atomic<int> count = 0;
  std::latch begun(1);
  std::atomic<bool> go = false;
  {
    Lanes lanes(1);
    lanes.post("a", [&] {
      begun.count_down();
      go.wait(false);
      ++count;
    });
    for (int i = 0; i < 5; ++i) lanes.post("a", [&] { ++count; });
    begun.wait();
    std::thread release([&] {
      go = true;
      go.notify_all();
    });
    release.join();
  }
  EXPECT_GE(count, 1);
}

}  // namespace
}  // namespace chrysalis::engine
