#include "controller/program/version.h"

namespace chrysalis::program {

std::string_view version() { return CHRYSALIS_VERSION; }

}  // namespace chrysalis::program
