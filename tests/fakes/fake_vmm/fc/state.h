#pragma once

// Firecracker's configuration bodies (unknown fields refused) and the state
// file of its snapshot: a magic of our own, the format version, the machine
// as JSON, and a CRC-64 over all of it in the last eight bytes. Pure but for
// the errno texts.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace chrysalis::fake_vmm::fc {

template <class T>
using Text = tl::expected<T, std::string>;  // the fault message

struct Field {
  std::string_view name;
  char type;  // b bool, n number, s string, m MAC, a anything
  bool required = false;
};

// The body as an object with known, well typed fields only; serde's words.
Text<nlohmann::json> parse_body(const std::string& body,
                                const std::vector<Field>& fields);

std::string encode_state(const nlohmann::json& machine);
Text<nlohmann::json> decode_state(const std::string& bytes);

}  // namespace chrysalis::fake_vmm::fc
