#include "src/store/snapshot_files.h"

#include <algorithm>

#include "src/base/tree_hash.h"
#include "src/model/guest_files.h"
#include "src/store/manifest_check.h"
#include "src/store/record_text.h"
#include "src/store/snapshot_seal.h"

namespace chrysalis::store {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTrash = 0;  // no attempt has this number

Error in_file(Error error, std::string_view name) {
  return with_context(std::move(error), name);
}

// What must be there and how large it is, before anything is hashed.
Result<std::vector<ManifestFile>> expected_files(FileSystem& fs,
                                                 const fs::path& staging,
                                                 const SnapshotRecord& record) {
  std::vector<ManifestFile> out;
  for (const std::string& name : snapshot_file_names(record)) {
    if (!StatePaths::valid_component(name))
      return fail(Code::kCorrupt, "'" + name + "' is no file name");
    const auto stat = fs.stat(staging / name);
    if (!stat && stat.error().code != Code::kNotFound)
      return tl::unexpected<Error>(in_file(stat.error(), name));
    out.push_back({name, stat ? stat->size : 0, 0, std::string(64, '0')});
  }
  CHRYSALIS_ASSIGN(auto found, fs.list(staging));
  CHRYSALIS_TRY(expect_names(std::move(found), out));
  CHRYSALIS_TRY(stamps_of(fs, staging, out));  // regular files
  CHRYSALIS_TRY(check_manifest(manifest_of(record, out)));
  return out;
}

bool is_shared(std::string_view name) {
  return name == model::kKernel || name == model::kInitrd;
}

// What the manifest cannot know, taken over from the row.
Result<void> compare(const Manifest& manifest, const SnapshotRecord& record) {
  SnapshotRecord said = record_of(manifest);
  said.uid = record.uid;
  said.ns = record.ns;
  said.name = record.name;
  said.ready = record.ready;
  said.manifest_digest = record.manifest_digest;
  said.memory_bytes = record.memory_bytes;
  said.disk_bytes = record.disk_bytes;
  if (record.source_uid.empty()) said.source_uid.clear();  // an import
  if (said == record) return {};
  return fail(Code::kCorrupt,
              std::string(kManifestFile) + " differs from the node's record");
}

Result<void> hash_all(FileSystem& fs, const fs::path& directory,
                      const std::vector<ManifestFile>& files) {
  for (const ManifestFile& file : files) {
    const fs::path path = directory / file.name;
    CHRYSALIS_ASSIGN(auto open, fs.open(path, FileSystem::Mode::kRead));
    CHRYSALIS_ASSIGN(const std::string got, tree_hash(*open, file.bytes, path));
    if (got != file.sha256)
      return fail(Code::kCorrupt, file.name +
                                      " is not what was published: sha256 " +
                                      got + " instead of " + file.sha256);
  }
  return {};
}

// The number n of "<uid>-<n>".
bool is_staging_of(std::string_view name, std::string_view uid) {
  if (!name.starts_with(uid)) return false;
  name.remove_prefix(uid.size());
  return name.size() > 1 && name.front() == '-' &&
         std::ranges::all_of(name.substr(1),
                             [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// What is known of a snapshot's files, and who hashes them now.
struct SnapshotFiles::Seen {
  std::mutex hashing;
  std::optional<VerifiedRow> row;
};

SnapshotFiles::SnapshotFiles(const StatePaths& paths, FileSystem& fs,
                             const NodeDb& db, Options options)
    : paths_(paths), fs_(fs), db_(db), options_(std::move(options)) {}
SnapshotFiles::~SnapshotFiles() = default;

std::shared_ptr<SnapshotFiles::Seen> SnapshotFiles::seen(std::string_view uid) {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(uid);
  if (found != seen_.end()) return found->second;
  return seen_.emplace(uid, std::make_shared<Seen>()).first->second;
}

Result<SnapshotFiles::Published> SnapshotFiles::publish(const fs::path& staging,
                                                        SnapshotRecord record) {
  if (!StatePaths::valid_uid(record.uid))
    return fail(Code::kInvalid, "the snapshot has no valid uid");
  // Where it goes to must not be lost with it.
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.snapshots_dir(), 0711));
  auto files = expected_files(fs_, staging, record);
  if (!files)
    return tl::unexpected<Error>(
        with_context(std::move(files).error(), "snapshot"));
  const SealTarget at{fs_, staging, options_.group};
  for (ManifestFile& file : *files) {
    auto sealed = is_shared(file.name) ? seal_shared_file(at, file.name)
                                       : seal_file(at, file.name);
    if (!sealed)
      return tl::unexpected<Error>(
          with_context(std::move(sealed).error(), "snapshot"));
    file = std::move(*sealed);
  }
  return finish(staging, std::move(record), encode(manifest_of(record, *files)),
                *files);
}

Result<SnapshotFiles::Published> SnapshotFiles::finish(
    const fs::path& staging, SnapshotRecord record, const std::string& manifest,
    const std::vector<ManifestFile>& files) {
  const SnapshotRecord sizes = record_of(manifest_of(record, files));
  record.memory_bytes = sizes.memory_bytes;
  record.disk_bytes = sizes.disk_bytes;
  CHRYSALIS_ASSIGN(record.manifest_digest, manifest_digest(manifest));
  const fs::path to = paths_.snapshot(record.uid);
  CHRYSALIS_TRY(seal_directory({fs_, staging, options_.group}, manifest,
                               to_text(record), to));
  VerifiedRow verified{
      record.uid, options_.boot_id, record.manifest_digest, {}};
  CHRYSALIS_ASSIGN(verified.files, stamps_of(fs_, to, files));
  const auto entry = seen(record.uid);
  {
    const std::lock_guard lock(entry->hashing);
    entry->row = verified;
  }
  return Published{std::move(record), std::move(verified)};
}

Result<std::optional<VerifiedRow>> SnapshotFiles::verify(
    const SnapshotRecord& record) {
  if (!StatePaths::valid_uid(record.uid))
    return fail(Code::kInvalid, "the snapshot has no valid uid");
  auto verified = verify_files(record);
  if (!verified)
    return tl::unexpected<Error>(
        with_context(std::move(verified).error(), "snapshot " + record.uid));
  return verified;
}

Result<std::optional<VerifiedRow>> SnapshotFiles::verify_files(
    const SnapshotRecord& record) {
  const fs::path directory = paths_.snapshot(record.uid);
  CHRYSALIS_ASSIGN(auto names, fs_.list(directory));
  auto bytes = read_file(fs_, directory / kManifestFile, Manifest::kMaxBytes);
  if (!bytes && bytes.error().code == Code::kNotFound)
    return fail(Code::kCorrupt, std::string(kManifestFile) + " is missing");
  if (!bytes && bytes.error().code == Code::kInvalid)
    return fail(Code::kCorrupt, bytes.error().message);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  CHRYSALIS_ASSIGN(const std::string digest, manifest_digest(*bytes));
  if (digest != record.manifest_digest)
    return fail(Code::kCorrupt, std::string(kManifestFile) + " has " + digest +
                                    " instead of " + record.manifest_digest);
  const auto manifest = decode_manifest(*bytes);
  if (!manifest)
    return tl::unexpected<Error>(in_file(manifest.error(), kManifestFile));
  CHRYSALIS_TRY(compare(*manifest, record));
  CHRYSALIS_TRY(expect_names(std::move(names), manifest->files));
  return verify_contents(record.uid, digest, manifest->files);
}

Result<std::optional<VerifiedRow>> SnapshotFiles::verify_contents(
    const std::string& uid, const std::string& digest,
    const std::vector<ManifestFile>& files) {
  const fs::path directory = paths_.snapshot(uid);
  const auto entry = seen(uid);
  // Whoever comes second finds it done.
  std::unique_lock hashing(entry->hashing, std::defer_lock);
  if (options_.verify == Verify::kOnce) hashing.lock();
  CHRYSALIS_ASSIGN(auto before, stamps_of(fs_, directory, files));
  VerifiedRow now{uid, options_.boot_id, digest, std::move(before)};
  if (options_.verify == Verify::kOnce) {
    const auto row = db_.verified(uid);
    if (entry->row == now || (row && *row == now)) return std::nullopt;
  }
  CHRYSALIS_TRY(hash_all(fs_, directory, files));
  CHRYSALIS_ASSIGN(const auto after, stamps_of(fs_, directory, files));
  if (after != now.files)
    return fail(Code::kCorrupt, "a file changed while it was read");
  if (options_.verify == Verify::kAlways) return std::nullopt;
  entry->row = now;
  return now;
}

Result<void> SnapshotFiles::remove(std::string_view uid) {
  if (!StatePaths::valid_uid(uid))
    return fail(Code::kInvalid, "the snapshot has no valid uid");
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.snapshots_dir(), 0711));
  CHRYSALIS_TRY(ensure_directory(fs_, paths_.staging_dir(), 0700));
  const fs::path trash = paths_.staging(uid, kTrash);
  CHRYSALIS_TRY(fs_.remove_tree(trash));
  // By one rename it is whole or it is not there.
  const auto moved = fs_.rename(paths_.snapshot(uid), trash);
  if (!moved && moved.error().code != Code::kNotFound) return moved;
  CHRYSALIS_TRY(fs_.sync_dir(paths_.staging_dir()));
  CHRYSALIS_TRY(fs_.sync_dir(paths_.snapshots_dir()));
  CHRYSALIS_ASSIGN(const auto staged, fs_.list(paths_.staging_dir()));
  for (const std::string& name : staged)
    if (is_staging_of(name, uid))
      CHRYSALIS_TRY(fs_.remove_tree(paths_.staging_dir() / name));
  CHRYSALIS_TRY(fs_.sync_dir(paths_.staging_dir()));
  const std::lock_guard lock(mutex_);
  if (const auto found = seen_.find(uid); found != seen_.end())
    seen_.erase(found);
  return {};
}

}  // namespace chrysalis::store
