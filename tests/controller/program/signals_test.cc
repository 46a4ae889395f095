#include "controller/program/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace chrysalis::program {
namespace {

TEST(Signals, AWakeAndASignalAreToldApart) {
  const auto signals = Signals::take();
  ASSERT_TRUE(signals);
  std::thread([&] { (*signals)->wake(); }).join();
  EXPECT_EQ((*signals)->wait(), Signals::Came::kWake);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ((*signals)->wait(), Signals::Came::kSignal);
}

TEST(SignalsDeathTest, ASecondSignalKills) {
  EXPECT_EXIT(
      {
        const auto signals = Signals::take();
        ::kill(::getpid(), SIGINT);
        (*signals)->wait();
        ::kill(::getpid(), SIGTERM);
        ::_exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(SignalsDeathTest, AWriteToAPeerThatWentKillsNobody) {
  EXPECT_EXIT(
      {
        const auto signals = Signals::take();
        int ends[2];
        if (::pipe(ends) != 0) ::_exit(1);
        ::close(ends[0]);
        ::_exit(::write(ends[1], "x", 1) == -1 ? 7 : 0);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace chrysalis::program
