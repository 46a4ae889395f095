#include "src/engine/hands/cgroups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "src/base/log.h"
#include "src/base/unique_fd.h"

namespace chrysalis::engine {
namespace {

constexpr uint64_t kOverhead = uint64_t{128} << 20;
// A VMM has a thread a vCPU (at most 254) and a few a device.
constexpr uint64_t kMostThreads = 1024;

// The kernel takes a value in one write, or says why not.
Result<> put(const std::filesystem::path& file, const std::string& value) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), value.data(), value.size()) < 0)
    return tl::unexpected(from_errno(errno, "write " + file.string()));
  return {};
}

Result<> make_dir(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return tl::unexpected(from_errno(errno, "mkdir " + path.string()));
}

}  // namespace

std::filesystem::path Cgroups::group(const std::string& uid,
                                     uint32_t generation) const {
  return root_ / "chrysalis" / (uid + "." + std::to_string(generation));
}

Result<> Cgroups::prepare() const {
  if (root_.empty()) return fail(Code::kUnsupported, "no root of cgroup v2");
  std::ifstream in(root_ / "cgroup.controllers");
  bool memory = false, pids = false;
  for (std::string word; in >> word;) {
    memory = memory || word == "memory";
    pids = pids || word == "pids";
  }
  if (!memory || !pids)
    return fail(Code::kUnsupported, root_.string() +
                                        ": memory and pids are not among its "
                                        "cgroup.controllers");
  const auto ours = root_ / "chrysalis";
  CHRYSALIS_TRY(make_dir(ours));
  for (const auto& parent : {root_, ours})
    CHRYSALIS_TRY(put(parent / "cgroup.subtree_control", "+memory +pids"));
  return {};
}

bool Cgroups::usable() {
  std::call_once(probed_, [&] {
    const auto prepared = prepare();
    usable_ = prepared.has_value();
    if (!usable_)
      log::warning("confinement: none",
                   {{"message", prepared.error().message}});
  });
  return usable_;
}

std::optional<std::filesystem::path> Cgroups::make(const std::string& uid,
                                                   uint32_t generation,
                                                   uint64_t memory) {
  if (!usable()) return std::nullopt;
  const auto path = group(uid, generation);
  const auto limit = [&]() -> Result<> {
    CHRYSALIS_TRY(make_dir(path));
    CHRYSALIS_TRY(put(path / "memory.max", std::to_string(memory + kOverhead)));
    return put(path / "pids.max", std::to_string(kMostThreads));
  };
  if (const auto made = limit(); !made) {
    log::warning("a VM is not confined",
                 {{"uid", uid}, {"message", made.error().message}});
    remove(uid, generation);
    return std::nullopt;
  }
  return path;
}

void Cgroups::remove(const std::string& uid, uint32_t generation) {
  if (!usable()) return;
  const auto path = group(uid, generation);
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  log::warning("a cgroup is left",
               {{"message", from_errno(errno, path.string()).message}});
}

}  // namespace chrysalis::engine
