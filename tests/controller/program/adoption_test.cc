#include "controller/program/adoption.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <latch>

namespace chrysalis::program {
namespace {

// It has much to look at: adopt() returns when the test says so.
class SlowEngine final : public engine::Engine {
 public:
  explicit SlowEngine(Result<> result) : result_(std::move(result)) {}
  Result<> adopt() override {
    begun.count_down();
    go.wait();
    return result_;
  }
  Result<> submit(const std::string&, engine::Request) override { return {}; }
  [[nodiscard]] engine::VmView view(const std::string&) const override {
    return {};
  }
  [[nodiscard]] engine::SnapshotView snapshot(
      const std::string&) const override {
    return {};
  }
  [[nodiscard]] std::vector<std::string> vms() const override { return {}; }
  [[nodiscard]] std::vector<std::string> snapshots() const override {
    return {};
  }
  void on_change(Changed) override {}

  std::latch begun{1}, go{1};

 private:
  const Result<> result_;
};

TEST(Adoption, ASignalIsHeardWhileItLasts) {
  const auto signals = Signals::take();
  ASSERT_TRUE(signals);
  SlowEngine engine({});
  const Adoption adoption(engine, **signals);
  engine.begun.wait();
  ::kill(::getpid(), SIGTERM);
  const auto adopted = adoption.await(**signals);
  ASSERT_TRUE(adopted);
  EXPECT_FALSE(*adopted);
  EXPECT_FALSE(adoption.ended());
  engine.go.count_down();
}

TEST(Adoption, ItsEndWakesWhoeverWaitsAndSaysHowItWent) {
  const auto signals = Signals::take();
  ASSERT_TRUE(signals);
  SlowEngine engine(fail(Code::kCorrupt, "a record"));
  const Adoption adoption(engine, **signals);
  engine.go.count_down();
  const auto adopted = adoption.await(**signals);
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().message, "a record");
}

}  // namespace
}  // namespace chrysalis::program
