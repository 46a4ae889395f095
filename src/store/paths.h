#pragma once

// Where everything of this node lies. The only file that builds a path below
// STATE or IMPORT_ROOT; nobody else joins strings into one.
//
// STATE/                          0711 root
//   node.db  node.db-wal  node.db-shm     the node's memory (node_db.h)
//   lock                          flock: one agent or standalone a state
//   instance                      which host this is, of all of its name
//   control.sock                  standalone's control socket
//   bin/<sha256>                  VMM binaries that a VM or a snapshot names
//   boot/<hash>                   kernels and initrds, linked into generations
//   images/  networks/  imports/  default IMAGE_, NETWORK_ and IMPORT_ROOT
//   vms/<vm-uid>/                 0711 root
//     gen-<N>/                    01770 root:<the VM's gid>; its VMM sees it
//                                 as /run/chrysalis/vm; never renamed
//       lock  vm.json             root's; written before the VMM starts
//       kernel  initrd            hard links or copies, by digest
//       disk0  disk1 ...          writable, the VM's own
//       api.sock  serial.sock  made by the VMM
//       (the VMM's state files of a load)
//     gen-<N>.exit                written durably by the shim at the end
//     gen-<N>.console             the drained serial line; bounded by moving
//                                 it to .console.1
//     gen-<N>.log                 output of the VMM (Firecracker: and of the
//                                 guest) and of the shim; bounded likewise
//     gen-<N>.events              what the VMM tells of its guest (Cloud
//                                 Hypervisor); bounded likewise
//     gen-<N>.stdin               FIFO (Firecracker's console input)
//     gen-<N>.sock                the shim's pause guard
//   snapshots/<snapshot-uid>/     0750; files 0440; manifest.json; immutable
//   snapshots/.staging/<snapshot-uid>-<n>/       before the publishing rename
// IMPORT_ROOT/<namespace>/<name>  directories to import, retained snapshots
//
// The names in gen-<N> are of src/model/guest_files.h. Files that root writes
// while a VMM runs stand beside it: in there the VMM could plant a link under
// the name first. The sticky bit keeps it from replacing lock and vm.json.
//
// Sockets: sun_path holds 107 bytes and a NUL. The longest of ours is
// STATE + /vms/<36>/gen-<6 digits>/serial.sock, so open() refuses a STATE of
// more than kMaxRootBytes, and a generation stays below kMaxGeneration.
// Thread-safety: value, immutable.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/model/guest_files.h"

namespace chrysalis::store {

// The files of one generation, as the host sees them.
struct GenerationPaths {
  std::filesystem::path directory;
  [[nodiscard]] std::filesystem::path lock() const;
  [[nodiscard]] std::filesystem::path vm_json() const;
  [[nodiscard]] std::filesystem::path kernel() const;
  [[nodiscard]] std::filesystem::path initrd() const;
  [[nodiscard]] std::filesystem::path disk(uint32_t index) const;
  [[nodiscard]] std::filesystem::path api_socket() const;
  [[nodiscard]] std::filesystem::path serial_socket() const;
  [[nodiscard]] std::filesystem::path events() const;
  // There only when the events grew so long that some are gone for good.
  [[nodiscard]] std::filesystem::path old_events() const;
  // Any other file by its name. REQUIRES: valid_component(name).
  [[nodiscard]] std::filesystem::path file(std::string_view name) const;
  // Beside the directory, written by the shim.
  [[nodiscard]] std::filesystem::path exit_status() const;
  [[nodiscard]] std::filesystem::path console() const;
  [[nodiscard]] std::filesystem::path log() const;
  [[nodiscard]] std::filesystem::path stdin_fifo() const;
  [[nodiscard]] std::filesystem::path shim_socket() const;
  // Everything that may stand beside it: goes when the generation goes.
  [[nodiscard]] std::vector<std::filesystem::path> beside() const;
};

class StatePaths {
 public:
  static constexpr size_t kMaxSocketPath = 107;
  static constexpr uint32_t kMaxGeneration = 999'999;
  // "/vms/" + uid + "/gen-999999" + "/serial.sock"
  static constexpr size_t kMaxRootBytes = kMaxSocketPath - (5 + 36 + 11 + 12);

  // kInvalid: not absolute, or too long for the sockets below it.
  // Touches no disk. An empty import_root means STATE/imports.
  static Result<StatePaths> open(std::filesystem::path state,
                                 std::filesystem::path import_root = {});

  // True for what may stand as one path component: [A-Za-z0-9._-]+, at most
  // 253 bytes, no leading dot. A uid also has at most 36 bytes and no dot.
  static bool valid_component(std::string_view name);
  static bool valid_uid(std::string_view uid);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] const std::filesystem::path& import_root() const {
    return import_root_;
  }
  [[nodiscard]] std::filesystem::path node_db() const;
  [[nodiscard]] std::filesystem::path lock_file() const;
  [[nodiscard]] std::filesystem::path instance_file() const;
  [[nodiscard]] std::filesystem::path control_socket() const;
  [[nodiscard]] std::filesystem::path default_image_root() const;
  [[nodiscard]] std::filesystem::path default_network_root() const;
  [[nodiscard]] std::filesystem::path bin_dir() const;
  [[nodiscard]] std::filesystem::path boot_files_dir() const;
  [[nodiscard]] std::filesystem::path vms_dir() const;
  [[nodiscard]] std::filesystem::path snapshots_dir() const;
  [[nodiscard]] std::filesystem::path staging_dir() const;

  // REQUIRES for all below: each argument is a valid uid or component; the
  // database refuses rows with others, so a violation is ours and aborts.
  [[nodiscard]] std::filesystem::path bin(std::string_view sha256) const;
  [[nodiscard]] std::filesystem::path vm(std::string_view uid) const;
  [[nodiscard]] GenerationPaths generation(std::string_view uid,
                                           uint32_t n) const;
  [[nodiscard]] std::filesystem::path snapshot(std::string_view uid) const;
  [[nodiscard]] std::filesystem::path staging(std::string_view snapshot_uid,
                                              uint64_t attempt) const;
  // IMPORT_ROOT/<namespace>/<name>; a retained one is <name>-<uid8>.
  [[nodiscard]] std::filesystem::path import(std::string_view ns,
                                             std::string_view name) const;
  [[nodiscard]] std::filesystem::path retained(std::string_view ns,
                                               std::string_view name,
                                               std::string_view uid) const;

 private:
  StatePaths(std::filesystem::path root, std::filesystem::path import_root);
  std::filesystem::path root_, import_root_;
};

}  // namespace chrysalis::store
