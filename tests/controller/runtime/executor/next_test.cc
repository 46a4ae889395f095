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
  work_off(queue, [&](const ObjectKey& key) -> Next {
    worked += key.name + " ";
    if (worked == "bad ") throw std::runtime_error("a bug");
    if (worked == "bad odd ") throw 7;
    if (key.name == "good") {
      EXPECT_EQ(queue.failures({"ns", "bad"}), 1);
      timer.advance(seconds{1});  // the back-off is over
    }
    if (key.name == "odd") queue.shut_down();
    return {};
  });
  EXPECT_EQ(worked, "bad odd good bad odd ");
}

}  // namespace
}  // namespace chrysalis::runtime
