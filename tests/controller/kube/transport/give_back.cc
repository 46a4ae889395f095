// Linked into each test program that uses cpprestsdk, and registers itself.

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <pplx/threadpool.h>

#include <latch>
#include <memory>

namespace chrysalis::kube::testing {
namespace {

// The library's threads end after OpenSSL has cleaned up at exit; what OpenSSL
// keeps for each of them would look like a leak of ours.
class GiveBack final : public ::testing::Environment {
 public:
  void TearDown() override {
    constexpr int kThreads = 2;
    auto all = std::make_shared<std::latch>(kThreads + 1);
    for (int i = 0; i < kThreads; ++i)
      crossplat::threadpool::shared_instance().service().post([all] {
        OPENSSL_thread_stop();
        all->arrive_and_wait();
      });
    all->arrive_and_wait();
  }
};
const auto* const kGiveBack = ::testing::AddGlobalTestEnvironment(new GiveBack);

}  // namespace
}  // namespace chrysalis::kube::testing
