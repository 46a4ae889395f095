#include "controller/program/agent.h"

#include <stop_token>
#include <string>

#include "controller/program/adoption.h"
#include "controller/program/connect.h"
#include "controller/program/log_level.h"
#include "controller/program/node_identity.h"
#include "controller/program/node_start.h"
#include "controller/program/node_told.h"
#include "controller/program/version.h"
#include "controller/runtime/cluster/event_recorder.h"
#include "controller/runtime/cluster/kube_lease.h"
#include "controller/runtime/cluster/kube_objects.h"
#include "controller/runtime/executor/agent.h"
#include "controller/runtime/heartbeat_thread.h"
#include "src/base/file_system.h"
#include "src/base/log.h"

namespace chrysalis::program {
namespace {

constexpr seconds kFlushEvents{2};

// Until the engine has taken over and the node's name is ours: two hosts of
// one name would both run its VMs. False: a signal came first.
Result<bool> await_start(const Adoption& adoption,
                         const runtime::HeartbeatThread& heartbeat,
                         const std::string& name, Signals& signals) {
  for (;;) {
    if (const auto other = heartbeat.taken_by())
      return fail(Code::kConflict, "another host runs as " + name +
                                       " (it renews the lease as " + *other +
                                       "); pass --node-name NAME");
    if (adoption.ended()) CHRYSALIS_TRY(adoption.result());
    if (adoption.ended() && heartbeat.claimed()) return true;
    if (signals.wait() == Signals::Came::kSignal) return false;
  }
}

}  // namespace

Result<> run_agent(const AgentOptions& options, const Surroundings& around,
                   Signals& signals) {
  set_log_level(options.log);
  runtime::SystemTimer timer;
  CHRYSALIS_ASSIGN(const std::string name, node_name_of(options.node));
  // The flags' mistakes first: a wrong one leaves the state alone.
  CHRYSALIS_ASSIGN(const auto transport,
                   connect(options.cluster, around, timer, "agent"));
  CHRYSALIS_ASSIGN(const auto node, open_node(options.node, around, timer));
  PosixFileSystem files;
  CHRYSALIS_ASSIGN(const std::string instance,
                   node_instance(files, node->paths().instance_file()));

  std::stop_source calls;
  kube::Client client(*transport, timer, calls.get_token());
  kube::Client lease_client(*transport, timer, calls.get_token(),
                            {.call_timeout = runtime::kLeaseCallTimeout});
  const NodeTold told(*node, name);
  runtime::KubeObjects<api::VirtualMachine> vms({client, *transport, timer},
                                                runtime::on_node(name));
  runtime::KubeObjects<api::VmSnapshot> snapshots({client, *transport, timer},
                                                  runtime::on_node(name));
  runtime::EventRecorder events(*transport, timer,
                                {"chrysalis.dev/agent", name});
  runtime::Agent agent({.store = {vms, snapshots, events},
                        .engine = node->engine(),
                        .timer = timer,
                        .node = [&told] { return told.to_planners(); }});
  runtime::KubeLease lease(lease_client, {options.cluster.lease_namespace,
                                          runtime::agent_lease_name(name)});
  // Alive from the start: to look at many VMs may take longer than the time
  // after which a silent agent is taken for lost.
  runtime::HeartbeatThread heartbeat(runtime::agent_holder(name, instance),
                                     told.to_placement(), lease, timer,
                                     [&signals] { signals.wake(); });
  const Adoption adoption(node->engine(), signals);
  const Result<bool> begins = await_start(adoption, heartbeat, name, signals);
  if (begins.value_or(false)) {
    agent.start();  // its workers wait for the watches
    vms.start();
    snapshots.start();
    log::info("agent runs", {{"node", name}, {"version", version()}});
    while (signals.wait() != Signals::Came::kSignal) {
    }
  }

  calls.request_stop();  // what was being written is looked at by the next
  heartbeat.stop();
  snapshots.stop();
  vms.stop();
  agent.stop();
  events.stop(timer.mono() + kFlushEvents);
  if (!begins) return tl::unexpected(begins.error());
  log::info("agent stops; its VMs run on");
  return {};
}

}  // namespace chrysalis::program
