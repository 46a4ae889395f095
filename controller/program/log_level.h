#pragma once

#include "controller/program/options.h"
#include "src/base/log.h"

namespace chrysalis::program {

// flags.cc lets no other word through.
inline void set_log_level(const LogOptions& options) {
  using log::Level;
  log::set_level(options.level == "debug"     ? Level::kDebug
                 : options.level == "warning" ? Level::kWarning
                 : options.level == "error"   ? Level::kError
                                              : Level::kInfo);
}

}  // namespace chrysalis::program
