#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <system_error>
#include <vector>

#include "src/base/file_system.h"
#include "src/base/unique_fd.h"

namespace chrysalis {
namespace {

using Path = FileSystem::Path;

tl::unexpected<Error> failed(std::string_view call, const Path& path) {
  return tl::unexpected<Error>(
      from_errno(errno, std::string(call) + " " + path.string()));
}

Result<void> check(int rc, std::string_view call, const Path& path) {
  if (rc != 0) return failed(call, path);
  return {};
}

// EINTR: only open of slow devices and fifos meets it; still, retried.
template <class Call>
auto retried(Call call) {
  auto rc = call();
  while (rc < 0 && errno == EINTR) rc = call();
  return rc;
}

FileStat to_stat(const struct stat& s) {
  FileStat out;
  out.kind = S_ISREG(s.st_mode)   ? FileStat::Kind::kFile
             : S_ISDIR(s.st_mode) ? FileStat::Kind::kDirectory
             : S_ISLNK(s.st_mode) ? FileStat::Kind::kLink
                                  : FileStat::Kind::kOther;
  out.device = s.st_dev;
  out.inode = s.st_ino;
  out.size = static_cast<uint64_t>(s.st_size);
  out.allocated = static_cast<uint64_t>(s.st_blocks) * 512;
  out.mtime_ns = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
  out.mode = s.st_mode & 07777;
  out.uid = s.st_uid;
  out.gid = s.st_gid;
  out.links = s.st_nlink;
  return out;
}

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, Path path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<char> into) override {
    size_t have = 0;
    while (have < into.size()) {
      const ssize_t n = retried([&] {
        return ::pread(fd_.get(), into.data() + have, into.size() - have,
                       static_cast<off_t>(offset + have));
      });
      if (n < 0) return failed("read", path_);
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    return have;
  }

  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = retried([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(),
                        static_cast<off_t>(offset));
      });
      if (n < 0) return failed("write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Result<void> resize(uint64_t bytes) override {
    return check(::ftruncate(fd_.get(), static_cast<off_t>(bytes)), "resize",
                 path_);
  }

  Result<std::optional<Extent>> next_data(uint64_t from) override {
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(from), SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) return std::optional<Extent>{};  // holes to the end
      return failed("seek data", path_);
    }
    const off_t hole = ::lseek(fd_.get(), data, SEEK_HOLE);
    if (hole < 0) return failed("seek hole", path_);
    return std::optional<Extent>{
        {static_cast<uint64_t>(data), static_cast<uint64_t>(hole - data)}};
  }

  Result<void> punch(Extent range) override {
    return check(
        ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(range.offset),
                    static_cast<off_t>(range.length)),
        "punch", path_);
  }

  Result<void> chmod(uint32_t mode) override {
    return check(::fchmod(fd_.get(), mode), "chmod", path_);
  }
  Result<void> chown(uint32_t uid, uint32_t gid) override {
    return check(::fchown(fd_.get(), uid, gid), "chown", path_);
  }
  Result<FileStat> stat() override {
    struct stat s{};
    if (::fstat(fd_.get(), &s) != 0) return failed("stat", path_);
    return to_stat(s);
  }
  Result<void> sync() override {
    return check(retried([&] { return ::fsync(fd_.get()); }), "fsync", path_);
  }

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  Path path_;
};

Result<UniqueFd> open_regular(const Path& path, int flags, uint32_t mode) {
  // O_NONBLOCK: a FIFO planted under the name must not hang us.
  UniqueFd fd(retried([&] {
    return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                  mode);
  }));
  if (!fd.valid()) return failed("open", path);
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0) return failed("stat", path);
  if (!S_ISREG(s.st_mode))
    return fail(Code::kInvalid, path.string() + " is not a regular file");
  if ((flags & O_CREAT) != 0 && ::fchmod(fd.get(), mode) != 0)
    return failed("chmod", path);
  return fd;
}

// So much at a time between two looks at the clock.
constexpr uint64_t kChunk = uint64_t{16} << 20;

Result<void> in_time(Mono until, const Path& path) {
  if (until == Mono::max() || Mono::clock::now() < until) return {};
  return fail(Code::kTimeout, "copy to " + path.string() + ": out of time");
}

// Through memory, where the kernel cannot do better.
Result<void> copy_bytes(File& from, File& to, Extent range,
                        const std::filesystem::path& path, Mono until) {
  std::vector<char> buffer(std::min<uint64_t>(range.length, 1 << 20));
  while (range.length > 0) {
    CHRYSALIS_TRY(in_time(until, path));
    const auto want = std::min<uint64_t>(range.length, buffer.size());
    CHRYSALIS_ASSIGN(const size_t n,
                     from.read_at(range.offset, std::span(buffer).first(want)));
    if (n == 0)
      return fail(Code::kUnavailable,
                  "copy to " + path.string() + ": the source shrank");
    CHRYSALIS_TRY(to.write_at(range.offset, {buffer.data(), n}));
    range.offset += n;
    range.length -= n;
  }
  return {};
}

