// read_exit of launcher.h: the shim's last words.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <nlohmann/json.hpp>

#include "src/hypervisor/launcher.h"

namespace chrysalis::hypervisor {
namespace {

using nlohmann::json;

Result<std::optional<ExitRecord>> corrupt(const std::string& path) {
  return fail(Code::kCorrupt, path + ": not an exit record");
}

template <class T>
bool take(const json& object, const char* key, T& value) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return false;
  const int64_t number = found->template get<int64_t>();
  value = static_cast<T>(number);
  return static_cast<int64_t>(value) == number;
}

bool take_kind(const json& object, ExitRecord& record) {
  const auto found = object.find("kind");
  if (found == object.end()) return false;
  if (*found == "exited")
    record.kind = ExitRecord::Kind::kExited;
  else if (*found == "killed")
    record.kind = ExitRecord::Kind::kKilled;
  else if (*found == "not-started")
    record.kind = ExitRecord::Kind::kNotStarted;
  else
    return false;
  return true;
}

}  // namespace

Result<std::optional<ExitRecord>> read_exit(
    const std::filesystem::path& exit_file) {
  const std::string& path = exit_file.native();
  const UniqueFd file(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return std::nullopt;
  if (!file.valid() && errno == ELOOP) return corrupt(path);
  if (!file.valid()) return tl::unexpected(from_errno(errno, path));
  // Only root's word counts.
  struct stat attributes = {};
  if (::fstat(file.get(), &attributes) != 0 || !S_ISREG(attributes.st_mode) ||
      attributes.st_uid != 0)
    return corrupt(path);
  char text[1024];
  const ssize_t size = ::read(file.get(), text, sizeof text);
  if (size < 0) return tl::unexpected(from_errno(errno, path));
  const json object = json::parse(text, text + size, nullptr, false);
  if (!object.is_object()) return corrupt(path);
  ExitRecord record;
  int64_t at_ms = 0;
  const auto boot_id = object.find("bootId");
  const auto core = object.find("core");
  if (!take_kind(object, record) || !take(object, "code", record.code) ||
      !take(object, "signal", record.signal) ||
      !take(object, "pid", record.vmm.pid) ||
      !take(object, "start", record.vmm.start) ||
      !take(object, "atMs", at_ms) || boot_id == object.end() ||
      !boot_id->is_string() || core == object.end() || !core->is_boolean())
    return corrupt(path);
  record.boot_id = boot_id->get<std::string>();
  record.core = core->get<bool>();
  record.at = Wall(std::chrono::duration_cast<Wall::duration>(
      std::chrono::milliseconds(at_ms)));
  return record;
}

}  // namespace chrysalis::hypervisor
