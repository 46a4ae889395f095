#include "controller/reconcile/ownership.h"

namespace chrysalis::reconcile {

bool is_ours(const api::Meta& meta, const std::string& placed_on,
             const NodeFacts& node) {
  if (placed_on.empty()) return meta.has_finalizer(node.finalizer);
  return placed_on == node.name;
}

}  // namespace chrysalis::reconcile
