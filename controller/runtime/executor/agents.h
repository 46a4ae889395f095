#pragma once

// Which agents there are, as the controller's placement sees them. In a
// cluster made from leases and Node objects (runtime/cluster).
// Thread-safety: every call from any thread.

#include <functional>
#include <vector>

#include "controller/reconcile/placement/placement.h"

namespace chrysalis::runtime {

class AgentsSource {
 public:
  virtual ~AgentsSource() = default;

  // Every agent ever seen whose lease or node still exists, dead ones too.
  [[nodiscard]] virtual std::vector<reconcile::Agent> agents() const = 0;
  // False until leases and nodes were listed once: nobody is placed and
  // nobody is lost before.
  [[nodiscard]] virtual bool synced() const = 0;
  // Told after agents() changed (also when one is lost by time), and when it
  // becomes synced. Must be cheap.
  virtual void on_change(std::function<void()> changed) = 0;
};

}  // namespace chrysalis::runtime
