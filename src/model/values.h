#pragma once

// The value types of the field table: what a field may hold, how it is
// written, how it is read. PURE. Thread-safety: values.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chrysalis::model {

// An amount of memory or storage. Bytes inside; a quantity ("1Gi") outside.
struct Bytes {
  uint64_t count = 0;
  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
};
inline constexpr Bytes operator""_MiB(unsigned long long n) {
  return Bytes{static_cast<uint64_t>(n) << 20};
}
inline constexpr Bytes operator""_GiB(unsigned long long n) {
  return Bytes{static_cast<uint64_t>(n) << 30};
}
inline constexpr Bytes operator""_TiB(unsigned long long n) {
  return Bytes{static_cast<uint64_t>(n) << 40};
}

// Reads "512Mi", "1Gi", "1.5Gi", "1000", "1G", "1e9": what a quantity may say
// as long as it is a whole, non-negative number of bytes. nullopt otherwise.
std::optional<Bytes> parse_quantity(std::string_view text);

// The canonical form: the largest binary unit that divides it ("1536Mi").
std::string format_quantity(Bytes bytes);

enum class Hypervisor : uint8_t { kCloudHypervisor, kFirecracker };
inline constexpr Hypervisor kHypervisors[] = {Hypervisor::kCloudHypervisor,
                                              Hypervisor::kFirecracker};
std::string_view to_string(Hypervisor kind);  // "CloudHypervisor"
std::optional<Hypervisor> parse_hypervisor(std::string_view text);

// Where a value of status.config came from.
enum class Source : uint8_t {
  kSnapshot,        // the snapshot behind a clone or a restore
  kVirtualMachine,  // the restored VM's own
  kSpec,            // the user gave it
  kDefault,         // nobody did: the documented default, the node's first
  kGenerated,       // resolved or made by us (a digest)
};
inline constexpr Source kSources[] = {Source::kSnapshot,
                                      Source::kVirtualMachine, Source::kSpec,
                                      Source::kDefault, Source::kGenerated};
std::string_view to_string(Source source);
std::optional<Source> parse_source(std::string_view text);

// What the user wants the vCPUs to do.
enum class PowerState : uint8_t { kRunning, kPaused, kStopped };
inline constexpr PowerState kPowerStates[] = {
    PowerState::kRunning, PowerState::kPaused, PowerState::kStopped};
std::string_view to_string(PowerState state);
std::optional<PowerState> parse_power_state(std::string_view text);

// What to do when the VMM or the guest ends by itself.
enum class RestartPolicy : uint8_t { kAlways, kOnFailure, kNever };
inline constexpr RestartPolicy kRestartPolicies[] = {
    RestartPolicy::kAlways, RestartPolicy::kOnFailure, RestartPolicy::kNever};
std::string_view to_string(RestartPolicy policy);
std::optional<RestartPolicy> parse_restart_policy(std::string_view text);

}  // namespace chrysalis::model
