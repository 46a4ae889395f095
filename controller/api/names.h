#pragma once

// The names of the API: group, version, kinds. PURE.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chrysalis::api {

inline constexpr std::string_view kGroup = "chrysalis.dev";
inline constexpr std::string_view kVersion = "v1alpha1";
inline constexpr std::string_view kApiVersion = "chrysalis.dev/v1alpha1";
// A DNS-1123 label: what every name of ours is.
inline constexpr std::string_view kLabelPattern =
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
inline constexpr size_t kLabelMax = 63;
// The one manager of status (server-side apply).
inline constexpr std::string_view kFieldManager = "chrysalis";
// Of an agent: with a hash of its node's name behind it.
inline constexpr std::string_view kNodeFinalizerPrefix = "chrysalis.dev/node-";

enum class Kind : uint8_t { kVirtualMachine, kVmSnapshot };
inline constexpr Kind kKinds[] = {Kind::kVirtualMachine, Kind::kVmSnapshot};

struct KindNames {
  std::string_view kind, plural, singular, short_name;
};
constexpr KindNames names_of(Kind kind) {
  return kind == Kind::kVirtualMachine
             ? KindNames{"VirtualMachine", "virtualmachines", "virtualmachine",
                         "cvm"}
             : KindNames{"VMSnapshot", "vmsnapshots", "vmsnapshot", "cvmsnap"};
}

}  // namespace chrysalis::api
