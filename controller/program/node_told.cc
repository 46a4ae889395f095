#include "controller/program/node_told.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "controller/program/node_identity.h"
#include "src/base/log.h"

namespace chrysalis::program {
namespace {

// All of it, as a kubelet without reservations says it: whole MiB.
model::Bytes memory_of_host() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto size = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return {};
  const uint64_t bytes =
      static_cast<uint64_t>(pages) * static_cast<uint64_t>(size);
  return {bytes >> 20 << 20};
}

}  // namespace

NodeTold::NodeTold(engine::Node& node, std::string name)
    : node_(node),
      name_(std::move(name)),
      finalizer_(node_finalizer(name_)),
      programs_(node.programs()) {}

reconcile::NodeFacts NodeTold::to_planners() const {
  reconcile::NodeFacts facts{name_, finalizer_, "", {}};
  for (const engine::NodeProgram& program : programs_)
    facts.programs.push_back(
        {program.kind, program.version, program.no_snapshot});
  if (const auto network = node_.first_network()) {
    facts.first_network = *network;
  } else if (!warned_.exchange(true)) {
    log::warning("no network for VMs that name none",
                 {{"error", network.error().message}});
  }
  return facts;
}

api::Annotations NodeTold::to_placement() const {
  api::AgentFacts facts;
  facts.memory = memory_of_host();
  facts.cpus =
      static_cast<uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  for (const engine::NodeProgram& program : programs_)
    facts.programs.push_back(
        {program.kind, program.version,
         program.no_snapshot == engine::Reason::kNone
             ? ""
             : std::string(engine::to_string(program.no_snapshot))});
  return api::encode_agent_facts(facts);
}

}  // namespace chrysalis::program
