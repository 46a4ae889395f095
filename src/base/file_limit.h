#pragma once

// How many files this process may have open. An agent holds several of each
// VM, and a node has hundreds; the usual soft limit is 1024.

#include "src/base/result.h"

namespace chrysalis {

// The soft limit becomes the hard one. What is executed from then on inherits
// it. kUnavailable: it stays as it was.
[[nodiscard]] Result<> raise_file_limit();

}  // namespace chrysalis
