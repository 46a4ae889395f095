#pragma once

// What each kind of VMM can do, as data: read by admission, the engine's
// machine and the status, without depending on a backend. PURE.
//
// A bound of a field (32 vCPUs, ring sizes) is not here: it is in the row of
// the field table. Source: the behaviour of Cloud Hypervisor v53.0 and
// Firecracker v1.16.1, each row seen on the real program.

#include <string_view>

#include "src/model/values.h"

namespace chrysalis::hypervisor {

struct Version {
  unsigned major = 0, minor = 0, patch = 0;
  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

struct Capabilities {
  model::Hypervisor kind;
  std::string_view program;  // argv[0], and the file's usual name

  // Oldest version that may run a VM, and the oldest whose snapshots are
  // consistent (CH before v53 pauses without draining block I/O).
  Version minimum_to_run, minimum_to_snapshot;

  bool on_demand;           // load may leave pages to be filled on first touch
  bool swaps_nics;          // remove + add between load and resume, new MAC
  bool overrides_taps;      // load maps a saved NIC to another TAP by request
                            // (else by the rewritten configuration file)
  bool needs_nested_state;  // a dump needs KVM_CAP_NESTED_STATE
  bool load_failure_is_fatal;  // the process exits after a refused load
  bool survives_guest_end;     // a power-off leaves the process, state ended
  bool reboots_inside;         // a guest reboot stays in the process
  bool event_file;             // writes lifecycle events
  bool topology_in_files;      // read_topology() works on a directory; else
                               // the live VMM must be asked before it ends
  bool api_shutdown;           // shut_down() is an API call; else SIGTERM
  bool console_is_socket;      // serial is a socket it binds; else its stdio
};

inline constexpr Capabilities kCapabilities[] = {
    {.kind = model::Hypervisor::kCloudHypervisor,
     .program = "cloud-hypervisor",
     .minimum_to_run = {52, 0, 0},
     .minimum_to_snapshot = {53, 0, 0},
     .on_demand = true,
     .swaps_nics = true,
     .overrides_taps = false,
     .needs_nested_state = true,
     .load_failure_is_fatal = false,
     .survives_guest_end = true,
     .reboots_inside = true,
     .event_file = true,
     .topology_in_files = true,
     .api_shutdown = true,
     .console_is_socket = true},
    {.kind = model::Hypervisor::kFirecracker,
     .program = "firecracker",
     .minimum_to_run = {1, 14, 4},
     .minimum_to_snapshot = {1, 14, 4},
     .on_demand = false,
     .swaps_nics = false,
     .overrides_taps = true,
     .needs_nested_state = false,
     .load_failure_is_fatal = true,
     .survives_guest_end = false,
     .reboots_inside = false,
     .event_file = false,
     .topology_in_files = false,
     .api_shutdown = false,
     .console_is_socket = false},
};

constexpr const Capabilities& capabilities(model::Hypervisor kind) {
  for (const Capabilities& row : kCapabilities)
    if (row.kind == kind) return row;
  __builtin_unreachable();  // a row is missing; the table's test walks all
}

}  // namespace chrysalis::hypervisor
