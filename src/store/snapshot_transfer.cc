// SnapshotFiles to and from IMPORT_ROOT: retain() and take_in().

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "src/base/beneath.h"
#include "src/base/unique_fd.h"
#include "src/store/snapshot_files.h"
#include "src/store/snapshot_seal.h"

namespace chrysalis::store {
namespace {

namespace fs = std::filesystem;

Result<std::string> digest_at(FileSystem& fs, const fs::path& directory) {
  CHRYSALIS_ASSIGN(
      const std::string bytes,
      read_file(fs, directory / kManifestFile, Manifest::kMaxBytes));
  return manifest_digest(bytes);
}

// A whole directory onto another file system, visible when it is complete.
Result<void> copy_directory(FileSystem& fs, const fs::path& from,
                            const fs::path& to) {
  // A name that no import can have: valid components start with no dot.
  const fs::path temp = to.parent_path() / ("." + to.filename().string());
  CHRYSALIS_TRY(fs.remove_tree(temp));
  CHRYSALIS_TRY(fs.mkdir(temp, 0750));
  CHRYSALIS_ASSIGN(const auto names, fs.list(from));
  for (const std::string& name : names) {
    CHRYSALIS_TRY(fs.clone_file(from / name, temp / name, 0440));
    CHRYSALIS_ASSIGN(auto file, fs.open(temp / name, FileSystem::Mode::kRead));
    CHRYSALIS_TRY(file->sync());
  }
  CHRYSALIS_TRY(fs.sync_dir(temp));
  return fs.rename_noreplace(temp, to);
}

// The source of an import: a directory held open, so that its owner cannot
// put another one in its place.
struct Source {
  UniqueFd fd;
  fs::path shown;
  // Of a file in it; the last component is never followed by the FileSystem.
  [[nodiscard]] fs::path path(std::string_view name) const {
    return fs::path("/proc/self/fd") / std::to_string(fd.get()) / name;
  }
};

Result<Source> open_source(const StatePaths& paths,
                           const SnapshotFiles::Import& import) {
  for (const std::string& name : {import.ns, import.directory})
    if (!StatePaths::valid_component(name))
      return fail(Code::kInvalid, "'" + name + "' is no name of a directory");
  Source out{{}, paths.import(import.ns, import.directory)};
  const UniqueFd root(
      ::open(paths.import_root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid())
    return tl::unexpected<Error>(
        from_errno(errno, "open " + paths.import_root().string()));
  CHRYSALIS_ASSIGN(
      out.fd, open_directory_beneath(
                  root.get(), import.ns + "/" + import.directory, out.shown));
  return out;
}

// Its names, as many as a snapshot can have at most.
Result<std::vector<std::string>> names_of(const Source& source) {
  const int fd =
      ::openat(source.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return tl::unexpected<Error>(from_errno(errno, "list"));
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd), ::closedir);
  if (!dir) {
    const int error = errno;
    ::close(fd);
    return tl::unexpected<Error>(from_errno(error, "list"));
  }
  std::vector<std::string> out;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (out.size() == Manifest::kMaxFiles + 2)
      return fail(Code::kCorrupt, "it holds more files than a snapshot has");
    out.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return tl::unexpected<Error>(from_errno(errno, "list"));
  return out;
}

struct Copied {
  Manifest manifest;
  std::string manifest_bytes;       // as they were: the digest is kept
  std::vector<ManifestFile> files;  // with the data bytes of the copy
};

// One file of it, copied and hashed; the copy is what is told.
Result<ManifestFile> copy_file(const SealTarget& to, const Source& source,
                               const ManifestFile& file) {
  CHRYSALIS_TRY(
      to.fs.clone_file(source.path(file.name), to.directory / file.name, 0600));
  CHRYSALIS_ASSIGN(auto sealed, seal_file(to, file.name));
  if (sealed.bytes == file.bytes && sealed.sha256 == file.sha256) return sealed;
  return fail(Code::kCorrupt, file.name + " is not what " +
                                  std::string(kManifestFile) +
                                  " says: sha256 " + sealed.sha256 +
                                  " instead of " + file.sha256);
}

Result<Copied> read_manifest(FileSystem& fs, const Source& source) {
  Copied out;
  CHRYSALIS_TRY(expect_unlinked(fs, source.path(kManifestFile)));
  auto bytes = read_file(fs, source.path(kManifestFile), Manifest::kMaxBytes);
  if (!bytes && bytes.error().code == Code::kUnavailable)
    return tl::unexpected<Error>(bytes.error());
  if (!bytes)
    return fail(Code::kCorrupt,
                std::string(kManifestFile) +
                    (bytes.error().code == Code::kNotFound
                         ? " is missing"
                         : " is a link, no regular file, or too large"));
  out.manifest_bytes = std::move(*bytes);
  auto manifest = decode_manifest(out.manifest_bytes);
  if (!manifest)
    return tl::unexpected<Error>(
        with_context(std::move(manifest).error(), kManifestFile));
  out.manifest = std::move(*manifest);
  return out;
}

// The disks last, and none of them before `check` has agreed.
Result<Copied> copy_and_hash(const SealTarget& to, const Source& source,
                             const SnapshotFiles::Check& check) {
  CHRYSALIS_ASSIGN(Copied out, read_manifest(to.fs, source));
  CHRYSALIS_ASSIGN(auto names, names_of(source));
  CHRYSALIS_TRY(expect_names(std::move(names), out.manifest.files));
  // Kinds and sizes before any byte is copied, and of the copy again.
  CHRYSALIS_TRY(stamps_of(to.fs, source.path(""), out.manifest.files));
  const auto is_disk = [&](const ManifestFile& file) {
    return std::ranges::find(out.manifest.disks, file.name, &Disk::file) !=
           out.manifest.disks.end();
  };
  for (const bool disks : {false, true}) {
    for (const ManifestFile& file : out.manifest.files) {
      if (is_disk(file) != disks) continue;
      CHRYSALIS_ASSIGN(auto copied, copy_file(to, source, file));
      out.files.push_back(std::move(copied));
    }
    if (!disks && check) CHRYSALIS_TRY(check(to.directory, out.manifest));
  }
  std::ranges::sort(out.files, {}, &ManifestFile::name);
  return out;
}

}  // namespace

Result<void> SnapshotFiles::retain(const SnapshotRecord& record) {
  for (const std::string& name : {record.uid, record.ns, record.name})
    if (!StatePaths::valid_component(name) ||
        !StatePaths::valid_uid(record.uid))
      return fail(Code::kInvalid, "'" + name + "' is no name");
  const fs::path from = paths_.snapshot(record.uid);
  const fs::path to = paths_.retained(record.ns, record.name, record.uid);
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.import_root(), 0750));
  CHRYSALIS_TRY(ensure_directory(fs_, to.parent_path(), 0750));
  const auto there = fs_.stat(to);
  if (!there && there.error().code != Code::kNotFound)
    return tl::unexpected<Error>(there.error());
  if (there) {
    // Done by a former life of ours, but for the removal.
    const auto digest = digest_at(fs_, to);
    if (!digest || *digest != record.manifest_digest)
      return fail(Code::kConflict,
                  to.string() +
                      " is there already and is another snapshot: "
                      "move it away");
    return remove(record.uid);
  }
  const auto moved = fs_.rename_noreplace(from, to);
  if (!moved) {
    const auto source = fs_.stat(from);
    const auto target = fs_.stat(to.parent_path());
    if (!source || !target || source->device == target->device) return moved;
    CHRYSALIS_TRY(copy_directory(fs_, from, to));
  }
  CHRYSALIS_TRY(fs_.sync_dir(to.parent_path()));
  return remove(record.uid);
}

