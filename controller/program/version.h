#pragma once

#include <string_view>

namespace chrysalis::program {

// "0.1.0", as the build says.
std::string_view version();

}  // namespace chrysalis::program
