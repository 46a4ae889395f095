#include "src/hypervisor/cloud_hypervisor/requests.h"

#include <gmock/gmock.h>

#include "src/hypervisor/firecracker/requests.h"
#include "src/hypervisor/version.h"
#include "tests/src/hypervisor/golden.h"

namespace chrysalis::hypervisor {
namespace {

namespace ch = cloud_hypervisor;
namespace fc = firecracker;
using testing::HasSubstr;

TEST(CloudHypervisorRequests, ArgvIsGolden) {
  expect_golden("ch-argv.txt", in_words(ch::argv()));
}

TEST(CloudHypervisorRequests, BodiesAreGolden) {
  BootSpec full = a_boot();
  full.config.windows = full.config.shared_memory = true;
  full.config.no_direct_io = true;
  full.has_initrd = true;
  full.max_phys_bits = 36;
  full.disks.push_back({"disk1", "disk1", true});
  BootSpec bare = a_boot();
  bare.disks.clear();
  bare.nics.clear();
  LoadSpec on_demand = a_load();
  on_demand.on_demand = true;
  expect_golden(
      "ch-requests.txt",
      in_words(
          {ch::ping(), ch::info(), ch::create(a_boot()), ch::create(full),
           ch::create(bare), ch::boot(), ch::pause(), ch::resume(),
           ch::snapshot("dump-1"), ch::restore(a_load()),
           ch::restore(on_demand), ch::remove_device("net0"),
           ch::add_net({"n1c919d6a-7-0", "tap1", "02:00:00:00:00:02", 0}, 256),
           ch::power_button(), ch::shut_down_vm(), ch::shut_down_vmm()}));
}

TEST(Requests, AnyBytesInACommandLineMakeABody) {
  BootSpec spec = a_boot();
  spec.cmdline = "\xff\xfe";
  EXPECT_FALSE(ch::create(spec).body.empty());
  EXPECT_FALSE(fc::boot(spec, {1, 16, 1}).empty());
}

TEST(FirecrackerRequests, ArgvIsGolden) {
  expect_golden("fc-argv.txt", in_words(fc::argv()));
}

TEST(FirecrackerRequests, BodiesAreGolden) {
  BootSpec rooted = a_boot();
  rooted.cmdline += " root=/dev/vda1";
  rooted.has_initrd = true;
  std::vector<HttpRequest> all = fc::boot(a_boot(), {1, 16, 1});
  for (auto more : {fc::boot(rooted, {1, 14, 4}),
                    fc::load(a_load(), {1, 16, 1}),
                    fc::load(a_load(), {1, 14, 4}),
                    {fc::version(), fc::describe(), fc::machine_config(),
                     fc::vm_config(), fc::pause(), fc::resume(),
                     fc::snapshot("dump-1"), fc::ctrl_alt_del()}})
    all.insert(all.end(), more.begin(), more.end());
  expect_golden("fc-requests.txt", in_words(all));
}

struct Refused {
  unsigned status;
  const char* body;
  Code code;
};

TEST(CloudHypervisorAnswers, ARefusalHasACode) {
  for (const Refused& r : std::vector<Refused>{
           {500,
            R"(["Error from API","Cannot snapshot VM","Could not get vCPU )"
            R"x(state GetNestedState(Invalid argument (os error 22)"])x",
            Code::kUnsupported},
           {500,
            R"(["Error from API","Error locking disk images: Another )"
            R"(instance likely holds a lock"])",
            Code::kUnavailable},
           {500, R"(["a","VM on-demand memory restore is still in progress"])",
            Code::kUnavailable},
           {500, R"(["a","Trying to snapshot while VM is running"])",
            Code::kConflict},
           {500, R"(["a","Kernel lacks PVH header"])", Code::kInvalid},
           {500, "older releases: plain text, VM is not running",
            Code::kConflict},
           {404, R"(["Error from API","VM is not created"])", Code::kNotFound},
           {400, R"(["Failed to deserialize JSON"])", Code::kInvalid},
           {429, "", Code::kUnavailable}}) {
    const auto checked = ch::check({r.status, r.body});
    ASSERT_FALSE(checked) << r.body;
    EXPECT_EQ(checked.error().code, r.code) << checked.error().message;
  }
  EXPECT_TRUE(ch::check({204, ""}));
  EXPECT_THAT(ch::check({500, R"(["outer","root"])"}).error().message,
              HasSubstr("outer: root"));
}