Result<SnapshotFiles::Published> SnapshotFiles::take_in(const Import& import,
                                                        const Check& check) {
  if (!StatePaths::valid_uid(import.uid))
    return fail(Code::kInvalid, "the snapshot has no valid uid");
  CHRYSALIS_ASSIGN(const Source source, open_source(paths_, import));
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.snapshots_dir(), 0711));
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.staging_dir(), 0700));
  const fs::path staging = paths_.staging(import.uid, import.attempt);
  const auto take = [&]() -> Result<Published> {
    CHRYSALIS_TRY(fs_.remove_tree(staging));
    CHRYSALIS_TRY(fs_.mkdir(staging, 0750));
    CHRYSALIS_ASSIGN(
        Copied copied,
        copy_and_hash({fs_, staging, options_.group}, source, check));
    SnapshotRecord record = record_of(copied.manifest);
    record.uid = import.uid;
    record.ns = import.ns;
    record.name = import.name;
    record.source_uid.clear();  // foreign, whatever it claims
    return finish(staging, std::move(record), copied.manifest_bytes,
                  copied.files);
  };
  auto published = take();
  if (published) return published;
  (void)fs_.remove_tree(staging);
  return tl::unexpected<Error>(
      with_context(std::move(published).error(), source.shown.string()));
}

}  // namespace chrysalis::store
