#include "src/model/topology_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace chrysalis::model {
namespace {

Topology a_shape() {
  Topology shape;
  shape.cpu = 2;
  shape.memory = {uint64_t{64} << 20};
  shape.max_phys_bits = 46;
  shape.disks = {{"disk0", DiskRole::kRoot, {1024}, 512, false},
                 {"disk1", DiskRole::kData, {2048}, 512, true}};
  shape.nics = {{"net0", "02:00:00:00:00:01", 1500, 256},
                {"net1", "02:00:00:00:00:02", 1500, 256}};
  return shape;
}

struct Case {
  std::string says;
  std::function<void(Topology&)> change;
};

TEST(TopologyDifference, NamesTheFieldAndBothValues) {
  const std::vector<Case> cases = {
      {"cpu: the snapshot has 2, 4 was loaded", [](auto& t) { t.cpu = 4; }},
      {"memory: the snapshot has 67108864, 5 was loaded",
       [](auto& t) { t.memory = {5}; }},
      {"maxPhysBits: the snapshot has 46, 36 was loaded",
       [](auto& t) { t.max_phys_bits = 36; }},
      {"disks: the snapshot has 2, 1 was loaded",
       [](auto& t) { t.disks.pop_back(); }},
      {"disks[disk1]: the snapshot has one of that id, none was loaded",
       [](auto& t) { t.disks[1].id = "disk7"; }},
      {"disks[disk0].role: the snapshot has root, data was loaded",
       [](auto& t) { t.disks[0].role = DiskRole::kData; }},
      {"disks[disk0].bytes: the snapshot has 1024, 512 was loaded",
       [](auto& t) { t.disks[0].bytes = {512}; }},
      {"disks[disk1].queueSize: the snapshot has 512, 128 was loaded",
       [](auto& t) { t.disks[1].queue_size = 128; }},
      {"disks[disk1].readOnly: the snapshot has true, false was loaded",
       [](auto& t) { t.disks[1].read_only = false; }},
      {"nics: the snapshot has 2, 3 was loaded",
       [](auto& t) { t.nics.emplace_back(); }},
      {"nics[net0]: the snapshot has one of that id, none was loaded",
       [](auto& t) { t.nics[0].id = "net9"; }},
      {"nics[net1].mac: the snapshot has 02:00:00:00:00:02, "
       "02:00:00:00:00:03 was loaded",
       [](auto& t) { t.nics[1].mac.back() = '3'; }},
      {"nics[net0].mtu: the snapshot has 1500, 1400 was loaded",
       [](auto& t) { t.nics[0].mtu = 1400; }},
      {"nics[net0].queueSize: the snapshot has 256, 512 was loaded",
       [](auto& t) { t.nics[0].queue_size = 512; }},
  };
  for (const Case& c : cases) {
    Topology loaded = a_shape();
    c.change(loaded);
    EXPECT_EQ(first_difference(a_shape(), loaded), c.says);
  }
}

TEST(TopologyDifference, OrderIsNoneAndWhatIsNotSaidIsNotCompared) {
  Topology loaded = a_shape();
  std::ranges::reverse(loaded.disks);
  std::ranges::reverse(loaded.nics);
  loaded.max_phys_bits = 0;
  for (auto& disk : loaded.disks) disk.bytes = {};
  for (auto& nic : loaded.nics) nic.mtu = 0;
  EXPECT_EQ(first_difference(a_shape(), loaded), std::nullopt);
  EXPECT_EQ(first_difference(loaded, a_shape()), std::nullopt);
}

}  // namespace
}  // namespace chrysalis::model
