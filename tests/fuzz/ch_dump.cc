// config.json and state.json of a Cloud Hypervisor dump, with a NUL between.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "src/hypervisor/cloud_hypervisor/saved_config.h"
#include "src/hypervisor/cloud_hypervisor/saved_state.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const size_t cut = std::min(text.find('\0'), text.size());
  const std::string_view config = text.substr(0, cut);
  const std::string_view state = text.substr(std::min(cut + 1, text.size()));
  const auto read = hypervisor::cloud_hypervisor::decode_dump(
      config, state, uint64_t{64} << 20);
  hypervisor::LoadSpec spec;
  if (read) {
    spec.config.cpu = read->topology.cpu;
    spec.config.memory = read->topology.memory;
    for (const auto& disk : read->topology.disks)
      spec.disks.push_back({disk.id, "disk0", false});
    for (const auto& nic : read->topology.nics)
      spec.saved_nics.push_back({nic.id, "t0", nic.mac, nic.mtu});
  }
  const auto rebuilt =
      hypervisor::cloud_hypervisor::rebuild_config(config, spec);
  if (!read || !rebuilt) return 0;
  // What the VMM is given is of the shape that was believed of the dump.
  const auto given = hypervisor::cloud_hypervisor::decode_config(
      nlohmann::json::parse(*rebuilt, nullptr, false));
  fuzz::expect(given && given->topology.cpu == read->topology.cpu &&
               given->topology.memory == read->topology.memory &&
               given->topology.nics.size() == read->topology.nics.size());
  return 0;
}
