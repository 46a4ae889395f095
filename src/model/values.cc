#include "src/model/values.h"

#include <array>
#include <cctype>
#include <iterator>
#include <utility>

namespace chrysalis::model {
namespace {

struct Unit {
  std::string_view suffix;
  uint64_t factor;
};
constexpr std::array kUnits = {
    Unit{"", 1},
    Unit{"k", 1'000},
    Unit{"M", 1'000'000},
    Unit{"G", 1'000'000'000},
    Unit{"T", 1'000'000'000'000},
    Unit{"P", 1'000'000'000'000'000},
    Unit{"E", 1'000'000'000'000'000'000},
    Unit{"Ki", uint64_t{1} << 10},
    Unit{"Mi", uint64_t{1} << 20},
    Unit{"Gi", uint64_t{1} << 30},
    Unit{"Ti", uint64_t{1} << 40},
    Unit{"Pi", uint64_t{1} << 50},
    Unit{"Ei", uint64_t{1} << 60},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

__extension__ using Wide = unsigned __int128;

// digits x 10^-fraction; at most 19 digits, as more cannot fit 64 bits.
struct Decimal {
  uint64_t digits = 0;
  int fraction = 0;
  size_t read = 0;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  bool point = false, any = false;
  int significant = 0;
  for (; d.read < text.size(); ++d.read) {
    const char c = text[d.read];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) break;
    any = true;
    if (d.digits != 0 || c != '0') ++significant;
    if (significant > 19) return std::nullopt;  // may not fit 64 bits
    d.digits = d.digits * 10 + static_cast<uint64_t>(c - '0');
    if (point) ++d.fraction;
  }
  if (!any) return std::nullopt;
  return d;
}

std::optional<Bytes> scale(Decimal d, uint64_t factor, int exponent) {
  Wide value = d.digits;
  value *= factor;
  int power = exponent - d.fraction;
  constexpr auto kLimit = static_cast<Wide>(UINT64_MAX);
  for (; power > 0 && value != 0; --power) {
    value *= 10;
    if (value > kLimit) return std::nullopt;
  }
  for (; power < 0 && value != 0; ++power) {
    if (value % 10 != 0) return std::nullopt;  // a part of a byte
    value /= 10;
  }
  if (value > kLimit) return std::nullopt;
  return Bytes{static_cast<uint64_t>(value)};
}

std::optional<int> parse_exponent(std::string_view text) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || text.size() > 2) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

template <class T, size_t N>
std::optional<T> find_by_name(const T (&values)[N], std::string_view text) {
  for (const T value : values)
    if (to_string(value) == text) return value;
  return std::nullopt;
}

}  // namespace

std::optional<Bytes> parse_quantity(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  const auto decimal = parse_decimal(text);
  if (!decimal) return std::nullopt;
  const std::string_view suffix = text.substr(decimal->read);
  for (const Unit& unit : kUnits)
    if (unit.suffix == suffix) return scale(*decimal, unit.factor, 0);
  if (const auto exponent = parse_exponent(suffix))
    return scale(*decimal, 1, *exponent);
  return std::nullopt;
}

std::string format_quantity(Bytes bytes) {
  static constexpr const char* kBinary[] = {"",   "Ki", "Mi", "Gi",
                                            "Ti", "Pi", "Ei"};
  uint64_t value = bytes.count;
  size_t unit = 0;
  while (value != 0 && value % 1024 == 0 && unit + 1 < std::size(kBinary)) {
    value /= 1024;
    ++unit;
  }
  return std::to_string(value) + kBinary[unit];
}

std::string_view to_string(Hypervisor kind) {
  switch (kind) {
    case Hypervisor::kCloudHypervisor:
      return "CloudHypervisor";
    case Hypervisor::kFirecracker:
      return "Firecracker";
  }
  return "";
}
std::optional<Hypervisor> parse_hypervisor(std::string_view text) {
  return find_by_name(kHypervisors, text);
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::kSnapshot:
      return "Snapshot";
    case Source::kVirtualMachine:
      return "VirtualMachine";
    case Source::kSpec:
      return "Spec";
    case Source::kDefault:
      return "Default";
    case Source::kGenerated:
      return "Generated";
  }
  return "";
}
std::optional<Source> parse_source(std::string_view text) {
  return find_by_name(kSources, text);
}

std::string_view to_string(PowerState state) {
  switch (state) {
    case PowerState::kRunning:
      return "Running";
    case PowerState::kPaused:
      return "Paused";
    case PowerState::kStopped:
      return "Stopped";
  }
  return "";
}
std::optional<PowerState> parse_power_state(std::string_view text) {
  return find_by_name(kPowerStates, text);
}

std::string_view to_string(RestartPolicy policy) {
  switch (policy) {
    case RestartPolicy::kAlways:
      return "Always";
    case RestartPolicy::kOnFailure:
      return "OnFailure";
    case RestartPolicy::kNever:
      return "Never";
  }
  return "";
}
std::optional<RestartPolicy> parse_restart_policy(std::string_view text) {
  return find_by_name(kRestartPolicies, text);
}

}  // namespace chrysalis::model
