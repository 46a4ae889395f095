#pragma once

// A random uid as an API server gives them: RFC 4122 version 4.
// Thread-safety: any thread.

#include <string>

namespace chrysalis::runtime::directory {

std::string new_uid();

}  // namespace chrysalis::runtime::directory
