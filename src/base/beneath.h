#pragma once

// Opening what somebody else wrote: beneath a directory, through no link,
// and never anything but the kind asked for.
//
// Thread-safety: any thread; no state.
// Errors: kNotFound; kInvalid - a link, an escape, another kind of file, each
//   named; kUnsupported - a kernel without openat2 (older than 5.6): there is
//   no fallback, a check before an open would be a race.

#include <filesystem>
#include <string>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis {

// name: one or more components. `shown` is the whole path, for messages only.
[[nodiscard]] Result<UniqueFd> open_directory_beneath(
    int root, const std::string& name, const std::filesystem::path& shown);

// A regular file for reading. A FIFO or a device is refused, not waited for.
[[nodiscard]] Result<UniqueFd> open_file_beneath(
    int directory, const std::string& name, const std::filesystem::path& shown);

}  // namespace chrysalis
