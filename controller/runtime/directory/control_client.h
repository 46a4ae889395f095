#pragma once

// The asking end of STATE/control.sock: what `chrysalis delete` does.
// Blocks, bounded by the request's wait and kControlGrace.
// Errors: kUnavailable: no standalone runs on this state (it says where it
//   looked); kTimeout: accepted, but not gone yet; the server's otherwise.

#include <filesystem>
#include <string>

#include "controller/runtime/directory/control_protocol.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

inline constexpr seconds kControlGrace{10};

// The line to print when it is done.
Result<std::string> ask_standalone(const std::filesystem::path& socket,
                                   const DeleteRequest& request,
                                   const Clock& clock);

}  // namespace chrysalis::runtime::directory
