#pragma once

// What a VMM's program is: its sha256, the version it says, the format of its
// snapshots; and whether the host's KVM lets it take one. Each program is run
// once by its contents, never guessed by its name; the same file again costs a
// stat.
//
// Thread-safety: any thread; one program is probed at a time.
// Time:   probe ends at its deadline; a program that hangs is killed.
// Errors: kNotFound - there is no such file; kInvalid - no regular file, not
//         executable, not this kind of VMM, or a version nobody can read;
//         kUnsupported - older than the oldest that may run a VM; kTimeout.

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/hypervisor/capabilities.h"
#include "src/model/values.h"

namespace chrysalis::hypervisor {

struct Probed {
  std::string sha256;  // of the file, as sha256sum prints it
  std::string said;    // its version in its own words: "v53.0"
  Version version;
  std::string snapshot_format;  // where it has one (FC): "v10.0.0"
};

// May a VMM of this version take snapshots on this host?
enum class SnapshotSupport : uint8_t {
  kYes,
  kBlockDrainMissing,  // never: it pauses without draining block I/O
  // KVM says that it cannot save nested state, or could not be asked. Some
  // such hosts work all the same; only a try tells.
  kUntried,
};

// KVM_CAP_NESTED_STATE of this host.
enum class NestedState : uint8_t { kThere, kMissing, kUnknown };
[[nodiscard]] NestedState nested_state(
    const std::filesystem::path& kvm = "/dev/kvm");

[[nodiscard]] SnapshotSupport snapshot_support(model::Hypervisor kind,
                                               const Version& version,
                                               NestedState nested);

class Prober {
 public:
  [[nodiscard]] Result<Probed> probe(model::Hypervisor kind,
                                     const std::filesystem::path& program,
                                     Mono deadline);

 private:
  // path, device, inode, size, mtime
  using FileKey =
      std::tuple<std::string, uint64_t, uint64_t, uint64_t, int64_t>;
  std::mutex mutex_;
  std::map<FileKey, std::string> hashes_;
  std::map<std::pair<model::Hypervisor, std::string>, Probed> known_;
};

// The version in the first line of `--version`; the rest is ignored. PURE.
// kInvalid: not this kind of VMM.
[[nodiscard]] Result<std::string> parse_version_output(model::Hypervisor kind,
                                                       std::string_view output);

}  // namespace chrysalis::hypervisor
