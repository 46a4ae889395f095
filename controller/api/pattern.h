#pragma once

// Does a text match a pattern of the schema, whole? PURE.
// REQUIRES: text is bounded (the schema's maxLength is checked before), as the
// library's matcher recurses a level a character.

#include <string>

namespace chrysalis::api {

bool matches(const std::string& text, const std::string& pattern);

}  // namespace chrysalis::api
