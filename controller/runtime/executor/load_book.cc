#include "controller/runtime/executor/load_book.h"

namespace chrysalis::runtime {

void LoadBook::set(const ObjectKey& vm, const std::string& node,
                   model::Bytes memory) {
  erase(vm);
  const uint64_t bytes = memory.count + reconcile::kVmOverhead.count;
  vms_[vm] = {node, bytes};
  nodes_[node] += bytes;
}

bool LoadBook::erase(const ObjectKey& vm) {
  const auto at = vms_.find(vm);
  if (at == vms_.end()) return false;
  const auto node = nodes_.find(at->second.node);
  node->second -= at->second.bytes;
  if (node->second == 0) nodes_.erase(node);
  vms_.erase(at);
  return true;
}

std::vector<reconcile::Load> LoadBook::loads() const {
  std::vector<reconcile::Load> out;
  out.reserve(nodes_.size());
  for (const auto& [node, bytes] : nodes_) out.push_back({node, {bytes}});
  return out;
}

}  // namespace chrysalis::runtime
