#include "controller/program/standalone.h"

#include <string>

#include "controller/program/adoption.h"
#include "controller/program/log_level.h"
#include "controller/program/node_identity.h"
#include "controller/program/node_start.h"
#include "controller/program/node_told.h"
#include "controller/program/version.h"
#include "controller/runtime/directory/control_server.h"
#include "controller/runtime/directory/directory_objects.h"
#include "controller/runtime/executor/agent.h"
#include "src/base/file_system.h"
#include "src/base/log.h"

namespace chrysalis::program {

using runtime::directory::ControlServer;
using runtime::directory::DirectoryObjects;

Result<> run_standalone(const StandaloneOptions& options,
                        const Surroundings& around, Signals& signals) {
  set_log_level(options.log);
  runtime::SystemTimer timer;
  PosixFileSystem files;
  CHRYSALIS_ASSIGN(const std::string name, node_name_of(options.node));
  CHRYSALIS_ASSIGN(const auto node, open_node(options.node, around, timer));
  DirectoryObjects::Options where;
  where.manifests = around.access.working_directory / options.manifests;
  where.node_name = name;
  where.finalizer = node_finalizer(name);
  CHRYSALIS_ASSIGN(
      const auto objects,
      DirectoryObjects::open(std::move(where), {files, node->db(), timer}));

  const NodeTold told(*node, name);
  runtime::Agent agent({.store = objects->store(),
                        .engine = node->engine(),
                        .timer = timer,
                        .node = [&told] { return told.to_planners(); }});
  const Adoption adoption(node->engine(), signals);
  CHRYSALIS_ASSIGN(const bool adopted, adoption.await(signals));
  if (!adopted) return {};
  agent.start();
  CHRYSALIS_TRY(objects->start());
  CHRYSALIS_ASSIGN(auto control,
                   ControlServer::start(
                       node->paths().control_socket(),
                       runtime::directory::deleting_from(*objects, timer), {}));
  log::info("standalone runs", {{"node", name},
                                {"manifests", options.manifests.string()},
                                {"version", version()}});
  while (signals.wait() != Signals::Came::kSignal) {
  }

  control.reset();
  objects->stop();
  agent.stop();
  log::info("standalone stops; its VMs run on");
  return {};
}

}  // namespace chrysalis::program
