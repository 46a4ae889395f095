#pragma once

// Faults of the simulated VMM, by name and step. Given in the environment,
//   FAKE_VMM_FAULTS='boot=error;pause=delay:200;snapshot=enospc'
// and in `fault.json` beside the API socket (a flat object of the same words,
// {"load": "hang"}), which is read again at every step, so that a test may
// change it while the VMM runs. The file wins.
//
// Steps: start (before the socket exists), ping (vmm.ping / GET /), create
//   (vm.create, every FC pre-boot PUT), boot, info, pause, resume, snapshot,
//   load, remove-device, add-net, shutdown, delete, power-button.
// Actions:
//   error      the answer a failing VMM gives: CH 500, FC 400 (FC load: then
//              exit 1); nothing was done
//   hang       never answers, nor anything after it; CH no longer hears
//              SIGTERM, FC dies of it
//   delay:MS   the answer, and everything queued behind it, comes MS later
//   die        SIGKILL before anything was done
//   die-after  SIGKILL when it is done, before the answer
//   drop       done, but the connection is closed without an answer
//   enospc     snapshot only: half a memory file, then the error
//   short      snapshot only: half a memory file and a success (a short
//              write goes unnoticed in Cloud Hypervisor)
// `ACTION!N` stops after N times. `die-at=STEP` is `STEP=die`.
// `tap=claim` is no fault but a leave: where /dev/net/tun refuses (no node, no
//   right), a TAP is claimed by name only, once per network namespace.
// `guest=panic`, `guest=power-off` and `guest=reboot` make the guest do that at
//   its next tick (reboot!1: once).
// `lie=cpu` tells one vCPU more than there is (vm.info, /machine-config).
// `hostile-dump=swap:PATH` puts a link to PATH in the place of a dump's
//   directory, `hostile-dump=keep-open` keeps its memory file open,
//   `hostile-dump=device` adds a device of the host to a dump's config.json.
// `disk=PATH` opens that file as the first disk of a load.
//
// Thread-safety: none; one thread.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace chrysalis::fake_vmm {

struct Fault {
  enum class Kind {
    kNone,
    kError,
    kHang,
    kDelay,
    kDie,
    kDieAfter,
    kDrop,
    kEnospc,
    kShort,
  };
  Kind kind = Kind::kNone;
  int delay_ms = 0;
};

class Faults {
 public:
  // `environment` is the text of FAKE_VMM_FAULTS, `directory` holds fault.json.
  Faults(std::string_view environment, std::string directory);

  // The fault armed for this step; counts it as met.
  Fault at(std::string_view step);
  // The word behind a name that is no step ("tap", "guest"); counted too.
  std::string word(std::string_view name);

 private:
  std::string take(const std::string& name);

  std::map<std::string, std::string> from_environment_;
  std::map<std::string, int> met_;
  std::string directory_;
};

}  // namespace chrysalis::fake_vmm
