#include "src/base/bounded_json.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace chrysalis {
namespace {

using nlohmann::json;

// Looks at the text alone, so that depth and size cost nothing to refuse.
Result<void> scan(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    return fail(Code::kCorrupt, "JSON is larger than " +
                                    std::to_string(limits.bytes) + " bytes");
  size_t depth = 0, values = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == ',' || c == '[' || c == '{') ++values;
    if (depth > limits.depth)
      return fail(Code::kCorrupt, "JSON is nested deeper than " +
                                      std::to_string(limits.depth) + " levels");
    if (values > limits.values)
      return fail(
          Code::kCorrupt,
          "JSON has more than " + std::to_string(limits.values) + " values");
  }
  return {};
}

// Notes the first key that an object has twice.
class DuplicateFinder {
 public:
  bool operator()(int /*depth*/, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end && !keys_.empty())
      keys_.pop_back();
    if (event == json::parse_event_t::key && !keys_.empty() &&
        !keys_.back().insert(value.get<std::string>()).second &&
        duplicate_.empty())
      duplicate_ = value.get<std::string>().substr(0, 64);
    return true;
  }
  [[nodiscard]] const std::string& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string>> keys_;
  std::string duplicate_;
};

}  // namespace

Result<json> parse_json(std::string_view text, const JsonLimits& limits) {
  CHRYSALIS_TRY(scan(text, limits));
  DuplicateFinder finder;
  json value = json::parse(text, std::ref(finder), /*allow_exceptions=*/false);
  if (value.is_discarded()) return fail(Code::kCorrupt, "not valid JSON");
  if (!finder.duplicate().empty())
    return fail(Code::kCorrupt,
                "JSON names a key twice: " + finder.duplicate());
  return value;
}

}  // namespace chrysalis
