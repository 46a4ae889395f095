#include "controller/api/pattern.h"

#include <map>
#include <regex>

namespace chrysalis::api {

bool matches(const std::string& text, const std::string& pattern) {
  // The patterns are ours, a handful, anchored and free of look-around. To
  // compile one takes 50 times as long as to match a name.
  thread_local std::map<std::string, std::regex> compiled;
  auto found = compiled.find(pattern);
  if (found == compiled.end())
    found = compiled.emplace(pattern, std::regex(pattern)).first;
  return std::regex_match(text, found->second);
}

}  // namespace chrysalis::api
