#pragma once

// `chrysalis check FILE...`: says offline what `kubectl apply` would say.
// Errors: a file that cannot be read, or is beyond the bound; none is judged
// then.

#include <string>

#include "controller/program/options.h"
#include "src/base/result.h"

namespace chrysalis::program {

struct Checked {
  std::string text;   // to print, as --output asks
  int exit_code = 0;  // 1: something would be refused
};

Result<Checked> run_check(const CheckOptions& options);

}  // namespace chrysalis::program
