#pragma once

// Snapshot directories: published once, immutable, verified before use.
//
//   STATE/snapshots/.staging/<uid>-<n>/ --publish--> STATE/snapshots/<uid>/
//   IMPORT_ROOT/<ns>/<dir>/ --take_in--^                |          |
//               ^---------------------retain------------'        remove
//
// Durability: publish() and take_in() return when every byte and name is
//   durable, in this order: punch zero pages and hash, mode 0440 and owner,
//   sync each file, sync the directory, manifest and record with sync, sync
//   the directory, rename without replace, sync the parent. Only then may a
//   row call it ready. After a crash in between there is no directory under
//   the snapshot's name, or a complete one whose row is not ready: remove()
//   it, then begin anew.
// Thread-safety: any thread; one snapshot is written by one lane. verify() of
//   one snapshot by many clones at once hashes it once.
// Hostile input: an import is opened beneath its root without following
//   links, must hold exactly the files of its manifest (and our record's
//   file), each regular and of the size it claims, and is copied first: only
//   the copy is hashed and ever used.
// Errors: kCorrupt - which file, and how it differs; kNotFound; kInvalid - a
//   name; kConflict - it is there already; kUnsupported - a newer format;
//   kUnavailable - the disk.
// Ownership: borrows all arguments of the constructor.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/manifest.h"
#include "src/store/node_db.h"
#include "src/store/paths.h"
#include "src/store/records.h"

namespace chrysalis::store {

class SnapshotFiles {
 public:
  enum class Verify : uint8_t {
    kOnce,    // a node and boot, as long as the files look the same
    kAlways,  // hash at every use
  };
  struct Options {
    Verify verify = Verify::kOnce;
    std::string boot_id;  // of the running kernel
    // Files become root's and this group's, which every VMM joins (its
    // shared_gid). None: owners stay as they are (tests without root).
    std::optional<uint32_t> group;
  };
  SnapshotFiles(const StatePaths& paths, FileSystem& fs, const NodeDb& db,
                Options options);
  ~SnapshotFiles();

  // A record as it was published, and what to remember of it: commit both
  // with the row that calls it ready, so that the first clone hashes nothing.
  struct Published {
    SnapshotRecord record;  // with digest and sizes
    VerifiedRow verified;
  };

  // staging: a directory of staging_dir(), out of the VM's reach, that holds
  // exactly snapshot_file_names(record). Kernel and initrd may be hard links
  // of read-only files and are left as they are; all else is this snapshot's
  // own. kCorrupt: a file is missing, unknown, or of another size than the
  // record's topology says. kConflict: it was published before.
  [[nodiscard]] Result<Published> publish(const std::filesystem::path& staging,
                                          SnapshotRecord record);

  // Its files are what its manifest says, and that is what the record says.
  // A row to remember is answered after hashing; it may ride with any commit.
  [[nodiscard]] Result<std::optional<VerifiedRow>> verify(
      const SnapshotRecord& record);

  // Everything of it, staged or published; ok when there is nothing. What is
  // linked elsewhere stays there. Never seen half removed under its name.
  [[nodiscard]] Result<void> remove(std::string_view uid);

  // Moves it to IMPORT_ROOT/<ns>/<name>-<uid8> (copies, where that is another
  // file system). Repeatable. kConflict: something else is there.
  [[nodiscard]] Result<void> retain(const SnapshotRecord& record);

  struct Import {
    std::string uid, ns, name;  // of the new snapshot
    std::string directory;      // IMPORT_ROOT/<ns>/<directory>
    uint64_t attempt = 0;       // names the staging directory
  };
  // Looks at the staged copy, all but its disks: the VMM's own files.
  using Check = std::function<Result<void>(const std::filesystem::path& staging,
                                           const Manifest& manifest)>;
  // The source is never changed. The record is foreign: no source_uid.
  [[nodiscard]] Result<Published> take_in(const Import& import,
                                          const Check& check);

 private:
  struct Seen;
  [[nodiscard]] std::shared_ptr<Seen> seen(std::string_view uid);
  // Sealed files become a snapshot.
  [[nodiscard]] Result<Published> finish(
      const std::filesystem::path& staging, SnapshotRecord record,
      const std::string& manifest, const std::vector<ManifestFile>& files);
  [[nodiscard]] Result<std::optional<VerifiedRow>> verify_files(
      const SnapshotRecord& record);
  [[nodiscard]] Result<std::optional<VerifiedRow>> verify_contents(
      const std::string& uid, const std::string& digest,
      const std::vector<ManifestFile>& files);

  const StatePaths& paths_;
  FileSystem& fs_;
  const NodeDb& db_;
  const Options options_;
  std::mutex mutex_;  // of seen_
  std::map<std::string, std::shared_ptr<Seen>, std::less<>> seen_;
};

}  // namespace chrysalis::store
