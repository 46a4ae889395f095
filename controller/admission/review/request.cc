#include "controller/admission/review/request.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/json_value.h"

namespace chrysalis::admission {
namespace {

using nlohmann::json;

Result<> bad(std::string why) { return fail(Code::kInvalid, std::move(why)); }

// The key in front of what is wrong below it.
Result<> below(std::string_view key, Result<> inner) {
  if (!inner)
    inner.error().message = std::string(key) + "." + inner.error().message;
  return inner;
}

// What the frame and metadata have is far less.
constexpr size_t kMostKeys = 64;

// Walks an object once; each key may stand there once. `visit` says how it
// went with the value.
template <class Visit>
Result<> each(JsonValue& value, Visit visit) {
  if (value.type() != JsonValue::Type::kObject) return bad("must be an object");
  std::vector<std::string> seen;
  Result<> result;
  const bool whole = value.members([&](std::string_view key, JsonValue& item) {
    for (const std::string& before : seen)
      if (before == key) {
        result = bad(std::string(key.substr(0, 80)) + ": stands there twice");
        return false;
      }
    if (seen.size() == kMostKeys) {
      result = bad("more than " + std::to_string(kMostKeys) + " keys");
      return false;
    }
    seen.emplace_back(key);
    result = visit(key, item);
    return result.has_value();
  });
  if (result && !whole) return bad("broken JSON");
  return result;
}

Result<> read_text(std::string_view key, JsonValue& value, std::string& out) {
  if (value.is_null()) return {};
  const auto text = value.is_text() ? value.text() : std::nullopt;
  if (!text) return bad(std::string(key) + ": must be a string");
  out = *text;
  return {};
}

// Values as a tree, bounded.
class Tree {
 public:
  explicit Tree(const ReviewLimits& limits) : limits_(limits) {}

  Result<> read(JsonValue& value, json& out, size_t depth = 0) {
    if (++values_ > limits_.values)
      return bad("more than " + std::to_string(limits_.values) + " values");
    if (depth > limits_.depth)
      return bad("nested deeper than " + std::to_string(limits_.depth));
    switch (value.type()) {
      case JsonValue::Type::kNull:
        out = nullptr;
        return {};
      case JsonValue::Type::kBoolean:
        return keep(value.boolean(), out);
      case JsonValue::Type::kNumber:
        if (const auto whole = value.integer()) return keep(whole, out);
        return keep(value.number(), out);
      case JsonValue::Type::kText:
        return keep(value.text(), out);
      case JsonValue::Type::kArray:
        return read_array(value, out, depth);
      case JsonValue::Type::kObject:
        return read_object(value, out, depth);
      case JsonValue::Type::kBroken:
        break;
    }
    return bad("broken JSON");
  }

 private:
  template <class T>
  static Result<> keep(const std::optional<T>& value, json& out) {
    if (!value) return bad("broken JSON");
    out = *value;
    return {};
  }

  Result<> read_array(JsonValue& value, json& out, size_t depth) {
    out = json::array();
    Result<> result;
    const bool whole = value.elements([&](JsonValue& item) {
      out.push_back(nullptr);
      result = read(item, out.back(), depth + 1);
      return result.has_value();
    });
    if (result && !whole) return bad("broken JSON");
    return result;
  }

  Result<> read_object(JsonValue& value, json& out, size_t depth) {
    out = json::object();
    Result<> result;
    const bool whole =
        value.members([&](std::string_view key, JsonValue& item) {
          const auto [at, fresh] = out.emplace(std::string(key), nullptr);
          result = fresh ? read(item, *at, depth + 1)
                         : bad(std::string(key.substr(0, 80)) +
                               ": stands there twice");
          return result.has_value();
        });
    if (result && !whole) return bad("broken JSON");
    return result;
  }

