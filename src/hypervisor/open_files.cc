#include "src/hypervisor/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

namespace chrysalis::hypervisor {
namespace {

// "flags:\t0100002", octal as open(2) has them.
std::optional<int> flags_of(const std::filesystem::path& info) {
  std::ifstream in(info);
  for (std::string word; in >> word;) {
    if (word != "flags:" || !(in >> word)) continue;
    int flags = 0;
    const auto end = word.data() + word.size();
    if (std::from_chars(word.data(), end, flags, 8).ptr == end) return flags;
  }
  return std::nullopt;
}

std::optional<OpenFile> look_at(const std::filesystem::path& process,
                                const std::filesystem::path& fd) {
  struct stat found{};
  if (::stat(fd.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
    return std::nullopt;
  const auto flags = flags_of(process / "fdinfo" / fd.filename());
  if (!flags) return std::nullopt;
  OpenFile file;
  file.device = found.st_dev;
  file.inode = found.st_ino;
  file.links = found.st_nlink;
  file.writable = (*flags & O_PATH) == 0 && (*flags & O_ACCMODE) != O_RDONLY;
  std::error_code ignored;
  file.shown = std::filesystem::read_symlink(fd, ignored);
  return file;
}

}  // namespace

Result<std::vector<OpenFile>> open_files(pid_t pid) {
  const std::filesystem::path process = "/proc/" + std::to_string(pid);
  std::vector<OpenFile> files;
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(process / "fd", error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error))
    if (auto file = look_at(process, entry->path()))
      files.push_back(*std::move(file));
  if (error)
    return tl::unexpected(
        from_errno(error.value(), "list " + (process / "fd").string()));
  return files;
}

}  // namespace chrysalis::hypervisor
