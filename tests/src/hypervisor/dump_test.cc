// A dump may come from anybody: what is believed of it, and what is refused.

#include <gmock/gmock.h>

#include <functional>

#include <nlohmann/json.hpp>

#include "src/hypervisor/cloud_hypervisor/saved_config.h"
#include "src/hypervisor/cloud_hypervisor/saved_state.h"
#include "src/hypervisor/json_members.h"
#include "tests/src/hypervisor/golden.h"

namespace chrysalis::hypervisor::cloud_hypervisor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
constexpr uint64_t kMemory = 64U << 20;
using Edit = std::function<void(json&)>;

json config() { return json::parse(read_golden("ch-v53-config.json")); }
json state() { return json::parse(read_golden("ch-v53-state.json")); }

// Edits the JSON inside a device's string.
void edit_device(json& root, const std::string& id, const Edit& edit) {
  json& of = root["snapshots"]["device-manager"]["snapshots"][id];
  json inner = json::parse(of["snapshot_data"]["state"].get<std::string>());
  edit(inner);
  of["snapshot_data"]["state"] = inner.dump();
}

TEST(Dump, OfTheRealProgramIsRead) {
  const auto read = decode_dump(read_golden("ch-v53-config.json"),
                                read_golden("ch-v53-state.json"), kMemory);
  ASSERT_TRUE(read) << read.error().message;
  const model::Topology expected{
      .cpu = 2,
      .memory = {kMemory},
      .disks = {{.id = "disk0", .bytes = {16U << 20}, .queue_size = 512}},
      .nics = {{.id = "net0",
                .mac = "02:00:00:00:00:01",
                .mtu = 1450,
                .queue_size = 512}},
      .max_phys_bits = 46};
  EXPECT_EQ(read->topology, expected);
}

TEST(Dump, EachKeyThatDisagreesIsCorrupt) {
  const std::vector<std::pair<const char*, Edit>> edits = {
      {"vCPUs",
       [](json& c) { c["cpus"]["boot_vcpus"] = c["cpus"]["max_vcpus"] = 4; }},
      {"not one", [](json& c) { c["cpus"]["max_vcpus"] = 4; }},
      {"max_phys_bits", [](json& c) { c["cpus"]["max_phys_bits"] = 40; }},
      {"memory", [](json& c) { c["memory"]["size"] = 256U << 20; }},
      {"MAC", [](json& c) { c["net"][0]["mac"] = "02:00:00:00:00:02"; }},
      {"net0 ring", [](json& c) { c["net"][0]["queue_size"] = 64; }},
      {"disk0 ring", [](json& c) { c["disks"][0]["queue_size"] = 64; }}};
  for (const auto& [words, edit] : edits) {
    json c = config();
    edit(c);
    const auto read = decode_dump(c.dump(), state().dump(), kMemory);
    ASSERT_FALSE(read) << words;
    EXPECT_EQ(read.error().code, Code::kCorrupt) << words;
    EXPECT_THAT(read.error().message, HasSubstr(words));
  }
  EXPECT_FALSE(decode_dump(config().dump(), state().dump(), kMemory - 1));
}

TEST(Dump, StateOutsideOfWhatAVmmWritesIsCorrupt) {
  const std::vector<Edit> edits = {
      [](json& s) { s["snapshots"].erase("cpu-manager"); },
      [](json& s) { s["snapshots"].erase("memory-manager"); },
      [](json& s) { s["snapshots"].erase("device-manager"); },
      [](json& s) { s["snapshot_data"] = nullptr; },
      [](json& s) { s["snapshots"]["cpu-manager"]["snapshots"] = 7; },
      [](json& s) {
        edit_device(s, "disk0", [](json& d) { d["disk_path"] = "/etc/x"; });
      },
      [](json& s) {
        edit_device(s, "disk0", [](json& d) { d["disk_nsectors"] = -1; });
      },
      [](json& s) {
        edit_device(s, "disk0", [](json& d) { d["disk_nsectors"] = 1e300; });
      },
      [](json& s) {
        edit_device(s, "disk0", [](json& d) { d["config"]["capacity"] = 1; });
      },
      [](json& s) {
        edit_device(s, "net0", [](json& d) { d["config"]["mac"] = {1, 2}; });
      },
      [](json& s) {
        edit_device(s, "net0", [](json& d) { d["config"]["mtu"] = "x"; });
      },
      [](json& s) {
        edit_device(s, "_virtio-pci-net0",
                    [](json& d) { d["queues"] = json::array(); });
      },
      [](json& s) {
        s["snapshots"]["device-manager"]["snapshots"]["evil"] = {};
      }};
  for (size_t i = 0; i < edits.size(); ++i) {
    json s = state();
    edits[i](s);
    const auto read = decode_dump(config().dump(), s.dump(), kMemory);
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().code, Code::kCorrupt) << read.error().message;
  }
}

TEST(Dump, ASwapInProgressIsAConflict) {
  json s = state();
  json& devices = s["snapshots"]["device-manager"]["snapshots"];
  devices["net7"] = devices["net0"];
  auto read = decode_dump(config().dump(), s.dump(), kMemory);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kConflict);
  json c = config();
  c["net"].push_back(c["net"][0]);
  c["net"][1]["id"] = "fresh";
  read = decode_dump(c.dump(), state().dump(), kMemory);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kConflict);
}

