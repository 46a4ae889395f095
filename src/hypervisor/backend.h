#pragma once

// One kind of VMM, driven over its API socket. A Backend holds no state of a
// VM: every call names the process it means, so one object serves all VMs.
//
// Thread-safety: const and stateless; calls for different VMs run in parallel,
//                calls for one VM are serial (the engine's lane). A VMM serves
//                one request at a time: a call behind a dump blocks until it
//                ends, so "silent" never means "dead".
// Time:          every call ends by its Timeouts entry; nothing is retried.
//                After a timeout of pause, resume, boot or load the state is
//                read again and the call succeeds if the effect is there.
// Errors:        kUnavailable - nobody listens, or a resource is busy for now
//                  (disk locked, TAP busy, pages still being filled);
//                kTimeout - effect unknown, ask state();
//                kInvalid - the VMM refused what we asked (text is its own);
//                kUnsupported - this host or program cannot (nested state);
//                kConflict - wrong state for the call, or devices in flux;
//                kCorrupt - an answer or a snapshot file fails a check.
//                Where capabilities().load_failure_is_fatal, any error of
//                load() means that the process exits: reap it, stage anew.
// Paths:         what a VMM is told lies below kGuestDir; `dir` arguments are
//                host paths of a directory that holds the files of a dump.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/hypervisor/capabilities.h"
#include "src/hypervisor/http.h"
#include "src/model/fields.h"
#include "src/model/topology.h"

namespace chrysalis::hypervisor {

// A running VMM process, as much of it as a call needs.
struct Vmm {
  std::filesystem::path socket;  // host path of its API socket
  int pidfd = -1;                // borrowed; lets ready() see an early death
};

struct NicSpec {
  std::string id;   // of the device; on a load of a saved NIC: its saved id
  std::string tap;  // made beforehand, owned by the VM's uid, up, MTU set
  std::string mac;
  uint16_t mtu = 0;  // of the TAP. Told to FC; CH reads it from the TAP
};

struct DiskSpec {
  std::string id;
  std::string file;  // name in kGuestDir
  bool readonly = false;
};

// A boot from kernel, disks and NICs: the first one, or a cold one later.
struct BootSpec {
  model::VmConfig config;
  std::string cmdline;
  bool has_initrd = false;
  std::vector<DiskSpec> disks;  // the first is the root
  std::vector<NicSpec> nics;
  uint32_t max_phys_bits = 46;  // CH; frozen by the first boot
};

// A load of the dump that lies in the VMM's own directory.
struct LoadSpec {
  model::VmConfig config;
  std::vector<DiskSpec> disks;      // in the saved order, saved ids
  std::vector<NicSpec> saved_nics;  // every NIC of the dump and the TAP it
                                    // opens (a throwaway if it is swapped)
  std::vector<NicSpec> fresh_nics;  // swaps_nics only: put in their place
  bool on_demand = false;
};

struct Loaded {
  // Swapped-out device ids. Until the guest ejects them (an event a device)
  // they hold their TAPs, and a dump would be broken for ever.
  std::vector<std::string> ejecting;
};

enum class VmmState : uint8_t {
  kNotStarted,  // configured with nothing yet
  kRunning,     // vCPUs run
  kPaused,      // vCPUs stopped, memory and devices kept
  kEnded,       // the guest powered itself off; the process idles
};
std::string_view to_string(VmmState state);

// What the VMM says is so, for the status. Never the wish.
struct ReadBack {
  model::Topology topology;
  bool windows = false, shared_memory = false, no_direct_io = false;
};

struct Timeouts {
  milliseconds api{seconds{30}};
  milliseconds dump{std::chrono::minutes{10}};
  milliseconds load{std::chrono::minutes{10}};
};

class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual model::Hypervisor kind() const = 0;

  // The command line, argv[0] first. Constant: no VM is named in it.
  [[nodiscard]] virtual std::vector<std::string> argv() const = 0;

  // What resumes the guest, for a guard that acts when we cannot.
  [[nodiscard]] virtual HttpRequest resume_request() const = 0;

  // Waits until the API answers; the version it reports ("53.0.0").
  // kUnavailable at once when vmm.pidfd says that the process ended.
  [[nodiscard]] virtual Result<std::string> ready(const Vmm& vmm,
                                                  Mono deadline) const = 0;

  // Configures and starts it; the guest runs. A failed boot leaves a process
  // that is of no use: end it.
  [[nodiscard]] virtual Result<void> boot(const Vmm& vmm,
                                          const BootSpec& spec) const = 0;

  // Loads and leaves it paused, NICs swapped if asked.
  // REQUIRES: prepare_load(dir, spec) was called on its directory.
  [[nodiscard]] virtual Result<Loaded> load(const Vmm& vmm,
                                            const LoadSpec& spec) const = 0;

  // Both succeed if it is so already.
  [[nodiscard]] virtual Result<void> pause(const Vmm& vmm) const = 0;
  [[nodiscard]] virtual Result<void> resume(const Vmm& vmm) const = 0;

  // Writes dump_files(kind()) into an existing, empty directory of kGuestDir.
  // REQUIRES: paused. No dump is fit for use before read_topology or, where
  // the files do not tell, read_back agreed.
  [[nodiscard]] virtual Result<void> dump(const Vmm& vmm,
                                          std::string_view directory) const = 0;

  [[nodiscard]] virtual Result<VmmState> state(const Vmm& vmm) const = 0;

  // loaded_from: empty for a VM booted from an image, else the generation's
  // directory, whose files are the truth (CH's answer only echoes them).
  [[nodiscard]] virtual Result<ReadBack> read_back(
      const Vmm& vmm, const std::filesystem::path& loaded_from) const = 0;

  // Asks the guest; says nothing of what it does. A paused guest never hears.
  [[nodiscard]] virtual Result<void> ask_guest_to_stop(
      const Vmm& vmm) const = 0;

  // Ends guest and process in order; the process is gone shortly after.
  // kUnsupported where !api_shutdown.
  [[nodiscard]] virtual Result<void> shut_down(const Vmm& vmm) const = 0;

  // The shape of a dump by its own files, cross-checked with each other.
  // kCorrupt when they disagree, are hostile or are not there; kConflict when
  // a device swap was in progress. kUnsupported where !topology_in_files.
  [[nodiscard]] virtual Result<ReadBack> read_topology(
      const std::filesystem::path& dir) const = 0;

  // Whether prepare_load could: the same objections, and nothing is written.
  // TAPs in spec do not count.
  [[nodiscard]] virtual Result<void> check_load(
      const std::filesystem::path& dir, const LoadSpec& spec) const = 0;

  // Makes the dump in `dir` (a generation being staged) fit to be loaded as
  // spec says: CH's config.json is built anew from an allow-list and
  // replaced; not durable yet. kInvalid names the key of anything not ours.
  [[nodiscard]] virtual Result<void> prepare_load(
      const std::filesystem::path& dir, const LoadSpec& spec) const = 0;
};

}  // namespace chrysalis::hypervisor
