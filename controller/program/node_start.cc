#include "controller/program/node_start.h"

#include <unistd.h>

#include <string>
#include <system_error>

namespace chrysalis::program {
namespace {

using Path = std::filesystem::path;

bool is_file(const Path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

// Beside this program where it is installed, in its own folder of a build.
Result<Path> find_shim(const Path& flag, const Path& program) {
  if (!flag.empty()) {
    if (is_file(flag)) return flag;
    return fail(Code::kNotFound, "--shim: " + flag.string() +
                                     ": no such file; name chrysalis-shim");
  }
  const Path here = program.parent_path();
  for (const Path& path : {here / "chrysalis-shim",
                           here.parent_path() / "src/shim/chrysalis-shim"})
    if (is_file(path)) return path;
  return fail(Code::kNotFound,
              "no chrysalis-shim in " + here.string() + "; pass --shim FILE");
}

}  // namespace

Result<std::unique_ptr<engine::Node>> open_node(const NodeFlags& flags,
                                                const Surroundings& around,
                                                const Clock& clock) {
  if (::geteuid() != 0)
    return fail(Code::kInvalid,
                "VMs need namespaces, TAPs and users of their own; run as "
                "root");
  const Path& from = around.access.working_directory;
  const auto absolute = [&from](const Path& path) {
    return path.empty() ? path : (from / path).lexically_normal();
  };
  CHRYSALIS_ASSIGN(const Path shim, find_shim(flags.shim, around.program));
  engine::NodeOptions options;
  options.state_dir = absolute(flags.state_dir);
  options.image_root = absolute(flags.image_root);
  options.import_root = absolute(flags.import_root);
  options.network_root = absolute(flags.network_root);
  options.cloud_hypervisor = absolute(flags.cloud_hypervisor);
  options.firecracker = absolute(flags.firecracker);
  options.shim = absolute(shim);
  options.max_pause = flags.max_pause;
  options.max_restore_pause = flags.max_restore_pause;
  options.verify_always = flags.verify == "always";
  options.max_phys_bits = flags.max_phys_bits;
  return engine::Node::open(options, clock);
}

}  // namespace chrysalis::program