  const ReviewLimits& limits_;
  size_t values_ = 0;
};

Result<> read_kind(JsonValue& value, ReviewRequest& out) {
  return each(value, [&](std::string_view key, JsonValue& item) -> Result<> {
    if (key == "group") return read_text(key, item, out.group);
    if (key == "version") return read_text(key, item, out.version);
    if (key == "kind") return read_text(key, item, out.kind);
    return {};
  });
}

Result<> read_metadata(Tree& tree, JsonValue& value, json& out) {
  out = json::object();
  return each(value, [&](std::string_view key, JsonValue& item) -> Result<> {
    if (key != "name" && key != "namespace") return {};
    return below(key, tree.read(item, out[std::string(key)]));
  });
}

// What the rules look at; of what else stands there nothing is kept.
Result<> read_object(Tree& tree, JsonValue& value, json& out) {
  if (value.is_null()) return {};
  out = json::object();
  return each(value, [&](std::string_view key, JsonValue& item) -> Result<> {
    if (key == "metadata")
      return below(key, read_metadata(tree, item, out["metadata"]));
    if (key == "apiVersion" || key == "kind" || key == "spec")
      return below(key, tree.read(item, out[std::string(key)]));
    return {};
  });
}

Result<> parse_operation(const std::string& text, Operation& out) {
  if (text == "CREATE")
    out = Operation::kCreate;
  else if (text == "UPDATE")
    out = Operation::kUpdate;
  else if (text == "DELETE")
    out = Operation::kDelete;
  else if (text == "CONNECT")
    out = Operation::kConnect;
  else
    return bad("operation: must be CREATE, UPDATE, DELETE or CONNECT");
  return {};
}

Result<> read_request(const ReviewLimits& limits, JsonValue& value,
                      ReviewRequest& out) {
  Tree tree(limits);
  std::string operation;
  CHRYSALIS_TRY(
      each(value, [&](std::string_view key, JsonValue& item) -> Result<> {
        if (key == "uid") return read_text(key, item, out.uid);
        if (key == "kind") return below(key, read_kind(item, out));
        if (key == "subResource") return read_text(key, item, out.subresource);
        if (key == "name") return read_text(key, item, out.name);
        if (key == "object")
          return below(key, read_object(tree, item, out.object));
        if (key == "oldObject")
          return below(key, read_object(tree, item, out.old));
        if (key == "operation") return read_text(key, item, operation);
        return {};
      }));
  if (out.uid.empty()) return bad("uid: Required value");
  return parse_operation(operation, out.operation);
}

Result<> read_frame(const ReviewLimits& limits, JsonValue& value,
                    ReviewRequest& out) {
  std::string version, kind;
  bool request = false;
  CHRYSALIS_TRY(
      each(value, [&](std::string_view key, JsonValue& item) -> Result<> {
        if (key == "apiVersion") return read_text(key, item, version);
        if (key == "kind") return read_text(key, item, kind);
        if (key != "request") return {};
        request = true;
        return below(key, read_request(limits, item, out));
      }));
  if (version != "admission.k8s.io/v1" || kind != "AdmissionReview")
    return bad(
        "expected an AdmissionReview of admission.k8s.io/v1, this is "
        "\"" +
        kind.substr(0, 80) + "\" of \"" + version.substr(0, 80) + "\"");
  if (!request) return bad("request: Required value");
  return {};
}

}  // namespace

ReadReview read_review(kube::JsonReader& reader, kube::PaddedJson text,
                       const ReviewLimits& limits) {
  ReadReview out;
  if (text.size > limits.bytes) {
    out.fault = "larger than " + std::to_string(limits.bytes) + " bytes";
    return out;
  }
  const auto read = reader.read(text, [&](JsonValue& value) {
    return read_frame(limits, value, out.request);
  });
  if (!read)
    out.fault =
        (read.error().code == Code::kCorrupt ? "no JSON object: " : "") +
        read.error().message;
  return out;
}

}  // namespace chrysalis::admission
