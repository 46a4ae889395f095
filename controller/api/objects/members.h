#pragma once

// How a struct is read from and written to JSON: one table of its members
// serves both ways (Members<T>), a codec a type does the rest. Internal to the
// codec files of this folder. PURE.
//
// Reading is total: null counts as absent, an unknown key is skipped, the last
// of two equal keys counts. An error's message is the path from here on:
// ".powerState: must be a string".

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "src/base/clock.h"
#include "src/base/json_value.h"
#include "src/base/result.h"
#include "src/model/values.h"

namespace chrysalis::api::codec {

using nlohmann::json;

// "must be ..." of the value that is read now.
inline Result<> misfit(std::string wanted) {
  return fail(Code::kInvalid, ": " + std::move(wanted));
}
// Puts a key or an index in front of the path.
inline Result<> below(std::string_view key, Result<> inner) {
  if (!inner)
    inner.error().message = "." + std::string(key) + inner.error().message;
  return inner;
}

// read(value, out), absent(value): has no key, write(value).
template <class T>
struct Codec;

template <class T>
struct Member {
  std::string_view key;
  Result<> (*read)(JsonValue& value, T& out);
  std::optional<json> (*write)(const T& from);  // nullopt: it has no key
};

// Specialised with `static constexpr Member<T> kList[]`.
template <class T>
struct Members;
template <class T>
concept HasMembers = requires { Members<T>::kList[0].key; };

template <auto M>
struct PointsTo;
template <class O, class V, V O::* M>
struct PointsTo<M> {
  using Object = O;
  using Value = V;
};

enum class Zero : uint8_t { kIsSaid, kIsAbsent };

// The usual row of a table: a data member under a key.
template <auto M, Zero zero = Zero::kIsSaid>
constexpr auto member(std::string_view key) {
  using O = typename PointsTo<M>::Object;
  using V = typename PointsTo<M>::Value;
  return Member<O>{
      key,
      [](JsonValue& value, O& out) { return Codec<V>::read(value, out.*M); },
      [](const O& from) -> std::optional<json> {
        if constexpr (zero == Zero::kIsAbsent)
          if (from.*M == V{}) return std::nullopt;
        if (Codec<V>::absent(from.*M)) return std::nullopt;
        return Codec<V>::write(from.*M);
      }};
}

// Reads the keys that the table names into `out`; others go to `rest`, which
// says whether it went well.
template <class T, class Rest>
Result<> read_members(JsonValue& value, T& out, Rest&& rest) {
  Result<> result;
  const bool whole = value.members([&](std::string_view key, JsonValue& item) {
    if (item.is_null()) return true;
    for (const Member<T>& known : Members<T>::kList)
      if (known.key == key) {
        result = below(key, known.read(item, out));
        return result.has_value();
      }
    result = rest(key, item);
    return result.has_value();
  });
  if (result && !whole) return misfit("must be an object");
  return result;
}

template <class T>
json write_members(const T& from) {
  json out = json::object();
  for (const Member<T>& known : Members<T>::kList)
    if (auto value = known.write(from))
      out[std::string(known.key)] = std::move(*value);
  return out;
}

template <class T>
struct AlwaysSaid {
  static bool absent(const T&) { return false; }
};

template <HasMembers T>
struct Codec<T> : AlwaysSaid<T> {
  static Result<> read(JsonValue& value, T& out) {
    T fresh{};
    CHRYSALIS_TRY(
        read_members(value, fresh, [](auto, auto&) { return Result<>{}; }));
    out = std::move(fresh);
    return {};
  }
  static json write(const T& from) { return write_members(from); }
};

template <>
struct Codec<std::string> {
  static bool absent(const std::string& text) { return text.empty(); }
  static Result<> read(JsonValue& value, std::string& out) {
    const auto text = value.text();
    if (!text) return misfit("must be a string");
    out = *text;
    return {};
  }
  static json write(const std::string& from) { return from; }
};

template <>
struct Codec<bool> : AlwaysSaid<bool> {
  static Result<> read(JsonValue& value, bool& out) {
    const auto truth = value.boolean();
    if (!truth) return misfit("must be true or false");
    out = *truth;
    return {};
  }
  static json write(bool from) { return from; }
};

template <std::integral T>
struct Codec<T> : AlwaysSaid<T> {
  static Result<> read(JsonValue& value, T& out) {
    const auto number = value.integer();
    if (!number) return misfit("must be a whole number");
    if (!std::in_range<T>(*number))
      return misfit(std::to_string(*number) + " is out of range");
    out = static_cast<T>(*number);
    return {};
  }
  static json write(T from) { return from; }
};

template <>
struct Codec<seconds> : AlwaysSaid<seconds> {
  static Result<> read(JsonValue& value, seconds& out) {
    uint32_t count = 0;
    CHRYSALIS_TRY(Codec<uint32_t>::read(value, count));
    out = seconds(count);
    return {};
  }
  static json write(seconds from) { return from.count(); }
};

template <>
struct Codec<Wall> : AlwaysSaid<Wall> {
  static Result<> read(JsonValue& value, Wall& out) {
    const auto text = value.text();
    const auto time = text ? parse_rfc3339(*text) : std::nullopt;
    if (!time) return misfit("must be an RFC 3339 time");
    out = *time;
    return {};
  }
  static json write(Wall from) { return to_rfc3339(from); }
};

// A quantity: int or string.
template <>
struct Codec<model::Bytes> : AlwaysSaid<model::Bytes> {
  static Result<> read(JsonValue& value, model::Bytes& out) {
    std::optional<model::Bytes> bytes;
    if (value.is_text()) {
      if (const auto text = value.text()) bytes = model::parse_quantity(*text);
    } else if (const auto number = value.integer(); number && *number >= 0) {
      bytes = model::Bytes{static_cast<uint64_t>(*number)};
    }
    if (!bytes) return misfit("must be a quantity of whole bytes");
    out = *bytes;
    return {};
  }
  static json write(model::Bytes from) { return model::format_quantity(from); }
};

// Specialised with `static constexpr std::span<const E> all`.
template <class E>
struct Names;
template <class E>
  requires std::is_enum_v<E>
struct Codec<E> : AlwaysSaid<E> {
  static Result<> read(JsonValue& value, E& out) {
    const auto text = value.text();
    if (!text) return misfit("must be a string");
    for (const E one : Names<E>::kAll)
      if (to_string(one) == *text) {
        out = one;
        return {};
      }
    return misfit("no such value: \"" + std::string(text->substr(0, 64)) +
                  "\"");
  }
  static json write(E from) { return std::string(to_string(from)); }
};

template <class T>
struct Codec<std::optional<T>> {
  static bool absent(const std::optional<T>& from) { return !from; }
  static Result<> read(JsonValue& value, std::optional<T>& out) {
    T inner{};
    CHRYSALIS_TRY(Codec<T>::read(value, inner));
    out = std::move(inner);
    return {};
  }
  static json write(const std::optional<T>& from) {
    return Codec<T>::write(*from);
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static bool absent(const std::vector<T>& from) { return from.empty(); }
  static Result<> read(JsonValue& value, std::vector<T>& out) {
    std::vector<T> fresh;
    Result<> result;
    const bool whole = value.elements([&](JsonValue& item) {
      result = Codec<T>::read(item, fresh.emplace_back());
      if (!result)
        result.error().message = "[" + std::to_string(fresh.size() - 1) + "]" +
                                 result.error().message;
      return result.has_value();
    });
    if (result && !whole) return misfit("must be a list");
    if (result) out = std::move(fresh);
    return result;
  }
  static json write(const std::vector<T>& from) {
    json out = json::array();
    for (const T& item : from) out.push_back(Codec<T>::write(item));
    return out;
  }
};

}  // namespace chrysalis::api::codec
