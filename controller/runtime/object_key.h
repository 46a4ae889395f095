#pragma once

// The name of one object of one kind: what queues, caches and gates are keyed
// by. An empty namespace means a cluster-scoped object.
// Thread-safety: a value.

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace chrysalis::runtime {

struct ObjectKey {
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
};

// "namespace/name", or "name" alone: the form of logs and messages.
inline std::string to_string(const ObjectKey& key) {
  return key.ns.empty() ? key.name : key.ns + "/" + key.name;
}

struct ObjectKeyHash {
  size_t operator()(const ObjectKey& key) const noexcept {
    const size_t ns = std::hash<std::string>{}(key.ns);
    const size_t name = std::hash<std::string>{}(key.name);
    return name ^ (ns + 0x9e3779b97f4a7c15ULL + (name << 6) + (name >> 2));
  }
};

}  // namespace chrysalis::runtime