// Copies the data of `from`, leaves its holes.
Result<void> sparse_copy(PosixFile& from, PosixFile& to, const Path& path,
                         Mono until) {
  CHRYSALIS_ASSIGN(const FileStat stat, from.stat());
  CHRYSALIS_TRY(to.resize(stat.size));
  uint64_t at = 0;
  while (at < stat.size) {
    CHRYSALIS_ASSIGN(const auto extent, from.next_data(at));
    if (!extent) break;
    off_t in = static_cast<off_t>(extent->offset);
    off_t out = in;
    uint64_t left = extent->length;
    while (left > 0) {
      CHRYSALIS_TRY(in_time(until, path));
      const ssize_t n = retried([&] {
        return ::copy_file_range(from.fd(), &in, to.fd(), &out,
                                 std::min(left, kChunk), 0);
      });
      // Between file systems of two kinds the kernel copies nothing itself.
      if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL ||
                    errno == ENOSYS)) {
        CHRYSALIS_TRY(
            copy_bytes(from, to, {extent->end() - left, left}, path, until));
        break;
      }
      if (n < 0) return failed("copy to", path);
      if (n == 0)
        return fail(Code::kUnavailable,
                    "copy to " + path.string() + ": the source shrank");
      left -= static_cast<uint64_t>(n);
    }
    at = extent->end();
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const Path& path, Mode mode,
                                                    uint32_t permissions) {
  const int flags = mode == Mode::kRead        ? O_RDONLY
                    : mode == Mode::kReadWrite ? O_RDWR
                                               : O_RDWR | O_CREAT | O_EXCL;
  CHRYSALIS_ASSIGN(auto fd, open_regular(path, flags, permissions));
  return std::make_unique<PosixFile>(std::move(fd), path);
}

Result<void> PosixFileSystem::rename(const Path& from, const Path& to) {
  return check(::rename(from.c_str(), to.c_str()), "rename to", to);
}

Result<void> PosixFileSystem::rename_noreplace(const Path& from,
                                               const Path& to) {
  return check(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                           RENAME_NOREPLACE),
               "rename to", to);
}

Result<void> PosixFileSystem::link(const Path& from, const Path& to) {
  return check(::link(from.c_str(), to.c_str()), "link to", to);
}

Result<void> PosixFileSystem::unlink(const Path& path) {
  return check(::unlink(path.c_str()), "unlink", path);
}

Result<void> PosixFileSystem::mkdir(const Path& path, uint32_t permissions) {
  CHRYSALIS_TRY(check(::mkdir(path.c_str(), permissions), "mkdir", path));
  return chmod(path, permissions);  // whatever the umask and setgid said
}

Result<void> PosixFileSystem::remove_tree(const Path& path) {
  // libstdc++ walks it by descriptors and follows no link.
  std::error_code ec;
  std::filesystem::remove_all(path, ec);
  if (ec)
    return tl::unexpected<Error>(
        from_errno(ec.value(), "remove " + path.string()));
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const Path& directory) {
  std::vector<std::string> names;
  std::error_code ec;
  auto entry = std::filesystem::directory_iterator(directory, ec);
  for (; !ec && entry != std::filesystem::directory_iterator();
       entry.increment(ec))
    names.push_back(entry->path().filename().string());
  if (ec)
    return tl::unexpected<Error>(
        from_errno(ec.value(), "list " + directory.string()));
  std::ranges::sort(names);
  return names;
}

Result<FileStat> PosixFileSystem::stat(const Path& path) {
  struct stat s{};
  if (::lstat(path.c_str(), &s) != 0) return failed("stat", path);
  return to_stat(s);
}

Result<void> PosixFileSystem::chmod(const Path& path, uint32_t permissions) {
  // O_PATH|O_NOFOLLOW would not do (fchmod refuses it, and fchmodat has no
  // NOFOLLOW): our own directories only, where nobody else plants links.
  CHRYSALIS_ASSIGN(const FileStat now, stat(path));
  if (now.kind == FileStat::Kind::kLink)
    return fail(Code::kInvalid, "chmod " + path.string() + ": it is a link");
  return check(::chmod(path.c_str(), permissions), "chmod", path);
}

Result<void> PosixFileSystem::chown(const Path& path, uint32_t uid,
                                    uint32_t gid) {
  return check(::lchown(path.c_str(), uid, gid), "chown", path);
}

Result<FileSystem::Cloned> PosixFileSystem::clone_file(const Path& from,
                                                       const Path& to,
                                                       uint32_t permissions,
                                                       Mono until) {
  CHRYSALIS_ASSIGN(auto source_fd, open_regular(from, O_RDONLY, 0));
  CHRYSALIS_ASSIGN(auto target_fd,
                   open_regular(to, O_RDWR | O_CREAT | O_EXCL, permissions));
  PosixFile source(std::move(source_fd), from);
  PosixFile target(std::move(target_fd), to);
  if (::ioctl(target.fd(), FICLONE, source.fd()) == 0) return Cloned::kReflink;
  if (auto copied = sparse_copy(source, target, to, until); !copied) {
    (void)::unlink(to.c_str());
    return tl::unexpected<Error>(std::move(copied).error());
  }
  return Cloned::kCopy;
}

Result<void> PosixFileSystem::sync_dir(const Path& directory) {
  const UniqueFd fd(retried([&] {
    return ::open(directory.c_str(),
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  }));
  if (!fd.valid()) return failed("open", directory);
  return check(retried([&] { return ::fsync(fd.get()); }), "fsync", directory);
}

}  // namespace chrysalis
