#pragma once

// Files of a directory that others could write to: opened beneath it by one
// name, never through a link, regular files only, bounded.
// Thread-safety: no shared state.
// Errors: kCorrupt - not there, not a regular file, or too large.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::hypervisor {

[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& dir,
                                            std::string_view name, size_t max);
[[nodiscard]] Result<uint64_t> file_size(const std::filesystem::path& dir,
                                         std::string_view name);
// A new file with the old one's owner and mode takes its name; not durable.
// The old one's bytes stay as they are, for whoever else links them.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& dir,
                                        std::string_view name,
                                        std::string_view bytes);

}  // namespace chrysalis::hypervisor
