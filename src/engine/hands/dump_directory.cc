#include "src/engine/hands/dump_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "src/base/beneath.h"

namespace chrysalis::engine {
namespace {

// The VMM adds files by its group; the sticky bit keeps what is root's.
constexpr uint32_t kMode = 01770;

Result<struct stat> stat_of(int fd, const std::filesystem::path& shown) {
  struct stat found{};
  if (::fstat(fd, &found) != 0)
    return tl::unexpected(from_errno(errno, "stat " + shown.string()));
  return found;
}

enum class Writers : uint8_t { kNone, kSome, kUnknown };

// A read lease is only given while nobody has the file open for writing or
// mapped like that. Not every file system gives leases.
Writers writers_of(int fd) {
  // If it were broken in this moment: a signal that nobody minds.
  (void)::fcntl(fd, F_SETSIG, SIGURG);
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    (void)::fcntl(fd, F_SETLEASE, F_UNLCK);
    return Writers::kNone;
  }
  return errno == EAGAIN ? Writers::kSome : Writers::kUnknown;
}

}  // namespace

Result<DumpDirectory> DumpDirectory::make(
    FileSystem& fs, const std::filesystem::path& generation,
    const std::string& name, uint32_t unix_uid) {
  const auto directory = generation / name;
  CHRYSALIS_TRY(fs.remove_tree(directory));
  CHRYSALIS_TRY(fs.mkdir(directory, 0700));
  const UniqueFd parent(::open(generation.c_str(),
                               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!parent.valid())
    return tl::unexpected(from_errno(errno, "open " + generation.string()));
  CHRYSALIS_ASSIGN(UniqueFd found,
                   open_directory_beneath(parent.get(), name, directory));
  CHRYSALIS_ASSIGN(const struct stat owner, stat_of(found.get(), directory));
  if (owner.st_uid != ::geteuid())
    return fail(Code::kCorrupt, directory.string() + " is not root's");
  DumpDirectory out(std::move(found));
  // Through the descriptor: it cannot have been exchanged meanwhile.
  if (::chown(out.path().c_str(), ::geteuid(), unix_uid) != 0 ||
      ::chmod(out.path().c_str(), kMode) != 0)
    return tl::unexpected(from_errno(errno, "give " + directory.string()));
  return out;
}

std::filesystem::path DumpDirectory::path() const {
  return std::filesystem::path("/proc/self/fd") / std::to_string(fd_.get());
}

Result<> DumpDirectory::take(FileSystem& fs, const std::string& name,
                             const std::filesystem::path& to) const {
  auto file = open_file_beneath(fd_.get(), name, name);
  if (!file) return fail(Code::kCorrupt, file.error().message);
  // Root's first: the sticky bit holds its name still from here on.
  if (::fchown(file->get(), ::geteuid(), ::getegid()) != 0 ||
      ::fchmod(file->get(), 0600) != 0)
    return tl::unexpected(from_errno(errno, "take " + name));
  CHRYSALIS_ASSIGN(const struct stat ours, stat_of(file->get(), name));
  if (ours.st_nlink != 1)
    return fail(Code::kCorrupt, name + " is linked elsewhere: it could change");
  switch (writers_of(file->get())) {
    case Writers::kSome:
      return fail(Code::kCorrupt,
                  name + " is open for writing: it could change");
    case Writers::kUnknown: {
      // Another file with its bytes is nobody's but ours.
      CHRYSALIS_TRY(fs.clone_file(path() / name, to / name, 0600));
      return fs.unlink(path() / name);
    }
    case Writers::kNone:
      break;
  }
  CHRYSALIS_TRY(fs.rename(path() / name, to / name));
  CHRYSALIS_ASSIGN(const FileStat moved, fs.stat(to / name));
  if (moved.device != ours.st_dev || moved.inode != ours.st_ino)
    return fail(Code::kCorrupt, name + " was exchanged while it was taken");
  return {};
}

}  // namespace chrysalis::engine
