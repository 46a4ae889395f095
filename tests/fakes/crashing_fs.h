#pragma once

// A disk in memory that loses power. Operation n (every mutating call counts)
// and all later ones fail; after_power_loss() is then what a real disk may
// hold: synced bytes and synced names for sure, the rest as `Loss` says.
//
//   for (n = 0; ; ++n)
//     CrashingFs disk(n); run(disk); for (loss : losses_of(disk))
//       { auto after = disk.after_power_loss(loss); recover twice; check }
//     until !disk.crashed()
//
// Model: bytes, size and mode of a file are durable by File::sync only; names
// by sync_dir of the directory that gained or lost them; a rename is one name
// change, durable with its target directory. Unsynced name changes survive in
// any combination. Kinder than a disk nowhere that a caller relies on.
// Thread-safety: none; one thread.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"

namespace chrysalis {

class CrashingFs final : public FileSystem {
 public:
  enum class Bytes : uint8_t {
    kLost,  // files hold what was last synced
    kKept,  // everything written arrived
    kTorn,  // the first half of what was written arrived
  };
  struct Loss {
    Bytes bytes = Bytes::kLost;
    uint64_t names = 0;  // bit i: the i-th unsynced name change survived
  };
  static constexpr uint64_t kNever = UINT64_MAX;

  explicit CrashingFs(uint64_t crash_at = kNever);
  ~CrashingFs() override;

  [[nodiscard]] bool crashed() const { return crashed_; }
  [[nodiscard]] uint64_t operations() const { return operations_; }
  // Every combination that may be found (names beyond the 8th: all or none).
  [[nodiscard]] std::vector<Loss> losses() const;
  // A new disk in that state which does not crash again until `crash_at`.
  [[nodiscard]] std::unique_ptr<CrashingFs> after_power_loss(
      Loss loss, uint64_t crash_at = kNever) const;

  Result<std::unique_ptr<File>> open(const Path& path, Mode mode,
                                     uint32_t permissions) override;
  Result<void> rename(const Path& from, const Path& to) override;
  Result<void> rename_noreplace(const Path& from, const Path& to) override;
  Result<void> link(const Path& from, const Path& to) override;
  Result<void> unlink(const Path& path) override;
  Result<void> mkdir(const Path& path, uint32_t permissions) override;
  Result<void> remove_tree(const Path& path) override;
  Result<std::vector<std::string>> list(const Path& directory) override;
  Result<FileStat> stat(const Path& path) override;
  Result<void> chmod(const Path& path, uint32_t permissions) override;
  Result<void> chown(const Path& path, uint32_t uid, uint32_t gid) override;
  Result<Cloned> clone_file(const Path& from, const Path& to,
                            uint32_t permissions, Mono until) override;
  Result<void> sync_dir(const Path& directory) override;

 private:
  friend class CrashingFile;
  struct Node;
  struct NameChange;
  using NodePtr = std::shared_ptr<Node>;

  [[nodiscard]] NodePtr find(const Path& path) const;
  [[nodiscard]] Result<NodePtr> parent_of(const Path& path) const;
  Result<void> count_operation(std::string_view call, const Path& path);
  void change_names(std::vector<NameChange> changes);
  Result<void> do_rename(const Path& from, const Path& to, bool replace);

  NodePtr root_;
  std::vector<std::vector<NameChange>> pending_;
  uint64_t crash_at_;
  uint64_t operations_ = 0;
  uint64_t next_inode_ = 1;
  bool crashed_ = false;
};

}  // namespace chrysalis
