#include "controller/runtime/directory/manifest_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "controller/api/yaml_reader.h"
#include "src/base/result.h"
#include "src/base/tree_hash.h"
#include "src/base/unique_fd.h"

namespace chrysalis::runtime::directory {
namespace {

constexpr std::string_view kStatusEnd = ".status.yaml";
// Younger than this, a file may change again within one tick of its ctime.
constexpr std::chrono::nanoseconds kSettled = seconds{2};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Result<Directory> open_directory(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, path.native()));
  Directory directory(::fdopendir(fd.get()));
  if (!directory) return tl::unexpected(from_errno(errno, path.native()));
  static_cast<void>(fd.release());  // the stream owns it
  return directory;
}

// Everything but hidden names.
Result<std::set<std::string>> names_in(DIR* directory) {
  std::set<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace(entry->d_name);
  }
  if (errno != 0) return tl::unexpected(from_errno(errno, "readdir"));
  return names;
}

int64_t nanoseconds_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The kernel grants a read lease only where nobody has the file open for
// writing. If somebody opens it meanwhile, the signal is one that is ignored.
bool open_for_writing(int fd) {
  ::fcntl(fd, F_SETSIG, SIGURG);
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

Result<std::string> read_all(int fd, size_t limit) {
  std::string text;
  text.resize(limit + 1);
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(from_errno(errno, "read"));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

ScannedFile in_doubt(std::string name, uint32_t line, std::string message) {
  ScannedFile file{name, {}, {}, /*doubtful=*/true};
  file.said.push_back({std::move(name), line, std::move(message)});
  return file;
}

}  // namespace

ManifestReader::ManifestReader(std::filesystem::path directory,
                               const Rulebook& rules, const Clock& clock)
    : directory_(std::move(directory)), rules_(rules), clock_(clock) {}

Scan ManifestReader::scan() {
  auto directory = open_directory(directory_);
  if (!directory) return {"manifests: " + directory.error().message, {}};
  auto names = names_in(directory->get());
  if (!names) return {"manifests: " + names.error().message, {}};
  status_files_.clear();
  std::erase_if(*names, [&](const std::string& name) {
    if (name.ends_with(kStatusEnd)) status_files_.insert(name);
    return !is_manifest_name(name);
  });
  if (names->size() > kMaxFiles)
    return {"manifests: " + std::to_string(names->size()) + " files; at most " +
                std::to_string(kMaxFiles) + " are read",
            {}};
  std::erase_if(
      known_, [&](const auto& known) { return !names->contains(known.first); });
  Scan scan;
  for (const std::string& name : *names)
    if (auto file = read(::dirfd(directory->get()), name))
      scan.files.push_back(std::move(*file));
  return scan;
}

std::optional<ManifestReader::Stamp> ManifestReader::stamp_of(int fd) {
  struct stat now{};
  if (::fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) return std::nullopt;
  return Stamp{now.st_dev, now.st_ino, static_cast<uint64_t>(now.st_size),
               nanoseconds_of(now.st_mtim), nanoseconds_of(now.st_ctim)};
}

std::optional<ScannedFile> ManifestReader::read(int directory,
                                                const std::string& name) {
  const UniqueFd fd(
      ::openat(directory, name.c_str(),
               O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::nullopt;  // gone since it was listed
    if (errno == ELOOP)
      return in_doubt(name, 0, "is a symbolic link, which is not followed");
    return in_doubt(name, 0, from_errno(errno, "open").message);
  }
  const auto before = stamp_of(fd.get());
  if (!before) return in_doubt(name, 0, "is no regular file");
  const auto known = known_.find(name);
  if (known != known_.end() && known->second.stamp == *before)
    return known->second.file;
  known_.erase(name);
  if (open_for_writing(fd.get()))
    return in_doubt(name, 0, "is being written; read when that is done");
  ++files_read_;
  auto text = read_all(fd.get(), kMaxFileBytes);
  if (!text) return in_doubt(name, 0, text.error().message);
  if (text->size() > kMaxFileBytes)
    return in_doubt(name, 0,
                    "larger than " + std::to_string(kMaxFileBytes) + " bytes");
  if (stamp_of(fd.get()) != before)
    return in_doubt(name, 0, "is being written; read when that is done");
  ScannedFile file = understand(name, *text);
  const auto age = clock_.wall().time_since_epoch() -
                   std::chrono::nanoseconds{before->ctime_ns};
  if (age > kSettled) known_[name] = {*before, file};
  return file;
}

ScannedFile ManifestReader::understand(const std::string& name,
                                       std::string_view text) const {
  auto read = api::read_yaml(text);
  if (!read.fault.empty())
    return in_doubt(name, read.fault_line, std::move(read.fault));
  ScannedFile file{name, {}, {}, false};
  for (api::YamlDocument& text_of : read.documents) {
    if (text_of.value.is_null()) continue;  // between two marks
    const uint32_t line = text_of.line;
    Understood one = rules_.read(std::move(text_of.value), line);
    file.doubtful = file.doubtful || one.doubtful;
    if (!one.said.empty()) file.said.push_back({name, line, one.said});
    if (!one.document) continue;
    auto digest = sha256_hex(one.document->spec);
    if (!digest) return in_doubt(name, line, digest.error().message);
    one.document->digest = "sha256:" + *digest;
    file.documents.push_back(std::move(*one.document));
  }
  if (file.documents.empty() && file.said.empty())
    return in_doubt(name, 0,
                    "holds no object; remove the file to remove what it held");
  return file;
}

}  // namespace chrysalis::runtime::directory
