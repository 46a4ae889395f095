// Linked into each test program that uses cpprestsdk, and registers itself.

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

#include <latch>
#include <memory>

namespace chrysalis::kube::testing {
namespace {

// The library's pool is stopped at exit, not drained: a task that still waits
// in it is never freed. And its threads end after OpenSSL has cleaned up: what
// OpenSSL keeps for each of them would look like a leak of ours, too.
class GiveBack final : public ::testing::Environment {
 public:
  void TearDown() override {
    constexpr int kThreads = 2;
    struct Gates {
      std::latch held{kThreads};
      std::latch drained{1};
      std::latch over{kThreads};
    };
    auto gates = std::make_shared<Gates>();
    auto& service = crossplat::threadpool::shared_instance().service();
    for (int i = 0; i < kThreads; ++i)
      service.post([gates] {
        gates->held.count_down();
        gates->drained.wait();
        OPENSSL_thread_stop();
        gates->over.count_down();
      });
    gates->held.wait();  // from here on only this thread runs its tasks
    while (service.poll() != 0) {
    }
    gates->drained.count_down();
    gates->over.wait();
  }
};
const auto* const kGiveBack = ::testing::AddGlobalTestEnvironment(new GiveBack);

}  // namespace
}  // namespace chrysalis::kube::testing
