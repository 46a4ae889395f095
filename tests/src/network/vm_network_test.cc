#include "src/network/vm_network.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "src/base/clock.h"
#include "src/base/unique_fd.h"

namespace chrysalis::network {
namespace {

using testing::ElementsAre;

constexpr const char* kVm = "0b5c7e1a-0000-4000-8000-000000000001";

TEST(Names, FitAndDiffer) {
  EXPECT_EQ(netns_name("abc"), "cvm-abc");
  EXPECT_LE(tap_name(4294967295, 99).size(), 15U);
  EXPECT_NE(tap_name(1, 0), throwaway_tap_name(1, 0));
}

TEST(MakeMac, IsStableLocalAndUnique) {
  EXPECT_EQ(make_mac(kVm, 7, 0), make_mac(kVm, 7, 0));
  std::set<std::string> seen;
  for (uint64_t op = 0; op < 100; ++op)
    for (size_t i = 0; i < 4; ++i) {
      const std::string mac = make_mac(kVm, op, i);
      EXPECT_EQ(mac.size(), 17U);
      EXPECT_TRUE(mac.starts_with("02:"));
      seen.insert(mac);
    }
  EXPECT_EQ(seen.size(), 400U);
}

class VmNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED LOUDLY: needs root";
    if (const auto able = VmNetwork("/").probe(); !able)
      GTEST_SKIP() << "SKIPPED LOUDLY: " << able.error().message;
    if (::unshare(CLONE_NEWNS) != 0)
      GTEST_SKIP() << "SKIPPED LOUDLY: needs a mount namespace";
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    char name[] = "/tmp/chrysalis-netns-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
  }
  void TearDown() override {
    if (root_.empty()) return;
    for (const auto& entry : std::filesystem::directory_iterator(root_))
      ::umount2(entry.path().c_str(), MNT_DETACH);
    std::filesystem::remove_all(root_);
  }

  template <class Work>
  void in_netns(Work work) {
    const UniqueFd fd(::open(net().netns_path(kVm).c_str(), O_RDONLY));
    std::thread([&] {
      ASSERT_EQ(::setns(fd.get(), CLONE_NEWNET), 0);
      work();
    }).join();
  }
  [[nodiscard]] VmNetwork net() const { return VmNetwork(root_); }
  // A VMM's view of its TAP.
  UniqueFd attach(const std::string& tap) {
    UniqueFd fd;
    in_netns([&] {
      fd.reset(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
      ifreq request{};
      tap.copy(request.ifr_name, IFNAMSIZ - 1);
      request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
      ASSERT_EQ(::ioctl(fd.get(), TUNSETIFF, &request), 0) << errno;
    });
    return fd;
  }
  // A raw socket on a device; sees and sends whole frames.
  UniqueFd packet(const std::string& device) {
    UniqueFd fd;
    in_netns([&] {
      fd.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0));
      sockaddr_ll at{};
      at.sll_family = AF_PACKET;
      at.sll_protocol = 0xb588;  // 0x88b5, local experiments
      at.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
      ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at),
                0);
    });
    return fd;
  }
  static std::string frame(char mark) {
    std::string out("\xff\xff\xff\xff\xff\xff\x02\x01\x02\x03\x04\x05\x88\xb5",
                    14);
    return out + std::string(50, mark);
  }
  // Reads until a frame with the mark came; false if one with `never` came
  // before it. Other frames are the kernel's.
  static bool arrives(int fd, char mark, char never = '\0',
                      milliseconds within = seconds{5}) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (std::chrono::steady_clock::now() < end) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      ::poll(&one, 1, 100);
      char bytes[2048];
      const ssize_t n = ::read(fd, bytes, sizeof bytes);
      if (n <= 0) continue;
      const std::string frame(bytes, static_cast<size_t>(n));
      const auto bears = [&](char c) {
        return frame.find(std::string(50, c)) != std::string::npos;
      };
      if (never != '\0' && bears(never)) return false;
      if (bears(mark)) return true;
    }
    return false;
  }
  [[nodiscard]] Result<void> ensure(std::vector<TapSpec> taps,
                                    std::vector<std::string> tied = {}) const {
    return net().ensure(kVm, {1, 1400, std::move(taps), std::move(tied)});
  }
  void make(std::vector<TapSpec> taps, std::vector<std::string> tied = {}) {
    const auto made = ensure(std::move(taps), std::move(tied));
    ASSERT_TRUE(made) << made.error().message;
  }
  std::filesystem::path root_;
};

TEST_F(VmNetworkTest, IsRepeatableAndGone) {
  for (int round = 0; round < 2; ++round)
    make({{"g1n0", 1400, 4242}}, {"g1n0"});
  const auto seen = net().census();
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->size(), 1U);
  EXPECT_EQ((*seen)[0].vm_uid, kVm);
  EXPECT_THAT((*seen)[0].taps, ElementsAre("g1n0"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(net().remove_taps(kVm, {"g1n0"}));
    EXPECT_TRUE(net().census()->at(0).taps.empty());
  }
  for (int round = 0; round < 2; ++round) EXPECT_TRUE(net().teardown(kVm));
  EXPECT_TRUE(net().census()->empty());
  EXPECT_TRUE(net().remove_taps(kVm, {"g1n0"}));
  EXPECT_EQ(net().switch_redirect(kVm, {}, {"g1n0"}).error().code,
            Code::kNotFound);
}

