#include "src/store/paths.h"

#include <algorithm>
#include <cstdlib>

namespace chrysalis::store {
namespace {

namespace fs = std::filesystem;

// A name that is not one component would leave STATE: stop rather than act.
std::string component(std::string_view name) {
  if (!StatePaths::valid_component(name)) std::abort();
  return std::string(name);
}

std::string uid_component(std::string_view uid) {
  if (!StatePaths::valid_uid(uid)) std::abort();
  return std::string(uid);
}

}  // namespace

fs::path GenerationPaths::lock() const { return directory / "lock"; }
fs::path GenerationPaths::vm_json() const { return directory / "vm.json"; }
fs::path GenerationPaths::kernel() const { return directory / model::kKernel; }
fs::path GenerationPaths::initrd() const { return directory / model::kInitrd; }
fs::path GenerationPaths::disk(uint32_t index) const {
  return directory / model::disk_file(index);
}
fs::path GenerationPaths::api_socket() const {
  return directory / model::kApiSocket;
}
fs::path GenerationPaths::serial_socket() const {
  return directory / model::kSerialSocket;
}
fs::path GenerationPaths::old_events() const { return events() += ".1"; }
fs::path GenerationPaths::events() const {
  return directory.string() + ".events";
}
fs::path GenerationPaths::file(std::string_view name) const {
  return directory / component(name);
}
fs::path GenerationPaths::exit_status() const {
  return directory.string() + ".exit";
}
fs::path GenerationPaths::console() const {
  return directory.string() + ".console";
}
fs::path GenerationPaths::log() const { return directory.string() + ".log"; }
fs::path GenerationPaths::stdin_fifo() const {
  return directory.string() + ".stdin";
}
fs::path GenerationPaths::shim_socket() const {
  return directory.string() + ".sock";
}
std::vector<fs::path> GenerationPaths::beside() const {
  const auto with = [](fs::path path, const char* suffix) {
    return path += suffix;
  };
  return {exit_status(), with(exit_status(), ".tmp"),
          console(),     with(console(), ".1"),
          log(),         with(log(), ".1"),
          events(),      old_events(),
          stdin_fifo(),  shim_socket()};
}

StatePaths::StatePaths(fs::path root, fs::path import_root)
    : root_(std::move(root)), import_root_(std::move(import_root)) {}

Result<StatePaths> StatePaths::open(fs::path state, fs::path import_root) {
  if (!state.is_absolute())
    return fail(Code::kInvalid,
                "the state directory must be an absolute path, "
                "not '" +
                    state.string() + "'");
  state = state.lexically_normal();
  if (!state.has_filename()) state = state.parent_path();
  if (state.native().size() > kMaxRootBytes)
    return fail(Code::kInvalid,
                "the state directory '" + state.string() + "' has " +
                    std::to_string(state.native().size()) +
                    " bytes; sockets below it allow at most " +
                    std::to_string(kMaxRootBytes) + ": choose a shorter one");
  if (import_root.empty()) import_root = state / "imports";
  if (!import_root.is_absolute())
    return fail(Code::kInvalid,
                "the import root must be an absolute path, "
                "not '" +
                    import_root.string() + "'");
  return StatePaths(std::move(state), std::move(import_root));
}

bool StatePaths::valid_component(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

bool StatePaths::valid_uid(std::string_view uid) {
  return uid.size() <= 36 && valid_component(uid) &&
         uid.find('.') == std::string_view::npos;
}

fs::path StatePaths::node_db() const { return root_ / "node.db"; }
fs::path StatePaths::lock_file() const { return root_ / "lock"; }
fs::path StatePaths::instance_file() const { return root_ / "instance"; }
fs::path StatePaths::control_socket() const { return root_ / "control.sock"; }
fs::path StatePaths::boot_files_dir() const { return root_ / "boot"; }
fs::path StatePaths::default_image_root() const { return root_ / "images"; }
fs::path StatePaths::default_network_root() const { return root_ / "networks"; }
fs::path StatePaths::bin_dir() const { return root_ / "bin"; }
fs::path StatePaths::vms_dir() const { return root_ / "vms"; }
fs::path StatePaths::snapshots_dir() const { return root_ / "snapshots"; }
fs::path StatePaths::staging_dir() const {
  return snapshots_dir() / ".staging";
}

fs::path StatePaths::bin(std::string_view sha256) const {
  return bin_dir() / component(sha256);
}
fs::path StatePaths::vm(std::string_view uid) const {
  return vms_dir() / uid_component(uid);
}
GenerationPaths StatePaths::generation(std::string_view uid, uint32_t n) const {
  if (n > kMaxGeneration) std::abort();
  return {vm(uid) / ("gen-" + std::to_string(n))};
}
fs::path StatePaths::snapshot(std::string_view uid) const {
  return snapshots_dir() / uid_component(uid);
}
fs::path StatePaths::staging(std::string_view snapshot_uid,
                             uint64_t attempt) const {
  return staging_dir() /
         (uid_component(snapshot_uid) + "-" + std::to_string(attempt));
}
fs::path StatePaths::import(std::string_view ns, std::string_view name) const {
  return import_root_ / component(ns) / component(name);
}
fs::path StatePaths::retained(std::string_view ns, std::string_view name,
                              std::string_view uid) const {
  return import(ns, std::string(name) + "-" + uid_component(uid).substr(0, 8));
}

}  // namespace chrysalis::store