TEST(Dump, HostileJsonIsRefused) {
  const std::string good = read_golden("ch-v53-state.json");
  for (const std::string& bad : std::vector<std::string>{
           "", "{", good.substr(0, good.size() / 2), std::string(10'000, '['),
           std::string(10'000, '{'), "null", "[]",
           R"({"snapshots":{},"snapshots":{}})", R"({"a":1e999})",
           std::string("\0", 1), "\xff\xfe"}) {
    EXPECT_FALSE(decode_dump(config().dump(), bad, kMemory)) << bad.size();
    EXPECT_FALSE(decode_dump(bad, good, kMemory)) << bad.size();
    EXPECT_FALSE(rebuild_config(bad, a_load())) << bad.size();
  }
}

TEST(RebuildConfig, IsGolden) {
  const auto made = rebuild_config(config().dump(), a_load());
  ASSERT_TRUE(made) << made.error().message;
  expect_golden("ch-rebuilt-config.json", json::parse(*made).dump(1) + "\n");
  EXPECT_THAT(*made, testing::Not(HasSubstr("host_mac")));
  // What we wrote is accepted again: a clone of a clone.
  EXPECT_TRUE(rebuild_config(*made, a_load()));
}

TEST(RebuildConfig, OnlyHostSideChoicesChange) {
  LoadSpec spec = a_load();
  spec.config.no_direct_io = true;
  const json made = json::parse(*rebuild_config(config().dump(), spec));
  EXPECT_EQ(made["disks"][0]["direct"], false);
  EXPECT_EQ(made["net"][0]["tap"], "throwaway0");
  for (const char* key : {"boot_vcpus", "max_phys_bits", "nested"})
    EXPECT_EQ(made["cpus"][key], config()["cpus"][key]) << key;
  EXPECT_EQ(made["memory"]["size"], config()["memory"]["size"]);
}

TEST(RebuildConfig, ForeignKeysAreRefusedByName) {
  const std::vector<std::pair<std::string, Edit>> edits = {
      {"devices", [](json& c) { c["devices"] = {{{"path", "/sys/x"}}}; }},
      {"fs", [](json& c) { c["fs"] = {{{"tag", "x"}, {"socket", "/s"}}}; }},
      {"pmem", [](json& c) { c["pmem"] = {{{"file", "/etc/shadow"}}}; }},
      {"vsock", [](json& c) { c["vsock"] = {{"cid", 3}, {"socket", "/s"}}; }},
      {"landlock_rules", [](json& c) { c["landlock_rules"] = {1}; }},
      {"tomorrow", [](json& c) { c["tomorrow"] = true; }},
      {"rng.src", [](json& c) { c["rng"]["src"] = "/etc/shadow"; }},
      {"console.file", [](json& c) { c["console"]["file"] = "/etc/x"; }},
      {"console.mode", [](json& c) { c["console"]["mode"] = "File"; }},
      {"serial.socket", [](json& c) { c["serial"]["socket"] = "/tmp/x"; }},
      {"payload.kernel", [](json& c) { c["payload"]["kernel"] = "/boot/x"; }},
      {"payload.firmware", [](json& c) { c["payload"]["firmware"] = "/x"; }},
      {"memory.zones",
       [](json& c) { c["memory"]["zones"] = {{{"id", "z"}, {"file", "/x"}}}; }},
      {"disks[0].path", [](json& c) { c["disks"][0]["path"] = "/dev/sda"; }},
      {"disks[0].path",
       [](json& c) {
         c["disks"][0]["path"] = "/run/chrysalis/vm/../../../dev/sda";
       }},
      {"disks[0].vhost_socket",
       [](json& c) { c["disks"][0]["vhost_socket"] = "/s"; }},
      {"disks[0].image_type",
       [](json& c) { c["disks"][0]["image_type"] = "Qcow2"; }},
      {"net[0].vhost_user", [](json& c) { c["net"][0]["vhost_user"] = true; }},
      {"net[0].mtu", [](json& c) { c["net"][0]["mtu"] = 9000; }},
      {"net[0].num_queues", [](json& c) { c["net"][0]["num_queues"] = 4; }},
      {"cpus.topology",
       [](json& c) { c["cpus"]["topology"] = {{"threads_per_core", 4}}; }}};
  for (const auto& [key, edit] : edits) {
    json c = config();
    edit(c);
    const auto made = rebuild_config(c.dump(), a_load());
    ASSERT_FALSE(made) << key;
    EXPECT_EQ(made.error().code, Code::kInvalid) << key;
    EXPECT_THAT(made.error().message, HasSubstr(key));
  }
}

TEST(RebuildConfig, ContradictingTheRecordIsCorrupt) {
  for (const auto& edit : std::vector<std::function<void(LoadSpec&)>>{
           [](LoadSpec& s) { s.config.cpu = 4; },
           [](LoadSpec& s) { s.config.memory.count *= 2; },
           [](LoadSpec& s) { s.config.shared_memory = true; },
           [](LoadSpec& s) { s.disks.clear(); },
           [](LoadSpec& s) { s.saved_nics.clear(); },
           [](LoadSpec& s) { s.saved_nics[0].id = "other"; }}) {
    LoadSpec spec = a_load();
    edit(spec);
    const auto made = rebuild_config(config().dump(), spec);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kCorrupt) << made.error().message;
  }
}

}  // namespace
}  // namespace chrysalis::hypervisor::cloud_hypervisor