TEST_F(VmNetworkTest, MakesTheTapThatAVmmNeeds) {
  make({{"g1n0", 1400, 4242}});
  in_netns([] {
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "g1n0");
    ASSERT_EQ(::ioctl(fd.get(), SIOCGIFMTU, &request), 0);
    EXPECT_EQ(request.ifr_mtu, 1400);
    ASSERT_EQ(::ioctl(fd.get(), SIOCGIFFLAGS, &request), 0);
    EXPECT_TRUE(request.ifr_flags & IFF_UP);
    // Opened as root, attached as the user: this thread alone changes.
    for (const uid_t uid : {4243U, 4242U}) {
      const UniqueFd tap(::open("/dev/net/tun", O_RDWR));
      ifreq as{};
      std::strcpy(as.ifr_name, "g1n0");
      as.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
      ASSERT_EQ(::syscall(SYS_setresuid, -1, uid, -1), 0);
      const int attached = ::ioctl(tap.get(), TUNSETIFF, &as);
      ASSERT_EQ(::syscall(SYS_setresuid, -1, 0, -1), 0);
      EXPECT_EQ(attached == 0, uid == 4242U);
      if (attached != 0) continue;
      ASSERT_EQ(::ioctl(tap.get(), TUNGETIFF, &as), 0);
      EXPECT_TRUE(as.ifr_flags & IFF_PERSIST);
      EXPECT_TRUE(as.ifr_flags & IFF_VNET_HDR);
      EXPECT_FALSE(as.ifr_flags & IFF_MULTI_QUEUE);
    }
  });
}

TEST_F(VmNetworkTest, CarriesFramesAndMovesThem) {
  make({{"g1n0", 1400, 0}, {"g2n0", 1400, 0}}, {"g1n0"});
  const UniqueFd old_vm = attach("g1n0"), new_vm = attach("g2n0");
  const UniqueFd wire = packet("out0");
  const auto send = [&](char mark) {
    const std::string bytes = frame(mark);
    ASSERT_GT(::write(wire.get(), bytes.data(), bytes.size()), 0);
  };
  const auto send_from = [&](int vm, char mark) {
    const std::string bytes = std::string(10, '\0') + frame(mark);
    ASSERT_GT(::write(vm, bytes.data(), bytes.size()), 0);
  };
  // A device takes frames a moment after it got its carrier: the kernel's link
  // watch may be up to a second late, and drops them till then.
  const auto reaches = [&](int vm, char mark) {
    for (int i = 0; i < 100; ++i) {
      send(mark);
      if (arrives(vm, mark, '\0', milliseconds{200})) return true;
    }
    return false;
  };
  EXPECT_TRUE(reaches(old_vm.get(), 'a'));
  send_from(old_vm.get(), 'b');
  EXPECT_TRUE(arrives(wire.get(), 'b'));
  ASSERT_TRUE(net().switch_redirect(kVm, {"g1n0"}, {"g2n0"}));
  EXPECT_TRUE(reaches(new_vm.get(), 'c'));
  // The old one has no way out any more; what follows it does arrive.
  send_from(old_vm.get(), 'd');
  send_from(new_vm.get(), 'e');
  EXPECT_TRUE(arrives(wire.get(), 'e', 'd'));
  // Back, as a rolled back restore does; both are open in a VMM.
  make({{"g1n0", 1400, 0}});
  ASSERT_TRUE(net().switch_redirect(kVm, {"g2n0"}, {"g1n0"}));
  EXPECT_TRUE(reaches(old_vm.get(), 'f'));
}

TEST_F(VmNetworkTest, HealsABareFileOfACrash) {
  std::ofstream(net().netns_path(kVm)).flush();
  EXPECT_EQ(net().census()->size(), 1U);
  EXPECT_EQ(net().switch_redirect(kVm, {}, {}).error().code, Code::kNotFound);
  make({{"g1n0", 1400, 0}});
  EXPECT_TRUE(net().teardown(kVm));
  std::ofstream(net().netns_path(kVm)).flush();
  EXPECT_TRUE(net().teardown(kVm));
  EXPECT_TRUE(net().census()->empty());
}

TEST_F(VmNetworkTest, RefusesOtherNamesAndShapes) {
  for (const char* uid : {"", "..", "../x", "a/b", "A"})
    EXPECT_EQ(net().teardown(uid).error().code, Code::kInvalid) << uid;
  make({});
  EXPECT_EQ(ensure({{"eth0", 1400, 0}}).error().code, Code::kConflict);
  EXPECT_EQ(net().remove_taps(kVm, {"eth0"}).error().code, Code::kInvalid);
  EXPECT_EQ(ensure({}, {"g9n0"}).error().code, Code::kNotFound);
}

TEST_F(VmNetworkTest, ReportsWhatASetUpTakes) {
  const auto begin = std::chrono::steady_clock::now();
  make({{"g1n0", 1400, 4242}}, {"g1n0"});
  const auto made = std::chrono::steady_clock::now();
  ASSERT_TRUE(net().teardown(kVm));
  const auto gone = std::chrono::steady_clock::now();
  const auto us = [](auto d) {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  };
  RecordProperty("set_up_us", us(made - begin));
  RecordProperty("teardown_us", us(gone - made));
  std::cout << "set-up " << us(made - begin) << " us, teardown "
            << us(gone - made) << " us\n";
}

}  // namespace
}  // namespace chrysalis::network
