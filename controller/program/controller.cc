#include "controller/program/controller.h"

#include <atomic>
#include <stop_token>
#include <string>

#include "controller/program/connect.h"
#include "controller/program/log_level.h"
#include "controller/program/node_identity.h"
#include "controller/program/version.h"
#include "controller/program/webhook.h"
#include "controller/runtime/cluster/agent_roster.h"
#include "controller/runtime/cluster/event_recorder.h"
#include "controller/runtime/cluster/kube_lease.h"
#include "controller/runtime/cluster/kube_objects.h"
#include "controller/runtime/directory/new_uid.h"
#include "controller/runtime/elector.h"
#include "controller/runtime/executor/controller.h"
#include "src/base/log.h"

namespace chrysalis::program {
namespace {

constexpr const char* kLease = "chrysalis-controller";
constexpr seconds kFlushEvents{2};

// Set by the elector's thread, looked at when it wakes us.
struct Office {
  std::atomic<bool> held = false, lost = false;
};

// While we lead. Returns at a signal, or when the lease is lost.
void lead(kube::Transport& transport, runtime::Timer& timer,
          const std::string& identity, const std::string& lease_namespace,
          const std::function<void(std::stop_source&)>& until_end) {
  std::stop_source calls;
  kube::Client client(transport, timer, calls.get_token());
  runtime::KubeObjects<api::VirtualMachine> vms({client, transport, timer}, "");
  runtime::KubeObjects<api::VmSnapshot> snapshots({client, transport, timer},
                                                  "");
  runtime::EventRecorder events(transport, timer,
                                {"chrysalis.dev/controller", identity});
  runtime::AgentRoster agents({client, transport, timer}, lease_namespace);
  runtime::Controller controller({.store = {vms, snapshots, events},
                                  .agents = agents,
                                  .timer = timer,
                                  .finalizer_of = [](const std::string& node) {
                                    return node_finalizer(node);
                                  }});
  controller.start();  // its worker waits for what it watches
  agents.start();
  vms.start();
  snapshots.start();
  until_end(calls);

  calls.request_stop();
  snapshots.stop();
  vms.stop();
  agents.stop();
  controller.stop();
  events.stop(timer.mono() + kFlushEvents);
}

}  // namespace

Result<> run_controller(const ControllerOptions& options,
                        const Surroundings& around, Signals& signals) {
  set_log_level(options.log);
  // It answers for as long as we run, leading or waiting.
  CHRYSALIS_ASSIGN(const auto webhook, start_webhook(options.webhook));
  runtime::SystemTimer timer;
  CHRYSALIS_ASSIGN(const auto transport,
                   connect(options.cluster, around, timer, "controller"));
  const std::string identity =
      host_name() + "_" + runtime::directory::new_uid();
  const std::string& lease_namespace = options.cluster.lease_namespace;

  Office office;
  std::stop_source lease_calls;
  kube::Client lease_client(*transport, timer, lease_calls.get_token(),
                            {.call_timeout = runtime::kLeaseCallTimeout});
  runtime::KubeLease lease(lease_client, {lease_namespace, kLease});
  runtime::Elector elector(identity, {}, lease, timer,
                           {.on_leading =
                                [&] {
                                  office.held = true;
                                  signals.wake();
                                },
                            .on_lost =
                                [&] {
                                  office.lost = true;
                                  signals.wake();
                                }});
  log::info("controller waits for its lease",
            {{"lease", lease_namespace + "/" + kLease},
             {"identity", identity},
             {"version", version()}});
  while (!office.held) {
    if (signals.wait() == Signals::Came::kSignal) {
      lease_calls.request_stop();  // nothing is ours to be released
      return {};
    }
  }
  lead(*transport, timer, identity, lease_namespace,
       [&](std::stop_source& calls) {
         while (!office.lost)
           if (signals.wait() == Signals::Came::kSignal) return;
         calls.request_stop();
       });
  if (office.lost)
    return fail(Code::kConflict, "lease " + lease_namespace + "/" + kLease +
                                     ": lost to time or to another; start "
                                     "again to wait for it");
  elector.stop();  // released, so that the next need not wait
  log::info("controller stops");
  return {};
}

}  // namespace chrysalis::program
