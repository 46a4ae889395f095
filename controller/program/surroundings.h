#pragma once

// What a program was started in, as main.cc read it: nothing below reads the
// environment. Plain data.

#include <filesystem>

#include "controller/kube/config/find_access.h"

namespace chrysalis::program {

struct Surroundings {
  kube::AccessSources access;     // without what the flags say
  std::filesystem::path program;  // the file of this very program
};

}  // namespace chrysalis::program