TEST(CloudHypervisorAnswers, TheSameStateIsNoFailure) {
  EXPECT_TRUE(ch::is_same_state(
      {500, R"(["x","Invalid transition: InvalidStateTransition(Paused, )"
            R"x(Paused)"])x"}));
  EXPECT_FALSE(ch::is_same_state(
      {500, R"x(["x","InvalidStateTransition(Created, Paused)"])x"}));
  EXPECT_FALSE(ch::is_same_state({204, ""}));
}

TEST(CloudHypervisorAnswers, StatesOfTheVm) {
  EXPECT_EQ(ch::decode_state({404, "[]"}), VmmState::kNotStarted);
  EXPECT_EQ(ch::decode_state({200, R"({"state":"Running"})"}),
            VmmState::kRunning);
  EXPECT_EQ(ch::decode_state({200, R"({"state":"Created"})"}),
            VmmState::kEnded);
  EXPECT_FALSE(ch::decode_state({200, R"({"state":7})"}));
  EXPECT_FALSE(ch::decode_state({200, "{"}));
}

TEST(CloudHypervisorAnswers, InfoOfTheRealProgramIsRead) {
  const auto read = ch::decode_info({200, read_golden("ch-v53-info.json")});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topology.cpu, 2U);
  EXPECT_EQ(read->topology.memory.count, 64U << 20);
  ASSERT_EQ(read->topology.nics.size(), 1U);
  EXPECT_EQ(read->topology.nics[0].mac, "02:00:00:00:00:01");
  EXPECT_FALSE(read->no_direct_io);
}

TEST(FirecrackerAnswers, ARefusalHasACode) {
  for (const Refused& r : std::vector<Refused>{
           {400,
            R"({"fault_message":"Open tap device failed: Resource busy)"
            R"x( (os error 16)"})x",
            Code::kUnavailable},
           {400,
            R"({"fault_message":"The requested operation is not )"
            R"(supported after starting the microVM."})",
            Code::kConflict},
           {400, R"({"fault_message":"Error creating KVM object: x"})",
            Code::kUnsupported},
           {400, R"({"error":"bad request"})", Code::kInvalid},
           {400, "[[[", Code::kInvalid}}) {
    const auto checked = fc::check({r.status, r.body});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, r.code) << checked.error().message;
  }
}

TEST(FirecrackerAnswers, DevicesAreComparedById) {
  const auto read = fc::decode_shape(
      {200, R"({"vcpu_count":2,"mem_size_mib":64})"},
      {200, R"({"drives":[{"drive_id":"disk1","is_read_only":true},)"
            R"({"drive_id":"disk0"}],"network-interfaces":[)"
            R"({"iface_id":"net1","guest_mac":"02:00:00:00:00:0B"},)"
            R"({"iface_id":"net0","guest_mac":"02:00:00:00:00:0a",)"
            R"("mtu":1450}]})"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topology.nics[0].id, "net0");
  EXPECT_EQ(read->topology.nics[0].mtu, 1450);
  EXPECT_EQ(read->topology.nics[1].mac, "02:00:00:00:00:0b");
  EXPECT_EQ(read->topology.disks[0].id, "disk0");
  EXPECT_TRUE(read->topology.disks[1].read_only);
  EXPECT_FALSE(fc::decode_shape({200, R"({"vcpu_count":33})"}, {200, "{}"}));
}

TEST(Version, IsReadFromWhatProgramsSay) {
  EXPECT_EQ(parse_version("v53.0"), (Version{53, 0, 0}));
  EXPECT_EQ(parse_version("1.16.1-dirty"), (Version{1, 16, 1}));
  EXPECT_EQ(parse_version("v53"), (Version{53, 0, 0}));
  EXPECT_EQ(parse_version("firecracker"), std::nullopt);
  EXPECT_EQ(parse_version(""), std::nullopt);
  EXPECT_EQ(to_string(Version{53, 0, 0}), "53.0.0");
}

}  // namespace
}  // namespace chrysalis::hypervisor
