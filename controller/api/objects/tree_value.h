#pragma once

// A nlohmann tree as a JsonValue. PURE. Borrows the tree.

#include <nlohmann/json_fwd.hpp>

#include "src/base/json_value.h"

namespace chrysalis::api {

class TreeValue final : public JsonValue {
 public:
  explicit TreeValue(const nlohmann::json& node) : node_(&node) {}

  Type type() override;
  std::optional<std::string_view> text() override;
  std::optional<int64_t> integer() override;
  std::optional<double> number() override;
  std::optional<bool> boolean() override;
  bool members(Member visit) override;
  bool elements(Element visit) override;

 private:
  const nlohmann::json* node_;
};

}  // namespace chrysalis::api
