#include "controller/program/delete.h"

#include "controller/runtime/directory/control_client.h"
#include "src/base/clock.h"
#include "src/store/paths.h"

namespace chrysalis::program {

Result<std::string> run_delete(const DeleteOptions& options,
                               const Surroundings& around) {
  CHRYSALIS_ASSIGN(const api::Kind kind,
                   runtime::directory::kind_of(options.kind));
  CHRYSALIS_ASSIGN(const auto paths,
                   store::StatePaths::open(around.access.working_directory /
                                           options.state_dir));
  return runtime::directory::ask_standalone(
      paths.control_socket(),
      {{kind, options.ns, options.name}, options.timeout}, SystemClock());
}

}  // namespace chrysalis::program
