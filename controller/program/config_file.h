#pragma once

// A flat YAML file of settings: one `key: value` a line. Bounded; never
// throws. Errors: kInvalid with file and line.

#include <filesystem>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace chrysalis::program {

struct Setting {
  std::string key, value;
  int line = 0;  // from 1
};

Result<std::vector<Setting>> read_settings(const std::filesystem::path& file);

}  // namespace chrysalis::program
