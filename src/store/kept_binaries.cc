#include "src/store/kept_binaries.h"

#include "src/base/tree_hash.h"
#include "src/store/manifest_check.h"
#include "src/store/snapshot_seal.h"

namespace chrysalis::store {
namespace {

namespace fs = std::filesystem;

Result<void> check_name(const std::string& sha256) {
  if (is_sha256(sha256)) return {};
  return fail(Code::kInvalid, "'" + sha256 + "' is not a sha256");
}

}  // namespace

Result<void> KeptBinaries::check(const std::string& sha256, Code on_mismatch,
                                 const fs::path& at) {
  CHRYSALIS_ASSIGN(auto file, fs_.open(at, FileSystem::Mode::kRead));
  CHRYSALIS_ASSIGN(const std::string got, sha256_hex(*file));
  if (got == sha256) return {};
  return fail(on_mismatch,
              at.string() + " has sha256 " + got + " instead of " + sha256);
}

Result<fs::path> KeptBinaries::find(const std::string& sha256) {
  CHRYSALIS_TRY(check_name(sha256));
  const fs::path path = paths_.bin(sha256);
  const std::lock_guard lock(mutex_);
  if (!used_.contains(sha256)) {
    CHRYSALIS_TRY(check(sha256, Code::kCorrupt, path));
    used_.insert(sha256);
  } else {
    CHRYSALIS_TRY(fs_.stat(path));
  }
  return path;
}

Result<fs::path> KeptBinaries::keep(const fs::path& program,
                                    const std::string& sha256) {
  auto found = find(sha256);
  // A copy that rotted is made anew; a VM that runs it has it open.
  if (found || (found.error().code != Code::kNotFound &&
                found.error().code != Code::kCorrupt))
    return found;
  const fs::path path = paths_.bin(sha256);
  const fs::path temp = path.string() + ".new";
  const std::lock_guard lock(mutex_);
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.bin_dir(), 0755));
  CHRYSALIS_TRY(fs_.remove_tree(temp));
  CHRYSALIS_TRY(fs_.clone_file(program, temp, 0555));
  // The copy is what counts: it was made after the hash.
  CHRYSALIS_TRY(check(sha256, Code::kConflict, temp));
  CHRYSALIS_ASSIGN(auto file, fs_.open(temp, FileSystem::Mode::kRead));
  CHRYSALIS_TRY(file->sync());
  CHRYSALIS_TRY(fs_.rename(temp, path));
  CHRYSALIS_TRY(fs_.sync_dir(paths_.bin_dir()));
  used_.insert(sha256);
  return path;
}

Result<std::vector<std::string>> KeptBinaries::prune() {
  const std::lock_guard lock(mutex_);
  auto needed = used_;
  for (const auto& vm : db_.vms()) needed.insert(vm->vmm.sha256);
  for (const auto& snapshot : db_.snapshots())
    needed.insert(snapshot->vmm.sha256);
  const auto names = fs_.list(paths_.bin_dir());
  if (!names && names.error().code == Code::kNotFound)
    return std::vector<std::string>{};
  if (!names) return tl::unexpected<Error>(names.error());
  std::vector<std::string> gone;
  for (const std::string& name : *names) {
    if (needed.contains(name)) continue;
    CHRYSALIS_TRY(fs_.remove_tree(paths_.bin_dir() / name));
    gone.push_back(name);
  }
  return gone;
}

}  // namespace chrysalis::store
