#pragma once

// The network of one VM: a namespace of its own, in it one uplink a NIC and
// the TAPs of each generation.
//
//   host | netns cvm-<uid>
//        |   out0 =veth= eth0 <--tc redirect--> g1n0  (TAP of generation 1)
//        |                                      g2n0  (staged: no redirect)
//
// A restore makes the new generation's TAPs beside the old and, when it
// commits, switch_redirect() moves the uplink in one step; no frame is lost.
// The outer end (out<i>) stays inside until the network issue gives it away.
//
// Names:         by uid, generation and index, so every call is repeatable:
//                what is there already is taken, what is gone is not missed.
// Thread-safety: const; different VMs in parallel, one VM serial.
// Time:          netlink and ioctls, no program is run; an answer of the
//                kernel is waited for at most 5 s. A namespace is entered
//                by a thread that ends with the call, never the caller's.
// Errors:        kUnsupported - not permitted, or no /dev/net/tun;
//                kNotFound - the namespace or a TAP is not there;
//                kConflict - a name is taken by a device of another shape.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace chrysalis::network {

inline constexpr std::string_view kNetnsPrefix = "cvm-";

// "cvm-<uid>": the whole uid, so no two VMs share one.
[[nodiscard]] std::string netns_name(std::string_view vm_uid);

// "g<generation>n<index>", at most 15 bytes.
[[nodiscard]] std::string tap_name(uint32_t generation, size_t index);

// "x<generation>n<index>": opened by the saved NIC of a clone until the guest
// ejects it; it has no redirect.
[[nodiscard]] std::string throwaway_tap_name(uint32_t generation, size_t index);

// Stable, unicast, locally administered ("02:..."): from uid, operation, index.
[[nodiscard]] std::string make_mac(std::string_view vm_uid, uint64_t operation,
                                   size_t index);

struct TapSpec {
  std::string name;
  uint16_t mtu = 1500;
  uint32_t owner_uid = 0;  // the VM's: the VMM has no capability
};

struct NetworkSpec {
  size_t uplinks = 0;
  uint16_t mtu = 1500;            // of the uplinks
  std::vector<TapSpec> taps;      // single queue, vnet_hdr, persistent, up
  std::vector<std::string> tied;  // uplink i <-> TAP tied[i], both ways
};

// What exists of one VM's network, by looking.
struct NetworkView {
  std::string netns;
  std::string vm_uid;
  std::vector<std::string> taps;
};

class VmNetwork {
 public:
  explicit VmNetwork(std::filesystem::path netns_root = "/run/netns")
      : root_(std::move(netns_root)) {}

  // Whether this process may make networks here; kUnsupported says why not.
  [[nodiscard]] Result<void> probe() const;

  // The file to enter: <root>/cvm-<uid>.
  [[nodiscard]] std::filesystem::path netns_path(std::string_view vm_uid) const;

  // The namespace, its loopback up, with at least what spec says.
  [[nodiscard]] Result<void> ensure(std::string_view vm_uid,
                                    const NetworkSpec& spec) const;

  // From the old TAPs to the new: the uplinks move first, then the old TAPs
  // lose their way out. Either may be empty.
  [[nodiscard]] Result<void> switch_redirect(
      std::string_view vm_uid, const std::vector<std::string>& old_taps,
      const std::vector<std::string>& new_taps) const;

  [[nodiscard]] Result<void> remove_taps(
      std::string_view vm_uid, const std::vector<std::string>& taps) const;

  // All of it. The kernel frees the devices when the last process has left.
  [[nodiscard]] Result<void> teardown(std::string_view vm_uid) const;

  // Every namespace of ours, sorted, with its TAPs.
  [[nodiscard]] Result<std::vector<NetworkView>> census() const;

 private:
  std::filesystem::path root_;
};

}  // namespace chrysalis::network
