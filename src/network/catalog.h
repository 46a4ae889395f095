#pragma once

// The networks of this node: NETWORK_ROOT/NAME.conflist (a CNI configuration
// list) and a built-in `default`.
// Thread-safety: const; reads the directory at each call, so a changed file
//                is seen by the next VM.
// Errors:        kNotFound - no such network here; the message names the file;
//                kInvalid - the name or the file's text is wrong;
//                kUnavailable - the directory cannot be read.
// Hostile input: names are resolved beneath the root without links; a file is
//                at most 1 MiB, 32 levels deep.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace chrysalis::network {

inline constexpr std::string_view kDefaultNetwork = "default";
inline constexpr uint16_t kDefaultMtu = 1500;

struct NetworkDefinition {
  std::string name;
  uint16_t mtu = kDefaultMtu;  // of the first plugin that names one
  bool built_in = false;
};

class NetworkCatalog {
 public:
  // root need not exist: then only the built-in network is there.
  explicit NetworkCatalog(std::filesystem::path root)
      : root_(std::move(root)) {}

  // A file default.conflist replaces the built-in network.
  [[nodiscard]] Result<NetworkDefinition> find(std::string_view name) const;

  // "The node's first": the lexicographically first file, else `default`.
  [[nodiscard]] Result<NetworkDefinition> first() const;

  // Names, sorted; for messages and doctor. Unreadable files are listed too.
  [[nodiscard]] Result<std::vector<std::string>> names() const;

 private:
  // The files alone, sorted, without the built-in.
  [[nodiscard]] Result<std::vector<std::string>> conflist_names() const;

  std::filesystem::path root_;
};

// The text of a conflist. PURE. kInvalid with the reason. The network is
// called as its file; an mtu is 1280..65535, 0 counts as not named.
[[nodiscard]] Result<NetworkDefinition> parse_conflist(std::string_view name,
                                                       std::string_view text);

}  // namespace chrysalis::network
