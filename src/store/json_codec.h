#pragma once

// From a list of members to JSON and back: a struct says its shape once,
//
//   template <> struct Shape<Nic> {
//     static void visit(auto&& v, auto& r) { v("id", r.id); v("mac", r.mac); }
//   };
//
// and write(), read() follow. Internal to src/store: it includes json.hpp.
// Errors of read: kInvalid with the path, "nics[1].mac: not a string".
// Thread-safety: pure functions.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/store/fields_json.h"

namespace chrysalis::store::codec {

using nlohmann::json;

template <class T>
struct Shape;

// All enumerators of E, and each one's text.
template <class E>
struct Enumerators;
template <>
struct Enumerators<model::PowerState> {
  static constexpr std::span<const model::PowerState> kAll =
      model::kPowerStates;
  static std::string_view text(model::PowerState e) { return to_string(e); }
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

template <class T>
json write(const T& value) {
  if constexpr (std::same_as<T, bool> || std::integral<T> ||
                std::same_as<T, std::string>) {
    return value;
  } else if constexpr (std::same_as<T, model::Bytes>) {
    return value.count;
  } else if constexpr (std::same_as<T, Wall>) {
    // Nanoseconds since the epoch: what a row says must come back the same.
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               value.time_since_epoch())
        .count();
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(Enumerators<T>::text(value));
  } else if constexpr (std::same_as<T, model::VmConfig> ||
                       std::same_as<T, model::VmSources>) {
    return to_json(value);
  } else if constexpr (kIsOptional<T>) {
    return value ? write(*value) : json(nullptr);
  } else if constexpr (kIsVector<T>) {
    json out = json::array();
    for (const auto& item : value) out.push_back(write(item));
    return out;
  } else {
    json out = json::object();
    Shape<T>::visit(
        [&](const char* key, const auto& member) {
          // An absent optional has no key, so that adding one changes no row.
          json written = write(member);
          if (!written.is_null()) out[key] = std::move(written);
        },
        value);
    return out;
  }
}

inline tl::unexpected<Error> wrong(std::string_view what) {
  return fail(Code::kInvalid, std::string(what));
}

template <class T>
Result<void> read_integer(const json& in, T& out) {
  if (in.is_number_unsigned()) {
    const auto n = in.get<uint64_t>();
    if (!std::in_range<T>(n)) return wrong("out of range");
    out = static_cast<T>(n);
    return {};
  }
  if (!in.is_number_integer()) return wrong("not a whole number");
  const auto n = in.get<int64_t>();
  if (!std::in_range<T>(n)) return wrong("out of range");
  out = static_cast<T>(n);
  return {};
}

template <class E>
Result<void> read_enum(const json& in, E& out) {
  const auto* text = in.get_ptr<const std::string*>();
  if (text == nullptr) return wrong("not a string");
  for (const E e : Enumerators<E>::kAll)
    if (Enumerators<E>::text(e) == *text) {
      out = e;
      return {};
    }
  return wrong("'" + text->substr(0, 40) + "' is none of the known values");
}

template <class T>
Result<void> read(const json& in, T& out, Absent absent);

template <class T>
Result<void> read_vector(const json& in, std::vector<T>& out, Absent absent) {
  if (!in.is_array()) return wrong("not a list");
  out.clear();
  for (const json& item : in)
    if (auto got = read(item, out.emplace_back(), absent); !got)
      return tl::unexpected<Error>(with_context(
          got.error(), "[" + std::to_string(out.size() - 1) + "]"));
  return {};
}

template <class T>
Result<void> read_object(const json& in, T& out, Absent absent) {
  if (!in.is_object()) return wrong("not an object");
  Result<void> outcome;
  size_t known = 0;
  Shape<T>::visit(
      [&]<class M>(const char* key, M& member) {
        if (!outcome) return;
        const auto found = in.find(key);
        if (found == in.end()) {
          if (absent == Absent::kRefused && !kIsOptional<M>)
            outcome = wrong(std::string(key) + ": missing");
          return;
        }
        ++known;
        if (auto got = read(*found, member, absent); !got)
          outcome = tl::unexpected<Error>(with_context(got.error(), key));
      },
      out);
  if (outcome && absent == Absent::kRefused && known != in.size())
    return wrong("has an unknown key");
  return outcome;
}

template <class T>
Result<void> read(const json& in, T& out, Absent absent) {
  if constexpr (std::same_as<T, bool>) {
    if (!in.is_boolean()) return wrong("not true or false");
    out = in.get<bool>();
    return {};
  } else if constexpr (std::integral<T>) {
    return read_integer(in, out);
  } else if constexpr (std::same_as<T, std::string>) {
    const auto* text = in.get_ptr<const std::string*>();
    if (text == nullptr) return wrong("not a string");
    out = *text;
    return {};
  } else if constexpr (std::same_as<T, model::Bytes>) {
    return read_integer(in, out.count);
  } else if constexpr (std::same_as<T, Wall>) {
    int64_t ns = 0;
    CHRYSALIS_TRY(read_integer(in, ns));
    out = Wall{std::chrono::duration_cast<Wall::duration>(
        std::chrono::nanoseconds{ns})};
    return {};
  } else if constexpr (std::is_enum_v<T>) {
    return read_enum(in, out);
  } else if constexpr (std::same_as<T, model::VmConfig>) {
    CHRYSALIS_ASSIGN(out, config_from_json(in, absent));
    return {};
  } else if constexpr (std::same_as<T, model::VmSources>) {
    CHRYSALIS_ASSIGN(out, sources_from_json(in, absent));
    return {};
  } else if constexpr (kIsOptional<T>) {
    if (in.is_null()) {
      out.reset();
      return {};
    }
    return read(in, out.emplace(), absent);
  } else if constexpr (kIsVector<T>) {
    return read_vector(in, out, absent);
  } else {
    return read_object(in, out, absent);
  }
}

// Canonical bytes: keys sorted, no spaces; what is no UTF-8 is replaced.
inline std::string to_bytes(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace chrysalis::store::codec
