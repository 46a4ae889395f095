#pragma once

// The hash of a large, sparse file: sha256 over the sha256 of each 1 MiB chunk
// (the last one shorter). A hole hashes as its zeros do, but is not read.
//
// Thread-safety: any thread; no state. One chunk of memory a call.
// Errors: kConflict - the file shrank; kUnavailable - the disk, OpenSSL.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "src/base/file_system.h"
#include "src/base/result.h"

namespace chrysalis {

inline constexpr uint64_t kChunkBytes = 1 << 20;

// Lower-case hex. Reads `bytes` from the start; the file offset may move.
[[nodiscard]] Result<std::string> tree_hash(int fd, uint64_t bytes,
                                            const std::filesystem::path& shown);
[[nodiscard]] Result<std::string> tree_hash(File& file, uint64_t bytes,
                                            const std::filesystem::path& shown);
[[nodiscard]] Result<std::string> tree_hash(std::string_view content);

// Sees each chunk that was read, in order; holes are not. May change the file
// where it was read already, as long as it reads the same (punch zeros).
using OnChunk =
    std::function<Result<void>(uint64_t offset, std::span<const char> chunk)>;
[[nodiscard]] Result<std::string> tree_hash(File& file, uint64_t bytes,
                                            const std::filesystem::path& shown,
                                            const OnChunk& on_chunk);

// Plain sha256, lower-case hex: what sha256sum prints. Of a file: all of it.
[[nodiscard]] Result<std::string> sha256_hex(std::string_view text);
[[nodiscard]] Result<std::string> sha256_hex(
    int fd, const std::filesystem::path& shown);
[[nodiscard]] Result<std::string> sha256_hex(File& file);

}  // namespace chrysalis
