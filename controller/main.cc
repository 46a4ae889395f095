// The program `chrysalis`: reads what it was started with and chooses the
// subcommand. Exit codes: 0 done, 1 failed or refused, 2 wrong usage.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "controller/program/agent.h"
#include "controller/program/check.h"
#include "controller/program/controller.h"
#include "controller/program/delete.h"
#include "controller/program/flags.h"
#include "controller/program/signals.h"
#include "controller/program/standalone.h"
#include "controller/program/surroundings.h"
#include "controller/program/version.h"

namespace {

using namespace chrysalis;
using namespace chrysalis::program;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Surroundings surroundings() {
  std::error_code error;
  Surroundings around;
  around.access.kubeconfig_variable = variable("KUBECONFIG");
  around.access.pod.service_host = variable("KUBERNETES_SERVICE_HOST");
  around.access.pod.service_port = variable("KUBERNETES_SERVICE_PORT");
  around.access.home = variable("HOME");
  around.access.working_directory = std::filesystem::current_path(error);
  around.program = std::filesystem::read_symlink("/proc/self/exe", error);
  return around;
}

void say(const Error& error) {
  std::fprintf(stderr, "chrysalis: %s\n", error.message.c_str());
}

int ended(const Result<>& how) {
  if (how) return 0;
  say(how.error());
  return 1;
}

// Those that run until a signal.
template <class Run, class O>
int run(Run program, const O& options) {
  const auto signals = Signals::take();
  if (!signals) return ended(tl::unexpected(signals.error()));
  return ended(program(options, surroundings(), **signals));
}

struct Chosen {
  int operator()(const AgentOptions& o) const { return run(run_agent, o); }
  int operator()(const ControllerOptions& o) const {
    return run(run_controller, o);
  }
  int operator()(const StandaloneOptions& o) const {
    return run(run_standalone, o);
  }
  int operator()(const DeleteOptions& o) const {
    const auto done = run_delete(o, surroundings());
    if (!done) return ended(tl::unexpected(done.error()));
    std::puts(done->c_str());
    return 0;
  }
  int operator()(const CheckOptions& o) const {
    const auto checked = run_check(o);
    if (!checked) return ended(tl::unexpected(checked.error()));
    std::fputs(checked->text.c_str(), stdout);
    return checked->exit_code;
  }
  int operator()(const VersionOptions&) const {
    std::printf("chrysalis %s\n", std::string(version()).c_str());
    return 0;
  }
};

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> words;
  for (int n = 1; n < count; ++n) words.emplace_back(arguments[n]);
  const auto parsed = parse_flags(words);
  if (!parsed) {
    say(parsed.error());
    return 2;
  }
  if (const auto* help = std::get_if<Help>(&*parsed)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  return std::visit(Chosen{}, std::get<Options>(*parsed));
}
