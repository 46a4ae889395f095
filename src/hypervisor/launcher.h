#pragma once

// Starts VMMs, each as the child of a chrysalis-shim that outlives us, and
// finds them again after a restart of ours.
//
//   spawn() -> Launched: both processes exist, confined; the VMM's binary does
//     |        not run. The caller records ids() durably, then
//     |  open_gate()            drop it: the gate closes, nothing ever runs
//     v
//   VmmProcess <- adopt(ids): alive, maybe without its shim ("shim lost")
//     |
//     v  end -> exit record (shim wrote it durably; read_exit(files.exit))
//
// Thread-safety: Launcher is const and may be shared; Launched and VmmProcess
//                belong to one thread at a time.
// Time:          every wait ends at its deadline; on a timeout of spawn the
//                gate is closed, so nothing runs afterwards.
// Errors:        kUnsupported - not root, or the kernel refuses a namespace:
//                  nothing is started half-confined;
//                kConflict - the generation's lock is held: a VMM lives there;
//                kNotFound - program, directory or namespace is not there;
//                kTimeout, kUnavailable - as everywhere.
// Never signals by a bare pid: only through pidfds whose identity was checked.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/hypervisor/process_identity.h"
#include "src/hypervisor/shim_files.h"

namespace chrysalis::hypervisor {

// Where the shim writes: absolute paths outside the generation directory, in
// which the VMM could plant a link first. They are root's, mode 0600. The
// store's paths.h names them.
struct ShimFiles {
  std::filesystem::path exit;        // once, durably, at the end
  std::filesystem::path log;         // the VMM's stdout and stderr, bounded
  std::filesystem::path socket;      // of the pause guard
  std::filesystem::path console;     // the drained serial line, bounded
  std::filesystem::path stdin_fifo;  // FC: the VMM's input; empty: none
  std::filesystem::path events;      // CH: what it tells, bounded; empty: none
};

// The generation directory becomes root's, mode 1770, group unix_uid.
struct LaunchSpec {
  std::filesystem::path binary;      // the VMM; opened before all else
  std::vector<std::string> argv;     // argv[0] first; paths as the guest dir's
  std::vector<std::string> env;      // "K=V"; the VMM sees nothing else
  std::filesystem::path generation;  // gen-N: becomes /run/chrysalis/vm
  ShimFiles files;
  std::filesystem::path netns;    // a namespace file; empty: the host's
  uint32_t unix_uid = 0;          // user and group of the VM; never 0
  uint32_t shared_gid = 0;        // group of the snapshots' files; 0: none
  bool join_host_mounts = false;  // agent in a pod with hostPID
  std::filesystem::path cgroup;   // directory of a cgroup; empty: stay
  bool keep_old_root = false;     // enter by chroot even where pivot_root works
  // The pause guard's way to resume the guest: an HTTP request, sent as is to
  // this socket of the generation directory. Empty: no guard, and files.socket
  // is not made.
  std::string api_socket;
  std::string resume_request;
  // A serial socket of the generation directory that the shim connects to and
  // drains into files.console; empty: none.
  std::string serial_socket;
};

// How a VMM ended. Written by its shim, durable before the lock is free.
struct ExitRecord {
  enum class Kind { kExited, kKilled, kNotStarted };
  Kind kind = Kind::kExited;
  int code = 0;    // kExited: exit status; kNotStarted: errno of exec or 0
  int signal = 0;  // kKilled
  bool core = false;
  ProcessIdentity vmm;
  std::string boot_id;
  Wall at;
};

class VmmProcess {
 public:
  VmmProcess(ProcessIds ids, UniqueFd vmm, UniqueFd shim)
      : ids_(std::move(ids)), vmm_(std::move(vmm)), shim_(std::move(shim)) {}

  [[nodiscard]] const ProcessIds& ids() const { return ids_; }
  [[nodiscard]] int pidfd() const { return vmm_.get(); }  // borrowed; poll it
  [[nodiscard]] bool ended() const;
  [[nodiscard]] bool shim_lost() const;  // snapshot and restore are refused

  // The VMM's end. Its exit record may be a moment behind: wait_exit waits
  // for that too, and answers nothing where the shim was lost.
  [[nodiscard]] Result<void> wait_end(Mono deadline) const;
  // Until the shim, which ends after its VMM, has let go of the generation.
  [[nodiscard]] Result<void> wait_shim(Mono deadline) const;
  [[nodiscard]] Result<std::optional<ExitRecord>> wait_exit(
      const std::filesystem::path& exit_file, Mono deadline) const;

  [[nodiscard]] Result<void> terminate() const;  // SIGTERM
  [[nodiscard]] Result<void> kill() const;       // SIGKILL

 private:
  friend class Launcher;
  ProcessIds ids_;
  UniqueFd vmm_;
  UniqueFd shim_;  // invalid: lost before we came
};

// Both processes wait at the gate. Destroying it closes the gate: the VMM
// exits without having run (its exit record says kNotStarted).
class Launched {
 public:
  Launched(VmmProcess process, UniqueFd gate, UniqueFd report)
      : process_(std::move(process)),
        gate_(std::move(gate)),
        report_(std::move(report)) {}

  [[nodiscard]] const ProcessIds& ids() const { return process_.ids(); }

 private:
  friend class Launcher;
  VmmProcess process_;
  UniqueFd gate_;
  UniqueFd report_;
};

class Launcher {
 public:
  // shim: the static program; it must lie on the host's file system when
  // join_host_mounts is used.
  explicit Launcher(std::filesystem::path shim) : shim_(std::move(shim)) {}

  [[nodiscard]] Result<Launched> spawn(const LaunchSpec& spec,
                                       Mono deadline) const;

  // Lets the VMM's binary run. REQUIRES: ids() are recorded.
  // kInvalid: the kernel refuses to execute it. After any error both
  // processes are gone, or about to go if the deadline was the error.
  [[nodiscard]] static Result<VmmProcess> open_gate(Launched launched,
                                                    Mono deadline);

  // Closes it: the processes are about to end, without having run.
  [[nodiscard]] static VmmProcess close_gate(Launched launched);

  // Finds processes recorded by a former life of ours, or before a crash.
  // kNotFound: the VMM is gone (read_exit tells how) or the host rebooted.
  [[nodiscard]] static Result<VmmProcess> adopt(const ProcessIds& ids);

 private:
  std::filesystem::path shim_;
};

// The exit record of a generation (ShimFiles::exit); nothing when there is
// none (still running, shim lost, or the host went down). kCorrupt: not the
// shim's writing.
[[nodiscard]] Result<std::optional<ExitRecord>> read_exit(
    const std::filesystem::path& exit_file);

// The same of exactly that VMM, which has ended; its shim is waited for.
// kTimeout: it is still writing.
[[nodiscard]] Result<std::optional<ExitRecord>> read_exit_of(
    const ProcessIds& ids, const std::filesystem::path& exit_file,
    Mono deadline);

// Whether a VMM or its shim lives in this generation: somebody holds its
// lock. Works without any record (doctor, rebuild).
[[nodiscard]] Result<bool> generation_in_use(
    const std::filesystem::path& generation);

}  // namespace chrysalis::hypervisor
