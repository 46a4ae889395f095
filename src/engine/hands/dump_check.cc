#include "src/engine/hands/dump_check.h"

#include <utility>

#include "src/hypervisor/capabilities.h"
#include "src/model/topology_difference.h"

namespace chrysalis::engine {
namespace {

// Nothing of a host went wrong here: the files are not what they must be.
tl::unexpected<Error> corrupt(Error error) {
  if (error.code != Code::kUnavailable) error.code = Code::kCorrupt;
  return tl::unexpected(std::move(error));
}

}  // namespace

std::vector<hypervisor::DiskSpec> disk_specs(
    const std::vector<store::Disk>& disks) {
  std::vector<hypervisor::DiskSpec> out;
  for (const store::Disk& disk : disks)
    out.push_back({disk.id, disk.file, disk.readonly});
  return out;
}

Result<> check_dump(const hypervisor::Backend& vm,
                    const std::filesystem::path& directory,
                    const store::SnapshotRecord& snapshot) {
  hypervisor::LoadSpec spec;
  spec.config = snapshot.config;
  spec.disks = disk_specs(snapshot.disks);
  for (const model::TopologyNic& nic : snapshot.topology.nics)
    spec.saved_nics.push_back({nic.id, "", nic.mac, nic.mtu});
  if (auto fit = vm.check_load(directory, spec); !fit)
    return corrupt(std::move(fit).error());
  return {};
}

Result<> check_told_shape(const hypervisor::Backend& vm,
                          const std::filesystem::path& directory,
                          const model::Topology& told) {
  if (!hypervisor::capabilities(vm.kind()).topology_in_files) return {};
  auto found = vm.read_topology(directory);
  if (!found) return corrupt(std::move(found).error());
  if (const auto difference = model::first_difference(
          told, found->topology,
          "the manifest says %s, the VMM's own files say %s"))
    return fail(Code::kCorrupt, *difference);
  if (found->topology == told) return {};
  return fail(Code::kCorrupt,
              "the manifest's topology is not that of the VMM's own files");
}

}  // namespace chrysalis::engine
