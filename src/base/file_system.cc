#include "src/base/file_system.h"

#include <algorithm>

namespace chrysalis {

Result<std::string> read_file(FileSystem& fs, const FileSystem::Path& path,
                              size_t limit) {
  CHRYSALIS_ASSIGN(const auto file, fs.open(path, FileSystem::Mode::kRead));
  CHRYSALIS_ASSIGN(const FileStat stat, file->stat());
  if (stat.size > limit)
    return fail(Code::kInvalid,
                path.string() + " has " + std::to_string(stat.size) +
                    " bytes; at most " + std::to_string(limit) + " are read");
  // It may grow meanwhile: one byte more than the limit tells.
  std::string bytes(static_cast<size_t>(stat.size) + 1, '\0');
  size_t have = 0;
  while (true) {
    CHRYSALIS_ASSIGN(const size_t got,
                     file->read_at(have, std::span(bytes).subspan(have)));
    have += got;
    if (have > limit)
      return fail(Code::kInvalid, path.string() + " has more than " +
                                      std::to_string(limit) + " bytes");
    if (have < bytes.size()) break;
    bytes.resize(std::min(bytes.size() * 2, limit + 1));
  }
  bytes.resize(have);
  return bytes;
}

namespace {

Result<void> write_and_rename(FileSystem& fs, const FileSystem::Path& temp,
                              const FileSystem::Path& path,
                              std::string_view bytes, uint32_t permissions) {
  CHRYSALIS_ASSIGN(const auto file,
                   fs.open(temp, FileSystem::Mode::kCreate, permissions));
  CHRYSALIS_TRY(file->write_at(0, bytes));
  CHRYSALIS_TRY(file->sync());
  return fs.rename(temp, path);
}

}  // namespace

Result<void> durable_replace(FileSystem& fs, const FileSystem::Path& path,
                             std::string_view bytes, uint32_t permissions) {
  const auto temp =
      path.parent_path() / ("." + path.filename().string() + ".tmp");
  // Left by a crash: it never became visible, so it is nobody's.
  if (auto gone = fs.unlink(temp);
      !gone && gone.error().code != Code::kNotFound)
    return gone;
  if (auto done = write_and_rename(fs, temp, path, bytes, permissions); !done) {
    (void)fs.unlink(temp);
    return done;
  }
  return fs.sync_dir(path.parent_path());
}

}  // namespace chrysalis
