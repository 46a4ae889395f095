#pragma once

// Manifest v1: what a snapshot holds and what it needs, in manifest.json
// beside its files. Its digest pins all of it: the contents of every file,
// the guest's shape, who wrote it. It names no snapshot, VM or host, so the
// digest stays the same when a snapshot is retained, copied and imported; who
// the snapshot is, is said by its record (snapshot.json, and the database).
//
// Order: files sorted by name; all keys sorted; one line, ended by a newline.
// Hostile input: decode() bounds bytes, depth, lists and texts, wants every
//   key and no other, takes names that are one component, and checks that
//   config, topology, disks and files agree with each other. Whether they
//   agree with the VMM's own files is for whoever can read those.
// Claims: source_uid and captured_at of an imported manifest are its
//   writer's; an import's record does not believe the former.
// Errors: kCorrupt - "topology.disks[0].id: ..." (the caller adds the path);
//   kUnsupported - written by a newer version.
// Thread-safety: values, pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/model/fields.h"
#include "src/model/topology.h"
#include "src/store/records.h"

namespace chrysalis::store {

inline constexpr std::string_view kManifestFile = "manifest.json";
// The snapshot's record, as vm.json is a VM's: for doctor, never hashed.
inline constexpr std::string_view kSnapshotRecordFile = "snapshot.json";

struct ManifestFile {
  std::string name;         // one component, beside the manifest
  uint64_t bytes = 0;       // apparent size
  uint64_t data_bytes = 0;  // without holes, when it was published
  std::string sha256;       // tree hash (src/base/tree_hash.h), hex
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Manifest {
  static constexpr std::string_view kFormat = "chrysalis-snapshot";
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t kMaxBytes = size_t{256} << 10;
  static constexpr size_t kMaxFiles = 32;

  model::VmConfig config{};    // the whole of it, also what is not restored
  model::Topology topology{};  // NIC ids, MTU, max_phys_bits: frozen
  std::vector<Disk> disks;     // with roles; in the guest's order
  std::string cmdline;
  bool has_initrd = false;
  std::string cache_type;  // of the disks' backends (FC): "Writeback"
  Vmm vmm;                 // version, sha256 of the binary, format
  std::string cpu_model, host_kernel;
  std::string source_uid;  // lineage: the VM's
  Wall captured_at{};
  uint64_t pause_ms = 0;
  std::vector<ManifestFile> files;  // all but the two named above

  // Null: there is none.
  [[nodiscard]] const ManifestFile* file(std::string_view name) const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// The names a snapshot of this shape consists of, sorted: the VMM's files,
// the disks, kernel and initrd.
std::vector<std::string> snapshot_file_names(const SnapshotRecord& record);

// The canonical bytes, and the digest of any bytes: "sha256:<hex>".
std::string encode(const Manifest& manifest);
Result<std::string> manifest_digest(std::string_view bytes);
Result<Manifest> decode_manifest(std::string_view bytes);

// What a record says of the contents; and back: every member but the names
// (uid, ns, name), `ready` and `manifest_digest`, which are left empty. Data
// bytes come from the files.
Manifest manifest_of(const SnapshotRecord& record,
                     std::vector<ManifestFile> files);
SnapshotRecord record_of(const Manifest& manifest);

}  // namespace chrysalis::store
