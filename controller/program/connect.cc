#include "controller/program/connect.h"

#include <utility>

#include "controller/kube/beast/beast_transport.h"
#include "controller/kube/client.h"
#include "controller/program/version.h"
#include "src/base/log.h"

namespace chrysalis::program {

Result<std::unique_ptr<kube::Transport>> connect(const ClusterFlags& flags,
                                                 const Surroundings& around,
                                                 const Clock& clock,
                                                 std::string_view part) {
  kube::AccessSources sources = around.access;
  sources.kubeconfig_flag = flags.kubeconfig;
  sources.context_flag = flags.context;
  CHRYSALIS_ASSIGN(const kube::Access access, kube::find_access(sources));
  kube::beast::BeastOptions options;
  options.user_agent = kube::user_agent(version(), part);
  CHRYSALIS_ASSIGN(auto transport, kube::beast::BeastTransport::make(
                                       access, clock, std::move(options)));
  log::info("API server", {{"url", access.server}});
  return std::unique_ptr<kube::Transport>(std::move(transport));
}

}  // namespace chrysalis::program
