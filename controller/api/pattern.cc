#include "controller/api/pattern.h"

#include <regex>

namespace chrysalis::api {

bool matches(const std::string& text, const std::string& pattern) {
  // The patterns are ours, a handful, anchored and free of look-around.
  return std::regex_match(text, std::regex(pattern));
}

}  // namespace chrysalis::api
