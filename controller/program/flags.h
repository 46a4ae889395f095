#pragma once

// The command line: `chrysalis SUBCOMMAND --flag ...`. Every flag may also be
// given by the environment (--state-dir: CHRYSALIS_STATE_DIR) and by a YAML
// file (`--config FILE`, the flags' names as keys). A flag wins over the
// environment, that over the file.
// Errors: kInvalid - what is wrong, where: the flag, or file, line and key.

#include <span>
#include <string>
#include <variant>

#include "controller/program/options.h"
#include "src/base/result.h"

namespace chrysalis::program {

// Text that was asked for (--help): print it and end well.
struct Help {
  std::string text;
};

Result<std::variant<Options, Help>> parse_flags(
    std::span<const std::string> arguments);

}  // namespace chrysalis::program
