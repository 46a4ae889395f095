// The pause guard, from both ends.

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>

#include "src/hypervisor/pause_guard.h"
#include "tests/src/shim/shim_fixture.h"

namespace chrysalis::hypervisor {
namespace {

constexpr const char* kResume = "PUT /api/v1/vm.resume HTTP/1.1\r\n\r\n";

class Guard : public ShimTest {
 protected:
  void SetUp() override {
    ShimTest::SetUp();
    if (IsSkipped()) return;
    auto spec = probe({"serve"});
    spec.api_socket = "api.sock";
    spec.resume_request = kResume;
    auto process = run(spec);
    ASSERT_TRUE(process) << process.error().message;
  }

  // Waits, bounded, until the VMM was asked `text`.
  bool asked(const std::string& text) {
    return until([&] { return slurp(generation_ / "requests") == text; });
  }

  // Looks again at each change of the generation's directory, bounded.
  bool until(const std::function<bool()>& holds) {
    const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(watch.get(), generation_.c_str(),
                        IN_CREATE | IN_MODIFY);
    const Mono end = soon();
    while (!holds()) {
      struct pollfd entry = {watch.get(), POLLIN, 0};
      const auto left = std::chrono::duration_cast<milliseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0 ||
          ::poll(&entry, 1, static_cast<int>(left.count())) <= 0)
        return false;
      char events[4096];
      while (::read(watch.get(), events, sizeof events) > 0) {
      }
    }
    return true;
  }

  Result<PauseGuard> connect() {
    return PauseGuard::connect(files_.socket, soon());
  }
};

TEST_F(Guard, DisarmedInTimeItNeverActs) {
  auto guard = connect();
  ASSERT_TRUE(guard) << guard.error().message;
  ASSERT_TRUE(guard->arm(seconds{3600}, soon()));
  EXPECT_EQ(*guard->disarm(soon()), GuardFired::kNot);
  guard = connect();  // closes the first, disarmed: nothing to do
  EXPECT_EQ(*guard->last(soon()), GuardFired::kNot);
  EXPECT_EQ(slurp(generation_ / "requests"), "");
}

TEST_F(Guard, DeadlineResumesAndIsRemembered) {
  auto guard = connect();
  ASSERT_TRUE(guard) << guard.error().message;
  ASSERT_TRUE(guard->arm(milliseconds{1}, soon()));
  EXPECT_TRUE(asked(kResume));
  EXPECT_EQ(*guard->disarm(soon()), GuardFired::kDeadline);
  EXPECT_EQ(*guard->last(soon()), GuardFired::kDeadline);
}

TEST_F(Guard, ClosedConnectionResumesAndTheSuccessorIsTold) {
  {
    auto guard = connect();
    ASSERT_TRUE(guard) << guard.error().message;
    ASSERT_TRUE(guard->arm(seconds{3600}, soon()));
  }
  EXPECT_TRUE(asked(kResume));
  auto successor = connect();
  ASSERT_TRUE(successor) << successor.error().message;
  EXPECT_EQ(*successor->last(soon()), GuardFired::kClosed);
}

TEST_F(Guard, ArmedGuardIsNotTakenOver) {
  auto guard = connect();
  ASSERT_TRUE(guard) << guard.error().message;
  ASSERT_TRUE(guard->arm(seconds{3600}, soon()));
  auto other = connect();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(*guard->disarm(soon()), GuardFired::kNot);
}

// The VMM put a link to another's socket in the place of its own.
TEST_F(Guard, ALinkIsNotFollowed) {
  const UniqueFd other(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  (root_ / "other")
      .native()
      .copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof address),
            0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  {
    auto guard = connect();  // once as it should be: the VMM is up
    ASSERT_TRUE(guard) << guard.error().message;
    ASSERT_TRUE(guard->arm(milliseconds{0}, soon()));
    ASSERT_TRUE(asked(kResume));
  }
  std::filesystem::rename(generation_ / "api.sock", generation_ / "kept");
  std::filesystem::create_symlink(root_ / "other", generation_ / "api.sock");
  auto guard = connect();
  ASSERT_TRUE(guard) << guard.error().message;
  while (!guard->arm(milliseconds{0}, soon())) {
  }  // the answer to the first may be on its way
  // It fires before it answers, as it is due.
  EXPECT_EQ(*guard->last(soon()), GuardFired::kDeadline);
  struct pollfd entry = {other.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
  std::filesystem::rename(generation_ / "kept", generation_ / "api.sock");
  EXPECT_TRUE(asked(std::string(kResume) + kResume));  // it tries on
}

TEST_F(Guard, LostShimIsUnavailable) {
  auto shim = open_process(launched_[0].shim);
  ASSERT_TRUE(signal_process(shim->get(), 9));
  ASSERT_TRUE(wait_process(shim->get(), soon()));
  EXPECT_EQ(connect().error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace chrysalis::hypervisor
