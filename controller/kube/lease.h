#pragma once

// A coordination.k8s.io/v1 Lease: what is read of one, and its JSON.
// PURE. Unknown members are lost by a replacement: a lease has one writer.
// Errors: kInvalid with the path of the member that has another type or form;
//   kCorrupt for a text that is not JSON.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::kube {

struct Lease {
  std::string ns{};
  std::string name{};
  std::string resource_version{};  // "" of one that is to be created
  std::map<std::string, std::string> annotations{};
  std::string holder{};  // "" when released
  int32_t duration_seconds = 0;
  int32_t transitions = 0;
  std::optional<Wall> acquire_time{};
  std::optional<Wall> renew_time{};
  friend bool operator==(const Lease&, const Lease&) = default;
};

[[nodiscard]] nlohmann::json encode_lease(const Lease& lease);
Result<Lease> decode_lease(const nlohmann::json& object);
Result<Lease> read_lease(std::string_view text);

}  // namespace chrysalis::kube
