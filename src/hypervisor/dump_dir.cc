#include "src/hypervisor/dump_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {
namespace {

struct Opened {
  UniqueFd fd;
  struct stat status{};
};

Result<UniqueFd> open_dir(const std::filesystem::path& dir) {
  UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid())
    return tl::unexpected(from_errno(errno, "open " + dir.string()));
  return fd;
}

Result<Opened> open_regular(const std::filesystem::path& dir,
                            std::string_view name) {
  CHRYSALIS_ASSIGN(const UniqueFd parent, open_dir(dir));
  const std::string file(name);
  if (file.find('/') != std::string::npos)
    return fail(Code::kCorrupt, file + " is not a name");
  Opened out;
  out.fd.reset(::openat(parent.get(), file.c_str(),
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!out.fd.valid())
    return fail(Code::kCorrupt, from_errno(errno, file).message);
  if (::fstat(out.fd.get(), &out.status) != 0)
    return tl::unexpected(from_errno(errno, file));
  if (!S_ISREG(out.status.st_mode))
    return fail(Code::kCorrupt, file + " is not a regular file");
  return out;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return tl::unexpected(from_errno(errno, "write"));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& dir,
                              std::string_view name, size_t max) {
  CHRYSALIS_ASSIGN(const Opened file, open_regular(dir, name));
  std::string out;
  std::string chunk(size_t{64} << 10, '\0');
  for (;;) {
    const ssize_t n = ::read(file.fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(from_errno(errno, name));
    if (n == 0) return out;
    out.append(chunk, 0, static_cast<size_t>(n));
    if (out.size() > max)
      return fail(Code::kCorrupt, std::string(name) + " is larger than " +
                                      std::to_string(max) + " bytes");
  }
}

Result<uint64_t> file_size(const std::filesystem::path& dir,
                           std::string_view name) {
  CHRYSALIS_ASSIGN(const Opened file, open_regular(dir, name));
  return static_cast<uint64_t>(file.status.st_size);
}

Result<void> replace_file(const std::filesystem::path& dir,
                          std::string_view name, std::string_view bytes) {
  CHRYSALIS_ASSIGN(const Opened old, open_regular(dir, name));
  CHRYSALIS_ASSIGN(const UniqueFd parent, open_dir(dir));
  const std::string file(name), fresh = "." + file + ".new";
  if (::unlinkat(parent.get(), fresh.c_str(), 0) != 0 && errno != ENOENT)
    return tl::unexpected(from_errno(errno, "unlink " + fresh));
  const UniqueFd out(::openat(parent.get(), fresh.c_str(),
                              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out.valid()) return tl::unexpected(from_errno(errno, "make " + fresh));
  CHRYSALIS_TRY(write_all(out.get(), bytes));
  const struct stat& was = old.status;
  if (::fchown(out.get(), was.st_uid, was.st_gid) != 0 ||
      ::fchmod(out.get(), was.st_mode & 0777) != 0)
    return tl::unexpected(from_errno(errno, fresh));
  if (::renameat(parent.get(), fresh.c_str(), parent.get(), file.c_str()) != 0)
    return tl::unexpected(from_errno(errno, "rename " + fresh));
  return {};
}

}  // namespace chrysalis::hypervisor
