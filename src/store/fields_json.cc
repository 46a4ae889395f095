#include "src/store/fields_json.h"

#include <limits>

#include <nlohmann/json.hpp>

namespace chrysalis::store {
namespace {

using nlohmann::json;

json value_to_json(uint32_t value) { return value; }
json value_to_json(bool value) { return value; }
json value_to_json(const std::string& value) { return value; }
json value_to_json(model::Bytes value) { return model::format_quantity(value); }
json value_to_json(model::Hypervisor value) {
  return std::string(to_string(value));
}
json value_to_json(model::Source value) {
  return std::string(to_string(value));
}

// Each answers what is wrong, or nothing.
using Wrong = const char*;

Wrong read_value(const json& in, uint32_t& out) {
  if (!in.is_number_unsigned()) return "not a whole number";
  if (in.get<uint64_t>() > std::numeric_limits<uint32_t>::max())
    return "out of range";
  out = in.get<uint32_t>();
  return nullptr;
}
Wrong read_value(const json& in, bool& out) {
  if (!in.is_boolean()) return "not true or false";
  out = in.get<bool>();
  return nullptr;
}
Wrong read_value(const json& in, std::string& out) {
  const auto* text = in.get_ptr<const std::string*>();
  if (text == nullptr) return "not a string";
  out = *text;
  return nullptr;
}

template <class T>
Wrong read_text(const json& in, std::optional<T> (*parse)(std::string_view),
                Wrong wrong, T& out) {
  const auto* text = in.get_ptr<const std::string*>();
  if (text == nullptr) return "not a string";
  const std::optional<T> parsed = parse(*text);
  if (!parsed) return wrong;
  out = *parsed;
  return nullptr;
}
Wrong read_value(const json& in, model::Bytes& out) {
  return read_text(in, model::parse_quantity, "not a quantity", out);
}
Wrong read_value(const json& in, model::Hypervisor& out) {
  return read_text(in, model::parse_hypervisor, "no known hypervisor", out);
}
Wrong read_value(const json& in, model::Source& out) {
  return read_text(in, model::parse_source, "no known source", out);
}

template <class Fields>
json fields_to_json(const Fields& fields) {
  json out = json::object();
  model::for_each_field([&](const auto& row, auto at) {
    out[std::string(row.key)] = value_to_json(at(fields));
  });
  return out;
}

template <class Fields>
Result<Fields> fields_from_json(const json& in, Absent absent) {
  if (!in.is_object()) return fail(Code::kInvalid, "not an object");
  Fields out;
  std::string reason;
  size_t known = 0;
  model::for_each_field([&](const auto& row, auto at) {
    if (!reason.empty()) return;
    const auto found = in.find(row.key);
    if (found == in.end()) {
      if (absent == Absent::kRefused)
        reason = std::string(row.key) + ": missing";
      return;
    }
    ++known;
    if (const Wrong wrong = read_value(*found, at(out)))
      reason = std::string(row.key) + ": " + wrong;
  });
  if (!reason.empty()) return fail(Code::kInvalid, reason);
  if (absent == Absent::kRefused && known != in.size())
    return fail(Code::kInvalid, "has an unknown key");
  return out;
}

}  // namespace

json to_json(const model::VmConfig& config) { return fields_to_json(config); }
json to_json(const model::VmSources& sources) {
  return fields_to_json(sources);
}
Result<model::VmConfig> config_from_json(const json& in, Absent absent) {
  return fields_from_json<model::VmConfig>(in, absent);
}
Result<model::VmSources> sources_from_json(const json& in, Absent absent) {
  return fields_from_json<model::VmSources>(in, absent);
}

}  // namespace chrysalis::store
