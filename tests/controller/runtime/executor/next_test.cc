// The loop of a worker, on the thread of the test.

#include "controller/runtime/executor/next.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/fakes/fake_timer.h"

namespace chrysalis::runtime {
namespace {

TEST(WorkOff, AnExceptionIsAFailureOfItsKeyAlone) {
  FakeTimer timer;
  WorkQueue queue(timer);
  for (const char* name : {"bad", "odd", "good"}) queue.add({"ns", name});
  std::string worked;
  work_off(
      queue,
      [&](const ObjectKey& key) -> Next {
        worked += key.name + " ";
        if (worked == "bad ") throw std::runtime_error("a bug");
        if (worked == "bad odd ") throw 7;
        if (key.name == "good") {
          EXPECT_EQ(queue.failures({"ns", "bad"}), 1);
          timer.advance(seconds{1});  // the back-off is over
        }
        if (key.name == "odd") queue.shut_down();
        return {};
      },
      [] { ADD_FAILURE() << "nothing was refused"; });
  EXPECT_EQ(worked, "bad odd good bad odd ");
}

TEST(WorkOff, WhatFoundNoRoomIsAddedAnewOnceThereIsRoom) {
  FakeTimer timer;
  WorkQueue queue(timer, {.max_keys = 2});
  EXPECT_TRUE(queue.add({"ns", "a"}));
  EXPECT_TRUE(queue.add({"ns", "b"}));
  EXPECT_FALSE(queue.add({"ns", "c"}));
  std::string worked;
  work_off(
      queue,
      [&](const ObjectKey& key) -> Next {
        worked += key.name;
        if (key.name == "c") queue.shut_down();
        return {};
      },
      [&] { queue.add({"ns", "c"}, kLowPriority); });
  EXPECT_EQ(worked, "abc");
}

}  // namespace
}  // namespace chrysalis::runtime
