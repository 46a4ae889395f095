// What goes, and only when nothing lives in it any more.

#include <algorithm>
#include <string_view>

#include "src/engine/hands/node_hands.h"

namespace chrysalis::engine {
namespace {

// Of what lies in a VM's directory: "gen-7", not "gen-7.log" beside it.
bool is_generation(std::string_view name) {
  constexpr std::string_view kPrefix = "gen-";
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() &&
         std::ranges::all_of(name.substr(kPrefix.size()),
                             [](char c) { return c >= '0' && c <= '9'; });
}

// Not to know whether somebody lives there is no leave to remove it.
Result<> nobody_lives_in(const std::filesystem::path& generation) {
  const auto used = hypervisor::generation_in_use(generation);
  if (!used && used.error().code != Code::kNotFound)
    return tl::unexpected(used.error());
  if (used && *used)
    return fail(Code::kConflict,
                "a VMM lives in " + generation.filename().string());
  return {};
}

}  // namespace

Result<> NodeHands::remove_generation(Job& job, Which which) {
  const auto generation = paths(job, which);
  CHRYSALIS_TRY(nobody_lives_in(generation.directory));
  for (const auto& beside : generation.beside())
    CHRYSALIS_TRY(deps_.fs.remove_tree(beside));
  return deps_.fs.remove_tree(generation.directory);
}

Result<> NodeHands::remove_vm(Job& job) {
  const auto directory = deps_.paths.vm(job.uid);
  const auto names = deps_.fs.list(directory);
  if (!names && names.error().code == Code::kNotFound) return {};
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names)
    if (is_generation(name)) CHRYSALIS_TRY(nobody_lives_in(directory / name));
  return deps_.fs.remove_tree(directory);
}

Result<> NodeHands::remove_snapshot(Job& job, bool retain) {
  if (retain) return deps_.snapshots.retain(job.snapshot);
  return deps_.snapshots.remove(job.snapshot_uid);
}

}  // namespace chrysalis::engine
