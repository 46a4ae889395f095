#pragma once

// Does a manifest agree with itself? Internal to src/store; the second half of
// decode_manifest. PURE. Errors: kCorrupt, the path of what is wrong.

#include "src/base/result.h"
#include "src/store/manifest.h"

namespace chrysalis::store {

Result<void> check_manifest(const Manifest& manifest);

// A sha256 in lower-case hex: it names a file of STATE/bin.
bool is_sha256(std::string_view text);

}  // namespace chrysalis::store
