#include "src/image/boot_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "src/base/tree_hash.h"
#include "src/base/unique_fd.h"
#include "src/image/new_file.h"

namespace chrysalis::image {
namespace {

using Path = std::filesystem::path;

// The VMM runs under the VM's uid: it reads, and cannot write.
constexpr uint32_t kReadOnly = 0444;

tl::unexpected<Error> failed(std::string_view call, const Path& path) {
  return tl::unexpected<Error>(
      from_errno(errno, std::string(call) + " " + path.string()));
}

Result<void> make_directory(const Path& dir) {
  std::error_code ec;
  std::filesystem::create_directories(dir, ec);
  if (ec)
    return tl::unexpected<Error>(
        from_errno(ec.value(), "mkdir " + dir.string()));
  if (::chmod(dir.c_str(), 0700) != 0) return failed("chmod", dir);
  return {};
}

// A copy that was hashed after it was made: what is checked is what stays.
Result<void> checked_copy(NewFile& file, int from, const FileId& id,
                          const std::string& hash, const Path& shown) {
  CHRYSALIS_TRY(file.copy(from, id, shown));
  CHRYSALIS_ASSIGN(const std::string got, tree_hash(file.fd(), id.size, shown));
  if (got != hash)
    return fail(Code::kConflict,
                shown.string() + " changed since its digest was taken: " + got +
                    " instead of " + hash);
  return file.sync();
}

}  // namespace

Result<bool> BootFiles::have(const Path& own, const std::string& hash) {
  const UniqueFd fd(
      ::open(own.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return false;
    return failed("open", own);
  }
  CHRYSALIS_ASSIGN(const FileId id, file_id(fd.get(), own));
  CHRYSALIS_ASSIGN(const std::string got, cache_.hash(fd.get(), id, own));
  // A copy that rotted is replaced; generations that link it are not healed.
  return got == hash;
}

Result<void> BootFiles::make(int from, const FileId& id,
                             const std::string& hash, const Path& shown) {
  const Path own = dir_ / hash;
  CHRYSALIS_ASSIGN(auto file,
                   NewFile::create(dir_ / (hash + ".new"), kReadOnly));
  CHRYSALIS_TRY(checked_copy(file, from, id, hash, shown));
  if (::rename(file.path().c_str(), own.c_str()) != 0)
    return failed("rename to", own);
  file.keep();
  return {};
}

Result<void> BootFiles::place(int from, const FileId& id,
                              const std::string& hash, const Path& shown,
                              const Path& dest) {
  const Path own = dir_ / hash;
  {
    const std::lock_guard lock(making_);
    CHRYSALIS_TRY(make_directory(dir_));
    CHRYSALIS_ASSIGN(const bool there, have(own, hash));
    if (!there) CHRYSALIS_TRY(make(from, id, hash, shown));
  }
  CHRYSALIS_TRY(remove_file(dest));
  if (::link(own.c_str(), dest.c_str()) == 0) return {};
  // Another file system, its limit of links, or one that has none.
  if (errno != EXDEV && errno != EMLINK && errno != EPERM &&
      errno != EOPNOTSUPP)
    return failed("link to", dest);
  const UniqueFd ours(::open(own.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!ours.valid()) return failed("open", own);
  CHRYSALIS_ASSIGN(const FileId our_id, file_id(ours.get(), own));
  CHRYSALIS_ASSIGN(auto file, NewFile::create(dest, kReadOnly));
  CHRYSALIS_TRY(checked_copy(file, ours.get(), our_id, hash, own));
  file.keep();
  return {};
}

}  // namespace chrysalis::image
