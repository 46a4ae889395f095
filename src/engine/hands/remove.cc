// What goes, and only when nothing lives in it any more.

#include "src/engine/hands/node_hands.h"

namespace chrysalis::engine {

Result<> NodeHands::remove_generation(Job& job, Which which) {
  const auto generation = paths(job, which);
  const auto used = hypervisor::generation_in_use(generation.directory);
  if (used && *used)
    return fail(Code::kConflict, "a VMM lives in this generation");
  for (const auto& beside : generation.beside())
    CHRYSALIS_TRY(deps_.fs.remove_tree(beside));
  return deps_.fs.remove_tree(generation.directory);
}

Result<> NodeHands::remove_vm(Job& job) {
  const auto directory = deps_.paths.vm(job.uid);
  const auto names = deps_.fs.list(directory);
  if (names) {
    for (const std::string& name : *names) {
      const auto used = hypervisor::generation_in_use(directory / name);
      if (used && *used) return fail(Code::kConflict, "a VMM lives in " + name);
    }
  }
  return deps_.fs.remove_tree(directory);
}

Result<> NodeHands::remove_snapshot(Job& job, bool retain) {
  if (retain) return deps_.snapshots.retain(job.snapshot);
  return deps_.snapshots.remove(job.snapshot_uid);
}

}  // namespace chrysalis::engine
