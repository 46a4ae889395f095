#include "controller/api/structural.h"

#include <algorithm>
#include <utility>

#include "controller/api/pattern.h"

namespace chrysalis::api {
namespace {

using model::Fault;
using nlohmann::json;

class Checker {
 public:
  explicit Checker(std::vector<StructuralFault>& faults) : faults_(faults) {}

  void check(const Schema& schema, const json& value, const std::string& path) {
    if (!type_fits(schema, value)) {
      const auto [is, wanted] = types_of(schema, value);
      add(Broken::kType, path,
          "Invalid value: \"" + is + "\": " + path +
              " in body must be of type " + wanted + ": \"" + is + "\"");
      return;
    }
    if (value.is_object() && schema.contains("properties"))
      check_object(schema, value, path);
    if (value.is_array() && schema.contains("items"))
      for (size_t i = 0; i < value.size(); ++i)
        check(schema["items"], value[i], path + "[" + std::to_string(i) + "]");
    if (value.is_string()) check_text(schema, value, path);
    if (value.is_number_integer()) check_number(schema, value, path);
  }

 private:
  void add(Broken broken, const std::string& path, std::string message) {
    faults_.push_back({broken, {path, std::move(message)}});
  }

  // What it is and what it should be, as the server calls them: of a fraction
  // in place of an integer it speaks in formats.
  static std::pair<std::string, std::string> types_of(const Schema& schema,
                                                      const json& value) {
    std::string wanted = schema.contains("x-kubernetes-int-or-string")
                             ? "integer,string"
                             : schema.value("type", "");
    if (value.is_number_float() && wanted == "integer")
      return {"float64", "int64"};
    return {value.is_number_integer() ? "integer" : value.type_name(),
            std::move(wanted)};
  }

  static bool type_fits(const Schema& schema, const json& value) {
    if (schema.contains("x-kubernetes-int-or-string"))
      return value.is_number_integer() || value.is_string();
    const std::string type = schema.value("type", "");
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return true;
  }

  void check_member(const Schema& properties, const std::string& key,
                    const json& value, const std::string& prefix) {
    const std::string path = prefix + key;
    if (!properties.contains(key)) {
      add(Broken::kUnknownField, path, "unknown field \"" + path + "\"");
    } else if (value.is_null()) {
      add(Broken::kType, path,
          "Invalid value: \"null\": " + path + " in body must be of type " +
              properties[key].value("type", "integer,string") + ": \"null\"");
    } else {
      check(properties[key], value, path);
    }
  }

  void check_object(const Schema& schema, const json& value,
                    const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    const Schema& properties = schema["properties"];
    for (const auto& [key, member] : value.items())
      check_member(properties, key, member, prefix);
    if (!schema.contains("required")) return;
    for (const auto& name : schema["required"])
      if (!value.contains(name.get<std::string>()))
        add(Broken::kRequired, prefix + name.get<std::string>(),
            "Required value");
  }

  // Of UTF-8: every byte but those that go on with a character.
  static size_t characters(const std::string& text) {
    return static_cast<size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
  }

  void check_text(const Schema& schema, const json& value,
                  const std::string& path) {
    const auto& text = value.get_ref<const std::string&>();
    const size_t max = schema.value("maxLength", SIZE_MAX);
    // The server counts characters, whatever its message says.
    if (characters(text) > max) {
      add(Broken::kTooLong, path,
          "Too long: may not be more than " + std::to_string(max) + " bytes");
      return;  // and the pattern is not tried on it
    }
    if (text.size() < schema.value("minLength", size_t{0}))
      add(Broken::kTooShort, path,
          "Invalid value: \"" + text + "\": " + path +
              " in body should be at least 1 chars long");
    else if (schema.contains("pattern") &&
             !matches(text, schema["pattern"].get<std::string>()))
      add(Broken::kPattern, path,
          "Invalid value: \"" + text + "\": " + path +
              " in body should match '" + schema["pattern"].get<std::string>() +
              "'");
    if (schema.contains("enum")) check_enum(schema["enum"], text, path);
  }

  void check_enum(const Schema& allowed, const std::string& text,
                  const std::string& path) {
    std::string names;
    for (const auto& name : allowed) {
      if (name == text) return;
      names += (names.empty() ? "\"" : ", \"") + name.get<std::string>() + "\"";
    }
    add(Broken::kEnum, path,
        "Unsupported value: \"" + text + "\": supported values: " + names);
  }

  void check_number(const Schema& schema, const json& value,
                    const std::string& path) {
    if (!schema.contains("minimum")) return;
    // A literal above 2^63 is unsigned to the parser and never fits.
    const bool huge = value.is_number_unsigned() &&
                      value.get<uint64_t>() > uint64_t{INT64_MAX};
    const int64_t n = huge ? INT64_MAX : value.get<int64_t>();
    const auto min = schema["minimum"].get<int64_t>();
    const auto max = schema["maximum"].get<int64_t>();
    const std::string head =
        "Invalid value: " + value.dump() + ": " + path + " in body should be ";
    if (!huge && n < min)
      add(Broken::kBounds, path,
          head + "greater than or equal to " + std::to_string(min));
    else if (huge || n > max)
      add(Broken::kBounds, path,
          head + "less than or equal to " + std::to_string(max));
  }

  std::vector<StructuralFault>& faults_;
};

}  // namespace

void apply_defaults(const Schema& schema, json& value) {
  if (value.is_array() && schema.contains("items")) {
    for (json& item : value) apply_defaults(schema["items"], item);
    return;
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items()) {
    const auto found = value.find(name);
    if (found == value.end() || found->is_null()) {
      if (!property.contains("default")) {
        value.erase(name);  // a null is pruned, as templates often leave one
        continue;
      }
      value[name] = json::parse(property["default"].dump());
    }
    apply_defaults(property, value[name]);
  }
}

std::string_view to_string(Broken broken) {
  switch (broken) {
    case Broken::kUnknownField:
      return "unknown-field";
    case Broken::kType:
      return "type";
    case Broken::kRequired:
      return "required";
    case Broken::kTooLong:
      return "too-long";
    case Broken::kTooShort:
      return "too-short";
    case Broken::kPattern:
      return "pattern";
    case Broken::kEnum:
      return "enum";
    case Broken::kBounds:
      return "bounds";
  }
  return "";
}

std::vector<StructuralFault> find_structural(const Schema& schema,
                                             const json& value) {
  std::vector<StructuralFault> faults;
  Checker(faults).check(schema, value, "");
  return faults;
}

std::vector<Fault> check_structure(const Schema& schema, const json& value) {
  std::vector<Fault> out;
  for (StructuralFault& one : find_structural(schema, value))
    out.push_back(std::move(one.fault));
  return out;
}

}  // namespace chrysalis::api
