#pragma once

// A place that objects live in, as its user has it: a cluster (kubectl and an
// API server) or a directory of manifests. The scenario knows this interface
// alone; what differs between the two is what they call done by different
// words, never what comes out.
//
// Thread-safety: the test's main thread. Waits are bounded and end by events.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/world/host.h"
#include "tests/e2e/world/manifest.h"

namespace chrysalis::e2e {

using Predicate = std::function<bool(const json& object)>;

class World {
 public:
  virtual ~World() = default;

  // Creates or changes; a refusal is a failure of the test.
  virtual void apply(const Manifest& manifest) = 0;
  // Asks for what must not be; the words of the refusal, "" if it was taken.
  // Leaves nothing behind.
  virtual std::string refusal(const Manifest& manifest) = 0;
  // The object as it stands once `holds` is true of it; nothing, with the last
  // seen in `last_seen`, when that does not come.
  virtual std::optional<json> wait_until(const Id& id,
                                         const Predicate& holds) = 0;
  // One after the other, data included; each gone when it returns.
  virtual void remove(const std::vector<Id>& ids) = 0;

  // kill -9 of the program that runs the VMs; and its next start, which
  // returns when it has taken over what it found.
  virtual void kill_agent() = 0;
  virtual void start_agent() = 0;
  // Its exit code at SIGTERM; 0 also tells that nothing leaked.
  virtual int stop_agent() = 0;
  // The ends of its logs, for a failure.
  [[nodiscard]] virtual std::string logs() const = 0;

  // Changes with each write of the object, and only then.
  [[nodiscard]] virtual std::string version(const Id& id) = 0;
  [[nodiscard]] virtual Host& host() = 0;

  // wait_until(), for a test that cannot go on without it: what does not come
  // is a failure that shows the object and the logs, and ends the test by a
  // throw.
  json until(const Id& id, const Predicate& holds);
  json until_ready(const Id& id) { return until(id, is_ready); }
  json until_condition(const Id& id, const std::string& type,
                       const std::string& says);
  // In that phase and as asked.
  json until_phase(const Id& id, const std::string& phase);

 protected:
  json last_seen_;
};

std::unique_ptr<World> make_standalone();
// A controller and an agent of one node, in a namespace of their own.
std::unique_ptr<World> make_cluster();

}  // namespace chrysalis::e2e
