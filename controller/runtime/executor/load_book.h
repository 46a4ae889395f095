#pragma once

// How much memory the placed VMs take on each node: kept as they come and go,
// so that placing one does not count all. Thread-safety: none.

#include <map>
#include <string>
#include <vector>

#include "controller/reconcile/placement/placement.h"
#include "controller/runtime/object_key.h"

namespace chrysalis::runtime {

class LoadBook {
 public:
  // `memory` without overhead.
  void set(const ObjectKey& vm, const std::string& node, model::Bytes memory);
  // True if it was there: room has come free.
  bool erase(const ObjectKey& vm);
  [[nodiscard]] std::vector<reconcile::Load> loads() const;

 private:
  struct Entry {
    std::string node;
    uint64_t bytes = 0;
  };
  std::map<ObjectKey, Entry> vms_;
  std::map<std::string, uint64_t> nodes_;
};

}  // namespace chrysalis::runtime
