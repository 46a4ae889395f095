#include "src/store/snapshot_seal.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "src/base/tree_hash.h"
#include "src/model/guest_files.h"

namespace chrysalis::store {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPage = 4096;
constexpr uint32_t kFileMode = 0440;
constexpr uint32_t kDirectoryMode = 0750;

bool is_zero(std::span<const char> bytes) {
  return bytes[0] == 0 &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Gives zero pages back, neighbours in one call.
class Puncher {
 public:
  explicit Puncher(File& file) : file_(file) {}

  Result<void> add(uint64_t offset, std::span<const char> chunk) {
    for (; chunk.size() >= kPage; chunk = chunk.subspan(kPage)) {
      if (is_zero(chunk.first(kPage))) {
        if (run_.end() != offset) CHRYSALIS_TRY(flush());
        if (run_.length == 0) run_.offset = offset;
        run_.length += kPage;
      }
      offset += kPage;
    }
    return {};
  }
  Result<void> flush() {
    const Extent run = std::exchange(run_, {});
    return run.length == 0 ? Result<void>{} : file_.punch(run);
  }

 private:
  File& file_;
  Extent run_;
};

// Generations link what nobody writes to; the rest is a snapshot's own.
bool may_be_linked(std::string_view name) {
  return name == model::kKernel || name == model::kInitrd ||
         name == model::kChMemory || name == model::kFcMemory;
}

tl::unexpected<Error> linked_elsewhere(std::string_view name) {
  return fail(Code::kCorrupt,
              std::string(name) + " is linked elsewhere: it could change");
}

Error in_file(Error error, std::string_view name) {
  return with_context(std::move(error), name);
}

Result<void> write_file(const SealTarget& at, std::string_view name,
                        std::string_view bytes) {
  CHRYSALIS_ASSIGN(auto file, at.fs.open(at.directory / name,
                                         FileSystem::Mode::kCreate, kFileMode));
  CHRYSALIS_TRY(file->write_at(0, bytes));
  if (at.group) CHRYSALIS_TRY(file->chown(0, *at.group));
  return file->sync();
}

}  // namespace

Result<uint64_t> data_bytes(File& file) {
  uint64_t sum = 0;
  uint64_t from = 0;
  while (true) {
    CHRYSALIS_ASSIGN(const auto extent, file.next_data(from));
    if (!extent) return sum;
    sum += extent->length;
    from = extent->end();
  }
}

Result<ManifestFile> seal_file(const SealTarget& at, std::string_view name) {
  const fs::path path = at.directory / name;
  CHRYSALIS_ASSIGN(auto file, at.fs.open(path, FileSystem::Mode::kReadWrite));
  CHRYSALIS_ASSIGN(const FileStat stat, file->stat());
  if (stat.links != 1) return linked_elsewhere(name);
  Puncher puncher(*file);
  ManifestFile out{std::string(name), stat.size, 0, ""};
  CHRYSALIS_ASSIGN(out.sha256,
                   tree_hash(*file, stat.size, path,
                             [&](uint64_t offset, std::span<const char> chunk) {
                               return puncher.add(offset, chunk);
                             }));
  CHRYSALIS_TRY(puncher.flush());
  CHRYSALIS_ASSIGN(out.data_bytes, data_bytes(*file));
  if (at.group) CHRYSALIS_TRY(file->chown(0, *at.group));
  CHRYSALIS_TRY(file->chmod(kFileMode));
  CHRYSALIS_TRY(file->sync());
  return out;
}

Result<ManifestFile> seal_shared_file(const SealTarget& at,
                                      std::string_view name) {
  const fs::path path = at.directory / name;
  CHRYSALIS_ASSIGN(auto file, at.fs.open(path, FileSystem::Mode::kRead));
  CHRYSALIS_ASSIGN(const FileStat stat, file->stat());
  if ((stat.mode & 0222) != 0)
    return fail(Code::kCorrupt, std::string(name) + " may be written to");
  ManifestFile out{std::string(name), stat.size, 0, ""};
  CHRYSALIS_ASSIGN(out.sha256, tree_hash(*file, stat.size, path));
  CHRYSALIS_ASSIGN(out.data_bytes, data_bytes(*file));
  CHRYSALIS_TRY(file->sync());
  return out;
}

Result<void> seal_directory(const SealTarget& at, std::string_view manifest,
                            std::string_view record, const fs::path& to) {
  if (at.group) CHRYSALIS_TRY(at.fs.chown(at.directory, 0, *at.group));
  CHRYSALIS_TRY(at.fs.chmod(at.directory, kDirectoryMode));
  CHRYSALIS_TRY(at.fs.sync_dir(at.directory));
  CHRYSALIS_TRY(write_file(at, kManifestFile, manifest));
  CHRYSALIS_TRY(write_file(at, kSnapshotRecordFile, record));
  CHRYSALIS_TRY(at.fs.sync_dir(at.directory));
  CHRYSALIS_TRY(at.fs.rename_noreplace(at.directory, to));
  return at.fs.sync_dir(to.parent_path());
}

Result<std::vector<FileStamp>> stamps_of(
    FileSystem& fs, const fs::path& directory,
    const std::vector<ManifestFile>& files) {
  std::vector<FileStamp> out;
  for (const ManifestFile& file : files) {
    const auto stat = fs.stat(directory / file.name);
    if (!stat && stat.error().code == Code::kNotFound)
      return fail(Code::kCorrupt, file.name + " is missing");
    if (!stat) return tl::unexpected<Error>(in_file(stat.error(), file.name));
    if (stat->kind != FileStat::Kind::kFile)
      return fail(Code::kCorrupt, file.name + " is not a regular file");
    if (stat->links != 1 && !may_be_linked(file.name))
      return linked_elsewhere(file.name);
    if (stat->size != file.bytes)
      return fail(Code::kCorrupt,
                  file.name + " has " + std::to_string(stat->size) +
                      " bytes instead of " + std::to_string(file.bytes));
    out.push_back(
        {file.name, stat->device, stat->inode, stat->size, stat->mtime_ns});
  }
  return out;
}

Result<void> expect_unlinked(FileSystem& fs, const fs::path& path) {
  const auto stat = fs.stat(path);
  if (stat && stat->kind == FileStat::Kind::kFile && stat->links != 1)
    return linked_elsewhere(path.filename().string());
  return {};  // whoever reads it says what else there is to say
}

Result<void> expect_names(std::vector<std::string> found,
                          const std::vector<ManifestFile>& files) {
  std::erase_if(found, [](const std::string& name) {
    return name == kManifestFile || name == kSnapshotRecordFile;
  });
  std::ranges::sort(found);
  for (const std::string& name : found)
    if (!std::ranges::binary_search(files, name, {}, &ManifestFile::name))
      return fail(Code::kCorrupt,
                  "'" + name.substr(0, 64) + "' is no part of the snapshot");
  for (const ManifestFile& file : files)
    if (!std::ranges::binary_search(found, file.name))
      return fail(Code::kCorrupt, file.name + " is missing");
  return {};
}

Result<void> ensure_directory(FileSystem& fs, const fs::path& path,
                              uint32_t permissions) {
  const auto made = fs.mkdir(path, permissions);
  if (!made && made.error().code != Code::kConflict) return made;
  return fs.sync_dir(path.parent_path());
}

}  // namespace chrysalis::store
