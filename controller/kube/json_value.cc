#include "controller/kube/json_value.h"

#include <simdjson.h>

#include <string>

namespace chrysalis::kube {
namespace {

namespace od = simdjson::ondemand;

class Walked final : public JsonValue {
 public:
  explicit Walked(od::value value) : value_(value) {}

  Type type() override {
    od::json_type type{};
    return value_.type().get(type) ? Type::kBroken : type_of(type);
  }

  std::optional<std::string_view> text() override {
    std::string_view out;
    if (value_.get_string().get(out)) return std::nullopt;
    return out;
  }
  std::optional<int64_t> integer() override {
    int64_t out = 0;
    // get_int64() would take "1" as well as 1 in some versions.
    if (type() != Type::kNumber || value_.get_int64().get(out))
      return std::nullopt;
    return out;
  }
  std::optional<double> number() override {
    double out = 0;
    if (type() != Type::kNumber || value_.get_double().get(out))
      return std::nullopt;
    return out;
  }
  std::optional<bool> boolean() override {
    bool out = false;
    if (value_.get_bool().get(out)) return std::nullopt;
    return out;
  }
  bool members(Member visit) override {
    od::object object;
    return !value_.get_object().get(object) && walk(object, visit);
  }
  bool elements(Element visit) override {
    od::array array;
    if (value_.get_array().get(array)) return false;
    for (auto element : array) {
      od::value one;
      if (element.get(one)) return false;
      Walked value(one);
      if (!visit(value)) return false;
    }
    return true;
  }

  static bool walk(od::object& object, Member visit) {
    for (auto field : object) {
      std::string_view key;
      od::value one;
      if (field.unescaped_key().get(key) || field.value().get(one))
        return false;
      Walked value(one);
      if (!visit(key, value)) return false;
    }
    return true;
  }

 private:
  static Type type_of(od::json_type type) {
    switch (type) {
      case od::json_type::null:
        return Type::kNull;
      case od::json_type::boolean:
        return Type::kBoolean;
      case od::json_type::number:
        return Type::kNumber;
      case od::json_type::string:
        return Type::kText;
      case od::json_type::array:
        return Type::kArray;
      case od::json_type::object:
        return Type::kObject;
    }
    return Type::kBroken;
  }

  od::value value_;
};

// The whole text: an object.
class Whole final : public JsonValue {
 public:
  explicit Whole(od::object object) : object_(object) {}
  Type type() override { return Type::kObject; }
  std::optional<std::string_view> text() override { return std::nullopt; }
  std::optional<int64_t> integer() override { return std::nullopt; }
  std::optional<double> number() override { return std::nullopt; }
  std::optional<bool> boolean() override { return std::nullopt; }
  bool members(Member visit) override { return Walked::walk(object_, visit); }
  bool elements(Element) override { return false; }

 private:
  od::object object_;
};

tl::unexpected<Error> corrupt(simdjson::error_code error) {
  return fail(Code::kCorrupt, simdjson::error_message(error));
}

}  // namespace

struct JsonReader::Impl {
  od::parser parser;
};

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

Result<> JsonReader::read(PaddedJson json,
                          FunctionRef<Result<>(JsonValue&)> read) {
  od::document document;
  if (auto e =
          impl_->parser.iterate(json.data, json.size, json.size + kJsonPadding)
              .get(document))
    return corrupt(e);
  od::object object;
  if (auto e = document.get_object().get(object)) return corrupt(e);
  Whole value(object);
  return read(value);
}

}  // namespace chrysalis::kube
